"""Why a reminder, a call or a follow-up is in its state: closed lists of codes, each with its sentence.

Codes are stored and compared. Pages, the admin and the API show the sentences. All of them are in
SENTENCES, so no two codes are the same. What patients hear or read comes from the scripts, not from here.
"""

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from reminders.rules.states import CallState


class Reason(models.TextChoices):
    """Why a reminder is sent, waits, is held, is not needed, or has ended."""

    # it is sent
    DUE = "due", _("It is due.")
    ORDERED = "ordered", _("Someone pressed “Call now”.")
    # it waits
    NOT_DUE_YET = "not_due_yet", _("It is not due yet.")
    BROUGHT_FORWARD = (
        "brought_forward",
        _("It is sent earlier, since no calling hours are left between its time and the appointment."),
    )
    OUTSIDE_CALLING_HOURS = "outside_calling_hours", _("It waits for the calling hours.")
    LINE_BUSY = "line_busy", _("Another call to this number has not ended yet.")
    HELD_BY_CAP = "held_by_cap", _("This number has had enough calls for now.")
    DESK_PACE = "desk_pace", _("It waits its turn so that the desk can keep up with callbacks.")
    ROBOTALKER_TROUBLE = "robotalker_trouble", _("Robotalker did not accept it; it will be tried again.")
    TRY_AGAIN = "try_again", _("The last try did not reach anybody; it will be tried again.")
    TEXT_FOLLOWS = "text_follows", _("No call reached anybody; a text message follows.")
    # it is held until a person does something
    SENDING_PAUSED = "sending_paused", _("All sending is paused.")
    LOCATION_PAUSED = "location_paused", _("Calls and text messages of its location are paused.")
    SANDBOX_MODE = (
        "sandbox_mode",
        _("Callboard is in sandbox mode, so nothing is sent to Robotalker."),
    )
    CAMPAIGN_PAUSED = "campaign_paused", _("Its campaign is not active.")
    NO_NUMBER = "no_number", _("There is no number to call.")
    NUMBER_UNUSABLE = "number_unusable", _("The number can't be reached; it must be corrected.")
    NO_CONSENT = "no_consent", _("This number is recorded as “no consent known”.")
    NO_COMMON_HOURS = (
        "no_common_hours",
        _("There is no hour when this number may be called; enter the contact's time zone."),
    )
    NO_SCRIPT = "no_script", _("The script has no text in a language we can use.")
    # it is not needed, or not allowed
    OPTED_OUT = "opted_out", _("The number has opted out.")
    OTHER_NUMBER_OPTED_OUT = (
        "other_number_opted_out",
        _(
            "The patient's other number has opted out, and each of the two may be called for the other, so "
            "this one isn't called either."
        ),
    )
    CONSENT_LACKING = (
        "consent_lacking",
        _("This campaign is only for patients who agreed to it, and that isn't recorded for this number."),
    )
    WANTS_NO_REMINDERS = (
        "wants_no_reminders",
        _("The patient wants no calls or text messages from a machine, so staff have to contact them."),
    )
    WANTS_NO_CALLS = "wants_no_calls", _("The patient wants text messages only, and this would be a call.")
    WANTS_NO_TEXTS = (
        "wants_no_texts",
        _("The patient wants calls only, and this would be a text message."),
    )
    CONFIRMED = "confirmed", _("The appointment is already confirmed.")
    NOT_CONFIRMED = "not_confirmed", _("The step is for confirmed appointments only.")
    WANTS_ANOTHER_TIME = "wants_another_time", _("The patient asked for another time; staff will arrange it.")
    CANCELLED = "cancelled", _("The appointment was cancelled.")
    VISIT_RECORDED = "visit_recorded", _("The visit is already recorded.")
    MOVED = "moved", _("The appointment was moved; this was for the old time.")
    NOT_COVERED = "not_covered", _("The campaign no longer covers this appointment.")
    PAST_WHEN_BOOKED = (
        "past_when_booked",
        _("Its time had already passed when the appointment was booked or moved."),
    )
    NOT_AT_ONCE = (
        "not_at_once",
        _("It was to be sent at once after a late booking, and that was outside calling hours."),
    )
    BOOKED_TOO_SHORTLY = (
        "booked_too_shortly",
        _("The appointment was booked or moved so shortly before it that no time is left for this."),
    )
    BOOKING_UNKNOWN = (
        "booking_unknown",
        _("It came with a list, which doesn't say when it was booked."),
    )
    NEVER_IN_TIME = (
        "never_in_time",
        _("Its time would be too late for an appointment at this hour."),
    )
    NEVER_IN_HOURS = (
        "never_in_hours",
        _("There are no calling hours between its time and the appointment."),
    )
    BEFORE_ACTIVATION = "before_activation", _("Its time had already passed when the campaign was activated.")
    BEFORE_STEP = (
        "before_step",
        _("Its time had already passed when this step was added or its time was changed."),
    )
    BEFORE_FILTERS = (
        "before_filters",
        _("Its time had already passed when the campaign came to cover this appointment."),
    )
    BEFORE_LIVE = "before_live", _("Its time had already passed when Callboard went live.")
    TRIAL_UNVERIFIED = (
        "trial_unverified",
        _("It would have been sent, but Callboard is on trial, and this is not a verified number of staff."),
    )
    TRIAL_FULL = (
        "trial_full",
        _("It would have been sent, but as much as a trial allows had gone out in the 24 hours before."),
    )
    DEMO_CONTACT = "demo_contact", _("This is a made-up patient of the demo clinic, who is never called.")
    SKIPPED_AFTER_PAUSE = (
        "skipped_after_pause",
        _("It fell due during a pause, and a staff member decided not to send it afterwards."),
    )
    SKIPPED_BY_PERSON = "skipped_by_person", _("A staff member decided not to send it.")
    # it ended
    TOO_LATE = "too_late", _("It could not be sent in time.")
    REACHED = "reached", _("The call was answered.")
    VOICEMAIL = "voicemail", _("It reached a voicemail.")
    DELIVERED = "delivered", _("The text message was delivered.")
    NOT_REACHED = "not_reached", _("Nobody was reached after all tries.")
    REJECTED = "rejected", _("Robotalker rejected it.")
    SETTLED_BY_PERSON = "settled_by_person", _("A staff member settled it.")


