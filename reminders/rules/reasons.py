"""Why a reminder, a call or a worklist entry is as it is: closed lists of codes, each with its sentence.

The codes are what is stored and compared. Pages, admin and the API show the sentences, all from SENTENCES, so
no two codes are the same. Words for patients' phones are in the scripts, never here.
"""

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from reminders.rules.states import CallState


class Reason(models.TextChoices):
    """Why a reminder goes, waits, is held, or has ended, as decide.py and those that act on it say."""

    # it goes
    DUE = "due", _("It is due.")
    ORDERED = "ordered", _("Somebody pressed “Call now”.")
    # it waits
    NOT_DUE_YET = "not_due_yet", _("It is not due yet.")
    OUTSIDE_CALLING_HOURS = "outside_calling_hours", _("It waits for the calling hours.")
    LINE_BUSY = "line_busy", _("Another call to this number is under way.")
    HELD_BY_CAP = "held_by_cap", _("This number has had enough calls for now.")
    DESK_PACE = "desk_pace", _("It waits its turn, so that the desk keeps up with the callbacks.")
    ROBOTALKER_TROUBLE = "robotalker_trouble", _("Robotalker did not take it; it is tried again.")
    TRY_AGAIN = "try_again", _("The last try did not reach anybody; it is tried again.")
    TEXT_FOLLOWS = "text_follows", _("No call reached anybody; a text message follows.")
    # it is held until a person does something
    SENDING_PAUSED = "sending_paused", _("All sending is paused.")
    CAMPAIGN_PAUSED = "campaign_paused", _("Its campaign is not active.")
    NO_NUMBER = "no_number", _("There is no number to call.")
    NUMBER_UNUSABLE = "number_unusable", _("The number can't be reached; it must be corrected.")
    NO_CONSENT = "no_consent", _("No consent is known for this number.")
    NO_COMMON_HOURS = (
        "no_common_hours",
        _("There is no hour at which it may be called; state the person's time zone."),
    )
    NO_SCRIPT = "no_script", _("The script has no words in a language we can use.")
    # it is not needed, or must not be
    OPTED_OUT = "opted_out", _("The number has opted out.")
    CONFIRMED = "confirmed", _("The appointment is confirmed already.")
    NOT_CONFIRMED = "not_confirmed", _("The step is for confirmed appointments only.")
    WANTS_ANOTHER_TIME = "wants_another_time", _("The patient asked for another time; a person sees to it.")
    CANCELLED = "cancelled", _("The appointment was cancelled.")
    VISIT_RECORDED = "visit_recorded", _("The visit is already recorded.")
    MOVED = "moved", _("The appointment was moved; this was for the old time.")
    NOT_COVERED = "not_covered", _("The campaign no longer covers this appointment.")
    PAST_WHEN_BOOKED = (
        "past_when_booked",
        _("Its time had already passed when the appointment was booked or moved."),
    )
    NEVER_IN_TIME = (
        "never_in_time",
        _("Its time comes too late for an appointment at this hour."),
    )
    BEFORE_ACTIVATION = "before_activation", _("Its time had already passed when the campaign was activated.")
    SKIPPED_BY_PERSON = "skipped_by_person", _("Somebody on the staff left it out.")
    # it ended
    TOO_LATE = "too_late", _("It could not be sent in time.")
    REACHED = "reached", _("The call was answered.")
    VOICEMAIL = "voicemail", _("It reached a voicemail.")
    DELIVERED = "delivered", _("The text message was delivered.")
    NOT_REACHED = "not_reached", _("Nobody was reached after all tries.")
    REJECTED = "rejected", _("Robotalker rejected it.")
    SETTLED_BY_PERSON = "settled_by_person", _("Somebody on the staff settled it.")


