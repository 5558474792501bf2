"""Why a reminder is as it is: the closed list of reason codes, each with its sentence.

The codes are written by decide.py and the modules that act on it; pages, admin and the API show the
sentences. Words for patients' phones are in the scripts, never here.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from reminders.rules.states import CallState


class Reason(models.TextChoices):
    # it goes
    DUE = "due", _("It is due.")
    ORDERED = "ordered", _("A person ordered it.")
    # it waits
    NOT_DUE_YET = "not_due_yet", _("It is not due yet.")
    OUTSIDE_CALLING_HOURS = "outside_calling_hours", _("It waits for the calling hours.")
    LINE_BUSY = "line_busy", _("Another call to this number is under way; it waits for the line.")
    HELD_BY_CAP = "held_by_cap", _("Held by the cap: enough calls have gone to this number.")
    DESK_PACE = "desk_pace", _("It waits its turn, so that the desk keeps up with the callbacks.")
    PROVIDER_TROUBLE = "provider_trouble", _("Robotalker did not take it; it is tried again.")
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
        _("Its moment had passed when the appointment was booked or moved."),
    )
    NEVER_IN_TIME = (
        "never_in_time",
        _("Its moment comes too late for a visit at this time, so it is never sent."),
    )
    BEFORE_ACTIVATION = "before_activation", _("Its moment had passed when the campaign was switched on.")
    SKIPPED_BY_PERSON = "skipped_by_person", _("A person skipped it.")
    # it ended
    TOO_LATE = "too_late", _("It could not be sent in time.")
    REACHED = "reached", _("The call was answered.")
    VOICEMAIL = "voicemail", _("It reached a voicemail.")
    DELIVERED = "delivered", _("The text message was delivered.")
    NOT_REACHED = "not_reached", _("Nobody was reached after all tries.")
    REJECTED = "rejected", _("Robotalker rejected it.")
    SETTLED_BY_PERSON = "settled_by_person", _("A person settled it.")


# Why a reminder is done, by the state of its last call.
REASON_BY_STATE = {
    CallState.ANSWERED: Reason.REACHED,
    CallState.VOICEMAIL: Reason.VOICEMAIL,
    CallState.DELIVERED: Reason.DELIVERED,
    CallState.NO_ANSWER: Reason.NOT_REACHED,
    CallState.FAILED: Reason.NOT_REACHED,
}