# Whether a person chose that a reminder isn't sent for this reason: the patient by opting out, staff by an
# order, or whoever set the step and the campaign. An appointment whose reminders all ended by choice needs
# nobody's attention; any other without an answer does (product rule 57, visit_standings.py).
IS_CHOSEN: dict[str, bool] = {
    Reason.DUE: False,
    Reason.ORDERED: False,
    Reason.NOT_DUE_YET: False,
    Reason.BROUGHT_FORWARD: False,
    Reason.OUTSIDE_CALLING_HOURS: False,
    Reason.LINE_BUSY: False,
    Reason.HELD_BY_CAP: False,
    Reason.DESK_PACE: False,
    Reason.ROBOTALKER_TROUBLE: False,
    Reason.TRY_AGAIN: False,
    Reason.TEXT_FOLLOWS: False,
    Reason.SENDING_PAUSED: False,
    Reason.LOCATION_PAUSED: False,
    Reason.SANDBOX_MODE: False,
    Reason.CAMPAIGN_PAUSED: True,
    Reason.NO_NUMBER: False,
    Reason.NUMBER_UNUSABLE: False,
    Reason.NO_CONSENT: False,
    Reason.NO_COMMON_HOURS: False,
    Reason.NO_SCRIPT: False,
    Reason.OPTED_OUT: True,
    Reason.OTHER_NUMBER_OPTED_OUT: False,  # somebody else of the household may have said it
    Reason.CONSENT_LACKING: True,  # whoever set the campaign chose to leave them out
    Reason.WANTS_NO_REMINDERS: True,  # the patient's own wish, like an opt-out
    Reason.WANTS_NO_CALLS: True,
    Reason.WANTS_NO_TEXTS: True,
    Reason.CONFIRMED: False,  # the answer may have been for an older revision since
    Reason.NOT_CONFIRMED: True,  # the step's audience
    Reason.WANTS_ANOTHER_TIME: False,
    Reason.CANCELLED: True,
    Reason.VISIT_RECORDED: False,  # recorded by mistake, and put back to booked
    Reason.MOVED: True,
    Reason.NOT_COVERED: True,  # the campaign's filter
    Reason.PAST_WHEN_BOOKED: True,  # the step says: skip it
    Reason.NOT_AT_ONCE: True,  # the step says: at once, or not at all
    Reason.BOOKED_TOO_SHORTLY: True,  # the step is for visits that are booked early enough
    Reason.BOOKING_UNKNOWN: True,  # the step is for visits that are booked here
    Reason.NEVER_IN_TIME: True,  # the step's timing; counted where the campaign is activated
    Reason.NEVER_IN_HOURS: True,  # the step says: skip it; counted there as well
    Reason.BEFORE_ACTIVATION: True,
    Reason.BEFORE_STEP: True,
    Reason.BEFORE_FILTERS: True,
    Reason.BEFORE_LIVE: True,  # whoever went live chose the moment
    Reason.TRIAL_UNVERIFIED: True,  # a trial is chosen, and shows what would have been sent
    Reason.TRIAL_FULL: True,
    Reason.DEMO_CONTACT: True,
    Reason.SKIPPED_AFTER_PAUSE: True,
    Reason.SKIPPED_BY_PERSON: True,
    Reason.TOO_LATE: False,
    Reason.REACHED: False,
    Reason.VOICEMAIL: False,
    Reason.DELIVERED: False,
    Reason.NOT_REACHED: False,
    Reason.REJECTED: False,
    Reason.SETTLED_BY_PERSON: True,
}