class CallReason(models.TextChoices):
    """Why a call is in its state. It stands beside the state in words, so no sentence repeats that."""

    # the request to Robotalker failed: robotalker/errors.py, ErrorCode
    NEVER_LEFT = "never_left", _("Robotalker could not be reached.")
    NAME_NOT_FOUND = "name_not_found", _("Robotalker's internet address could not be found.")
    CONNECTION_REFUSED = "connection_refused", _("Robotalker did not accept the connection.")
    TLS_FAILED = "tls_failed", _("No secure connection to Robotalker could be made.")
    CONNECT_TIMED_OUT = "connect_timed_out", _("Robotalker could not be reached in time.")
    BAD_REQUEST = "bad_request", _("Robotalker found a mistake in what we asked for.")
    REQUEST_REFUSED = "request_refused", _("Robotalker does not allow this for our account.")
    KEY_REFUSED = "key_refused", _("Robotalker did not accept the practice's API key.")
    RATE_LIMITED = "rate_limited", _("Robotalker asked us to slow down.")
    SERVER_ERROR = "server_error", _("Robotalker had a fault of its own.")
    MAY_HAVE_ARRIVED = "may_have_arrived", _("The connection to Robotalker broke on the way.")
    READ_TIMED_OUT = "read_timed_out", _("Robotalker did not answer in time.")
    DEADLINE_PASSED = "deadline_passed", _("Robotalker took too long to answer.")
    CONNECTION_LOST = "connection_lost", _("The connection to Robotalker broke before its answer came.")
    ANSWER_TOO_LARGE = "answer_too_large", _("Robotalker's answer was too long to read.")
    ANSWER_UNUSABLE = "answer_unusable", _("Robotalker's answer could not be understood.")
    STATUS_UNCLEAR = "status_unclear", _("Robotalker's answer was neither yes nor no.")
    # Callboard itself failed: traffic/local_faults.py, sweeps/reconciliation.py
    SLEPT_TOO_LONG = "slept_too_long", _("The computer stood still just before sending.")
    NOT_WRITABLE = "not_writable", _("There is a mistake in the number or the script.")
    NOT_BUILT = "not_built", _("Callboard made a mistake before sending.")
    INTERRUPTED = "interrupted", _("Callboard made a mistake while sending.")
    SENDER_LOST = "sender_lost", _("Callboard was stopped while sending.")
    # several calls went out together
    GROUP_REFUSED = (
        "group_refused",
        _("Robotalker did not take several calls at once; this one goes on its own."),
    )
    # what Robotalker reported, or didn't
    BUSY = "busy", _("The line was busy.")
    CARRIER = "carrier", _("The phone network could not connect the call.")
    INVALID_NUMBER = "invalid_number", _("The number doesn't exist.")
    OTHER = "other", _("Robotalker gave a reason of its own.")
    NO_REPORT = "no_report", _("No report came in time.")
    NO_SUCH_CALL = "no_such_call", _("Robotalker says that it doesn't know this call.")
    OTHER_NUMBER = "other_number", _("Robotalker gave another number for this call.")
    # a person did
    GIVEN_UP = "given_up", _("We no longer wait for a report.")


# Robotalker's own words for why a call failed, as far as we know them.
CALL_REASONS_OF_ROBOTALKER = frozenset({CallReason.BUSY, CallReason.CARRIER, CallReason.INVALID_NUMBER})


class AnswerReason(models.TextChoices):
    """Why an answer needs a person: it is on the worklist with this."""

    UNKNOWN_KEY = "unknown_key", _("They pressed a key that is not one of the choices.")
    IN_WORDS = "in_words", _("They answered in their own words; read them on the appointment's page.")
    CONFIRMED_OLD_TIME = "confirmed_old_time", _("They confirmed the time before the move.")
    DECLINED_OLD_TIME = "declined_old_time", _("They asked to change the time before the move.")
    CONFIRMED_CANCELLED = "confirmed_cancelled", _("They confirmed it, though it is cancelled.")
    DECLINED_CANCELLED = "declined_cancelled", _("They asked for another time, though it is cancelled.")


class ListReason(models.TextChoices):
    """Why Robotalker could not be told of an opt-out; a request that failed has a CallReason's code."""

    NOT_A_NUMBER = "not_a_number", _("This is not a number that can be called.")
    NOT_TAKEN_OVER = "not_taken_over", _("Robotalker answered, but did not take it over.")


# The sentence of every code.
SENTENCES = {
    member.value: member.label for table in (Reason, CallReason, AnswerReason, ListReason) for member in table
}


def sentence_for(code: str) -> str:
    """The sentence of a code, in the language of whoever reads it; one that says so when there is none."""
    if not code:
        return ""
    return str(SENTENCES.get(code, _("Callboard has no words for this reason.")))


def phrase_for(code: str, detail: str = "") -> str:
    """The same without its full stop, and with what belongs to it: Robotalker's own words, or the key."""
    phrase = sentence_for(code).rstrip(".")
    if not detail:
        return phrase
    if code == AnswerReason.UNKNOWN_KEY:
        return gettext("%(phrase)s (%(key)s)") % {"phrase": phrase, "key": detail}
    return gettext("%(phrase)s (Robotalker: “%(words)s”)") % {"phrase": phrase, "words": detail}


# Why a reminder is done, by the state of its last call.
REASON_BY_STATE = {
    CallState.ANSWERED: Reason.REACHED,
    CallState.VOICEMAIL: Reason.VOICEMAIL,
    CallState.DELIVERED: Reason.DELIVERED,
    CallState.NO_ANSWER: Reason.NOT_REACHED,
    CallState.FAILED: Reason.NOT_REACHED,
}