# Why a reminder that is due stays held until a person enters or corrects something about the patient.
HELD_BY_DATA = (
    Reason.NO_NUMBER,
    Reason.NUMBER_UNUSABLE,
    Reason.NO_CONSENT,
    Reason.NO_COMMON_HOURS,
    Reason.NO_SCRIPT,
)

# On trial it was not sent, and would have been.
WOULD_HAVE_BEEN_SENT = (Reason.TRIAL_UNVERIFIED, Reason.TRIAL_FULL)


class CallReason(models.TextChoices):
    """Why a call is in its state. Pages show it beside the state, so no sentence repeats the state."""

    # the request to Robotalker failed: robotalker/errors.py, ErrorCode
    NEVER_LEFT = "never_left", _("Robotalker could not be reached.")
    NAME_NOT_FOUND = "name_not_found", _("Robotalker's internet address could not be found.")
    CONNECTION_REFUSED = "connection_refused", _("Robotalker did not accept the connection.")
    TLS_FAILED = "tls_failed", _("No secure connection to Robotalker could be made.")
    CONNECT_TIMED_OUT = "connect_timed_out", _("Robotalker could not be reached in time.")
    BAD_REQUEST = "bad_request", _("Robotalker found a mistake in our request.")
    REQUEST_REFUSED = "request_refused", _("Robotalker does not allow this for our account.")
    KEY_REFUSED = "key_refused", _("Robotalker did not accept the practice's API key.")
    RATE_LIMITED = "rate_limited", _("Robotalker asked us to slow down.")
    SERVER_ERROR = "server_error", _("Robotalker had an internal error.")
    MAY_HAVE_ARRIVED = "may_have_arrived", _("The connection to Robotalker broke while sending.")
    READ_TIMED_OUT = "read_timed_out", _("Robotalker did not answer in time.")
    DEADLINE_PASSED = "deadline_passed", _("Robotalker took too long to answer.")
    CONNECTION_LOST = "connection_lost", _("The connection to Robotalker broke before its answer came.")
    ANSWER_TOO_LARGE = "answer_too_large", _("Robotalker's answer was too long to read.")
    ANSWER_UNUSABLE = "answer_unusable", _("Robotalker's answer could not be understood.")
    STATUS_UNCLEAR = "status_unclear", _("Robotalker did not say whether it accepted this.")
    # Callboard itself failed: traffic/local_faults.py, sweeps/reconciliation.py
    SLEPT_TOO_LONG = "slept_too_long", _("The server was suspended just before sending.")
    HELD_BACK = "held_back", _("Sending stopped just before its turn.")
    NOT_WRITABLE = "not_writable", _("There is a mistake in the number or the script.")
    NOT_BUILT = "not_built", _("Callboard had an internal error before sending.")
    INTERRUPTED = "interrupted", _("Callboard had an internal error while sending.")
    SENDER_LOST = "sender_lost", _("Callboard was stopped while sending.")
    MODE_FORBIDS = "mode_forbids", _("Callboard's mode does not allow it to send this to Robotalker.")
    # several calls went out together
    GROUP_REFUSED = (
        "group_refused",
        _("Robotalker did not accept several calls at once; this one will be sent on its own."),
    )
    # what Robotalker reported, or did not report
    BUSY = "busy", _("The line was busy.")
    CARRIER = "carrier", _("The phone network could not connect the call.")
    INVALID_NUMBER = "invalid_number", _("The number doesn't exist.")
    DECLINED = "declined", _("The call was declined.")
    UNREACHABLE = "unreachable", _("The phone was switched off or out of reach.")
    BLOCKED = "blocked", _("The phone network blocked it.")
    CANNOT_TEXT = "cannot_text", _("This number can't get text messages.")
    OPTED_OUT_THERE = "opted_out_there", _("Robotalker or the phone network has this number as opted out.")
    OTHER = "other", _("Robotalker gave another reason.")
    NO_REPORT = "no_report", _("No report came in time.")
    NO_SUCH_CALL = "no_such_call", _("Robotalker has no record of this call.")
    OTHER_NUMBER = "other_number", _("Robotalker's record of this call has a different number.")
    # staff settled it
    GIVEN_UP = "given_up", _("We are no longer waiting for a report.")


# Robotalker's own words for why a call failed, as far as we know them.
CALL_REASONS_OF_ROBOTALKER = frozenset(
    {
        CallReason.BUSY,
        CallReason.CARRIER,
        CallReason.INVALID_NUMBER,
        CallReason.DECLINED,
        CallReason.UNREACHABLE,
        CallReason.BLOCKED,
        CallReason.CANNOT_TEXT,
        CallReason.OPTED_OUT_THERE,
    }
)
# A reason that another try would not change.
NEVER_TRIED_AGAIN = frozenset({CallReason.INVALID_NUMBER, CallReason.CANNOT_TEXT, CallReason.OPTED_OUT_THERE})


class AnswerReason(models.TextChoices):
    """Why an answer needs staff: its follow-up on the worklist has this reason."""

    UNKNOWN_KEY = "unknown_key", _("They pressed a key that is not one of the choices.")
    IN_WORDS = "in_words", _("They answered in their own words.")
    CANCEL_IN_WORDS = "cancel_in_words", _("Their text says “cancel”, so their number is opted out.")
    DOUBTFUL_WORDS = "doubtful_words", _("Their text may have meant something else.")
    NUMBER_UNREADABLE = (
        "number_unreadable",
        _("Robotalker's report of it names a number that can't be read."),
    )
    OWN_NUMBER = "own_number", _("It is a number of the practice itself, which is never opted out.")
    CONFIRMED_OLD_TIME = "confirmed_old_time", _("They confirmed the old time, from before the move.")
    DECLINED_OLD_TIME = "declined_old_time", _("They asked to change the old time, from before the move.")
    CONFIRMED_CANCELLED = "confirmed_cancelled", _("They confirmed the appointment, but it is cancelled.")
    DECLINED_CANCELLED = (
        "declined_cancelled",
        _("They asked for another time, but the appointment is cancelled."),
    )
    # an answer that does not count, or not for certain
    UNREAD_KEYS = "unread_keys", _("Robotalker reported keys that can't be read.")
    KEY_BY_NOBODY = (
        "key_by_nobody",
        _("A key was pressed, but Robotalker says that no person answered."),
    )


class KeptBackReason(models.TextChoices):
    """What an event that was kept back seems to say: its follow-up on the worklist has this reason."""

    SEEMS_OPT_OUT = "seems_opt_out", _("It seems to say: stop, no more calls or texts.")
    SEEMS_LOST_OPT_OUT = (
        "seems_lost_opt_out",
        _("It seems to say: stop, but it names another number, or none, so nobody was opted out."),
    )
    SEEMS_KEY = "seems_key", _("It seems to say: they pressed a key.")
    SEEMS_TEXT = "seems_text", _("It seems to say: they wrote a text message.")
    SEEMS_ANSWERED = "seems_answered", _("It seems to say: the call was answered.")
    SEEMS_VOICEMAIL = "seems_voicemail", _("It seems to say: the call reached a voicemail.")
    SEEMS_NO_ANSWER = "seems_no_answer", _("It seems to say: nobody answered the call.")
    SEEMS_FAILED = "seems_failed", _("It seems to say: it could not be delivered.")
    SEEMS_DELIVERED = "seems_delivered", _("It seems to say: the text message was delivered.")
    SEEMS_NOTHING = "seems_nothing", _("What it says can't be told.")


class ListReason(models.TextChoices):
    """Why an opt-out could not be sent to Robotalker; a request that failed has the code of a CallReason."""

    NOT_A_NUMBER = "not_a_number", _("This is not a number that can be called.")
    NOT_TAKEN_OVER = "not_taken_over", _("Robotalker answered but did not record it.")


class ConfirmationReason(models.TextChoices):
    """Why the text that confirms an opt-out was not sent; a failed request has the code of a CallReason."""

    OPTED_IN_SINCE = "opted_in_since", _("The number was opted in again before it was sent.")
    CONFIRMATIONS_OFF = "confirmations_off", _("Texts that confirm an opt-out were switched off.")
    CONFIRMED_TOO_LATE = "confirmed_too_late", _("It could not be sent within five minutes of the opt-out.")
    NEVER_TEXTED = "never_texted", _("No text is sent to a number of this kind.")
    NOT_ON_TRIAL = "not_on_trial", _("Callboard is on trial, and this is not a verified number of staff.")


class ReasonOfTest(models.TextChoices):
    """Why a test call or text isn't sent; a failed request has the code of a CallReason."""

    TEST_PAUSED = "test_paused", _("All sending is paused, so no test goes out either.")
    TEST_SANDBOX_MODE = "test_sandbox_mode", _("In sandbox mode nothing is sent to Robotalker.")
    TEST_NOT_VERIFIED = "test_not_verified", _("This is not your verified number.")
    TEST_OPTED_OUT = "test_opted_out", _("This number has opted out, so it gets no tests either.")
    TEST_NEVER_DIALLED = "test_never_dialled", _("A number of this kind can't be called.")
    TEST_OWN_NUMBER = "test_own_number", _("It is a number that the practice calls from.")
    TEST_AT_NIGHT = "test_at_night", _("It is outside the hours in which this number may be called.")
    TEST_TOO_LATE = "test_too_late", _("It could not be sent within five minutes.")
    TEST_NO_LOGIN = "test_no_login", _("Whoever asked for it no longer has a login.")


class ReasonOfText(models.TextChoices):
    """Why a text by staff isn't sent; a failed request has the code of a CallReason."""

    TEXT_PAUSED = "text_paused", _("All sending is paused, so no text goes out either.")
    TEXT_SANDBOX_MODE = "text_sandbox_mode", _("In sandbox mode nothing is sent to Robotalker.")
    TEXT_NOT_ON_TRIAL = "text_not_on_trial", _("On trial, only verified numbers of staff get texts.")
    TEXT_OPTED_OUT = "text_opted_out", _("This number has opted out of texts.")
    TEXT_NEVER = "text_never", _("This number can't be used, or is of a kind that gets no texts.")
    TEXT_OWN_NUMBER = "text_own_number", _("It is a number that the practice calls from.")
    TEXT_AT_NIGHT = "text_at_night", _("It is outside the hours in which this number may be texted.")
    TEXT_TOO_LATE = "text_too_late", _("It could not be sent within five minutes.")
    TEXT_UNFIT = "text_unfit", _("The words are too long for one text, or have { or } in them.")
    TEXT_NO_LOGIN = "text_no_login", _("Whoever wrote it no longer has a login.")


# The patient's own wish; changing it back plans the reminder again.
REASONS_OF_WISH = (Reason.WANTS_NO_REMINDERS, Reason.WANTS_NO_CALLS, Reason.WANTS_NO_TEXTS)
# Skipped because of what the patient wants or has agreed to; planned again once that is otherwise.
UNTIL_PATIENT_AGREES = (*REASONS_OF_WISH, Reason.CONSENT_LACKING)

# The sentence of every code.
SENTENCES = {
    member.value: member.label
    for table in (
        Reason,
        CallReason,
        AnswerReason,
        KeptBackReason,
        ListReason,
        ConfirmationReason,
        ReasonOfTest,
        ReasonOfText,
    )
    for member in table
}

# Of Reason.REACHED, where it was a text, and where it was a call in which no key was pressed.
REPLIED = _("They replied to the text message.")
PICKED_UP = _("They picked up and pressed no key.")


def sentence_for(code: str) -> str:
    """The sentence of a code in the reader's language, "" for no code; a general one for an unknown code."""
    if not code:
        return ""
    return str(SENTENCES.get(code, _("Callboard has no description of this reason.")))


def sentence_of_end(code: str, *, by_text: bool) -> str:
    """The sentence of why a reminder ended, a text if `by_text`: nobody answers a text as they do a call."""
    return str(REPLIED) if by_text and code == Reason.REACHED else sentence_for(code)


def phrase_for(code: str, detail: str = "") -> str:
    """The sentence without its full stop, then `detail`: Robotalker's own words, or the key pressed."""
    phrase = sentence_for(code).rstrip(".")
    if not detail:
        return phrase
    if code in (KeptBackReason.SEEMS_TEXT, AnswerReason.UNREAD_KEYS):
        return gettext("%(phrase)s: “%(words)s”") % {"phrase": phrase, "words": detail}
    if code in (AnswerReason.UNKNOWN_KEY, AnswerReason.KEY_BY_NOBODY, KeptBackReason.SEEMS_KEY):
        return gettext("%(phrase)s (%(key)s)") % {"phrase": phrase, "key": detail}
    return gettext("%(phrase)s (Robotalker: “%(words)s”)") % {"phrase": phrase, "words": detail}


# The step's moment, or all calling hours after it, are too late for an appointment at this hour.
ALWAYS_TOO_LATE = frozenset({Reason.NEVER_IN_TIME, Reason.NEVER_IN_HOURS})
# Why planning itself skips a reminder from the start. It may be owed after all once a setting is corrected.
SKIPPED_BY_PLANNING = ALWAYS_TOO_LATE | {
    Reason.BEFORE_ACTIVATION,
    Reason.BEFORE_STEP,
    Reason.BEFORE_FILTERS,
    Reason.PAST_WHEN_BOOKED,
    Reason.NOT_AT_ONCE,
    Reason.BOOKED_TOO_SHORTLY,
    Reason.BOOKING_UNKNOWN,
}

# Why a reminder is done, by the state of its last call.
REASON_BY_STATE = {
    CallState.ANSWERED: Reason.REACHED,
    CallState.VOICEMAIL: Reason.VOICEMAIL,
    CallState.DELIVERED: Reason.DELIVERED,
    CallState.NO_ANSWER: Reason.NOT_REACHED,
    CallState.FAILED: Reason.NOT_REACHED,
}
