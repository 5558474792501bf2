"""One plain sentence for each kind of thing that can occur in an appointment's story."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.languages import name_language
from contacts.models import AppointmentChange, Way
from contacts.models.people import Channel
from contacts.numbers import mask
from contacts.templatetags.display import day_and_clock
from reminders.deciding.explanations import Explanation
from reminders.models import CallRecord, FollowUp, Reminder
from reminders.pages.standings import describe_moment
from reminders.rules.decide import Verdict
from reminders.rules.keys import ANOTHER_TIME, CONFIRM, OPT_OUT
from reminders.rules.reasons import PICKED_UP, REPLIED, Reason, phrase_for
from reminders.rules.states import REMINDER_PENDING, CallState
from reminders.wording.scripts import channel_of, is_fallback
from reminders.wording.sms_alphabet import measure_text

What = AppointmentChange.What
STATE_OF_CHANGE = {
    What.IMPORTED: "booked",
    What.MOVED: "moved",
    What.REINSTATED: "booked",
    What.CORRECTED: "withdrawn",
    What.ANSWER_TAKEN_BACK: "withdrawn",
    What.CALL_ORDERED: "call_ordered",
    What.STEP_SKIPPED: "skipped",
    What.ZONE_CORRECTED: "moved",
    What.RULES_CHANGED: "moved",
    What.PATIENT_MERGED: "provider_changed",
    What.STEP_PUT_BACK: "planned",
    What.MERGED: "moved",
    What.OTHER_NUMBER: "moved",
}
CHANGES = {
    What.BOOKED: gettext_lazy("Booked for %(after)s."),
    What.IMPORTED: gettext_lazy("Came in with an import, for %(after)s."),
    What.MOVED: gettext_lazy("Moved from %(before)s to %(after)s."),
    What.PROVIDER_CHANGED: gettext_lazy("Given from %(old_provider)s to %(new_provider)s."),
    What.PATIENT_MERGED: gettext_lazy("Given to another record of the same patient, with its number."),
    What.CANCELLED: gettext_lazy("Cancelled."),
    What.REINSTATED: gettext_lazy("Booked again, for %(after)s."),
    What.CONFIRMED: gettext_lazy("Confirmed."),
    What.WANTS_ANOTHER_TIME: gettext_lazy("Asked for another time."),
    What.ANSWER_TAKEN_BACK: gettext_lazy("The confirmation was taken back; it was a mistake."),
    What.ARRIVED: gettext_lazy("The patient arrived."),
    What.NO_SHOW: gettext_lazy("The patient did not come."),
    What.CORRECTED: gettext_lazy("Put back to booked."),
    What.CALL_ORDERED: gettext_lazy("Ordered a call now."),
    What.STEP_SKIPPED: gettext_lazy("Left out a reminder."),
    What.ZONE_CORRECTED: gettext_lazy(
        "The location's time zone was corrected. The visit stays on %(after)s; reminders go by the new zone."
    ),
    What.RULES_CHANGED: gettext_lazy(
        "The rules for the clocks there have changed. The visit stays on %(after)s; reminders go by them."
    ),
    What.STEP_PUT_BACK: gettext_lazy("Put a reminder back: it is planned again."),
    What.OTHER_NUMBER: gettext_lazy(
        "The first number can't be reached: reminders go to the other number now."
    ),
    What.MERGED: gettext_lazy("Came from another contact, as the two were one person."),
}
# How the patient said it, or how it came, behind a comma; other ways say nothing of that.
ANSWERED_BY = {
    Way.KEY_1: gettext_lazy("by key 1"),
    Way.KEY_2: gettext_lazy("by key 2"),
    Way.TEXT: gettext_lazy("by text message"),
    Way.STAFF: gettext_lazy("as the patient told the staff"),
    Way.UNDO: gettext_lazy("by undoing an import"),
}
CALLS = {
    CallState.SUBMITTING: gettext_lazy("A call is about to go out."),
    CallState.SUBMITTED: gettext_lazy("Robotalker has accepted the call. There is no result yet."),
    CallState.UNKNOWN: gettext_lazy("We don't know whether the call was made."),
    CallState.OVERDUE: gettext_lazy("Robotalker accepted the call, but has not reported a result."),
    CallState.NOT_SENT: gettext_lazy("The call did not go out."),
    CallState.REJECTED: gettext_lazy("Robotalker rejected the call."),
    CallState.FAILED: gettext_lazy("The call failed."),
    CallState.NO_ANSWER: gettext_lazy("Nobody answered the call."),
    CallState.VOICEMAIL: gettext_lazy("The call reached a voicemail."),
    CallState.ANSWERED: PICKED_UP,
    CallState.ABANDONED: gettext_lazy("A member of staff closed the call. Its result is not known."),
}
TEXTS = {
    CallState.SUBMITTED: gettext_lazy("Robotalker has accepted the text message. There is no result yet."),
    CallState.DELIVERED: gettext_lazy("The text message was delivered."),
    CallState.ANSWERED: REPLIED,
    CallState.FAILED: gettext_lazy("The text message failed."),
    CallState.REJECTED: gettext_lazy("Robotalker rejected the text message."),
    CallState.NOT_SENT: gettext_lazy("The text message did not go out."),
    CallState.UNKNOWN: gettext_lazy("We don't know whether the text message was sent."),
    CallState.OVERDUE: gettext_lazy("Robotalker accepted the text message, but has not reported a result."),
    CallState.SUBMITTING: gettext_lazy("A text message is about to go out."),
    CallState.ABANDONED: gettext_lazy("A member of staff closed the text message. Its result is not known."),
}
# By the key that their reply means.
TEXTS_BY_KEY = {
    CONFIRM: gettext_lazy("They replied to the text message that they are coming."),
    ANOTHER_TIME: gettext_lazy("They replied to the text message that they want another time."),
    OPT_OUT: gettext_lazy("They replied to the text message that they want no more texts."),
}

TRIES = {1: gettext_lazy("first try"), 2: gettext_lazy("second try"), 3: gettext_lazy("third try")}
# By answering machine detection; an unknown result says nothing.
ANSWERED_BY_WHOM = {
    "human": gettext_lazy("a person answered"),
    "machine": gettext_lazy("an answering machine answered"),
}


def state_of_change(change: AppointmentChange) -> str:
    """The state of reminder_display.LOOKS that its icon is taken from."""
    what = What(change.what)
    return STATE_OF_CHANGE.get(what, str(what))


def describe_change(change: AppointmentChange) -> str:
    """What was done to the appointment, with its times as they were booked."""
    values = {"before": day_and_clock(change.local_before), "after": day_and_clock(change.local_after)}
    if change.what == What.PROVIDER_CHANGED:
        values["old_provider"] = str(change.provider_before or _("no provider"))
        values["new_provider"] = str(change.provider_after or _("no provider"))
    sentence = str(CHANGES[What(change.what)]) % values
    if change.how in ANSWERED_BY:
        return f"{sentence.rstrip('.')}, {ANSWERED_BY[Way(change.how)]}."
    return sentence


def describe_planned(reminder: Reminder, why: Explanation) -> str:
    """What is ahead: which step, and why not yet."""
    return _("Planned: %(step)s. %(why)s") % {"step": name_step(reminder), "why": why.sentence}


def describe_held(reminder: Reminder, why: Explanation) -> str:
    """A step that waits for a person to change something, or won't be sent as things stand."""
    is_held = why.verdict == Verdict.BLOCK
    words = _("Held: %(step)s. %(why)s") if is_held else _("Won't be sent: %(step)s. %(why)s")
    return words % {"step": name_step(reminder), "why": why.sentence}


def describe_settled_reminder(reminder: Reminder, why: Explanation) -> str:
    """A step that has ended without a call, or whose call didn't decide how it ended."""
    words = {
        "state": reminder.get_state_display().capitalize(),
        "step": name_step(reminder),
        "why": why.sentence,
    }
    return (_("%(state)s: %(step)s. %(why)s") % words).strip()


def describe_call(call: CallRecord) -> str:
    """The result of one try."""
    if call.key_pressed:
        if call.channel == Channel.SMS:
            return str(TEXTS_BY_KEY.get(call.key_pressed) or TEXTS[CallState.ANSWERED])
        return _("The call was answered; key %s was pressed.") % call.key_pressed
    table = TEXTS if call.channel == Channel.SMS else CALLS
    state = CallState(call.state)
    return str(table.get(state) or CALLS.get(state) or state.label)


def explain_follow_up(follow_up: FollowUp) -> str:
    """Why it is on the worklist, without a full stop; "" where its kind says all."""
    call = follow_up.call
    if follow_up.reason == Reason.REACHED and call and call.channel == Channel.SMS:
        return str(REPLIED).rstrip(".")
    if follow_up.reason == Reason.REACHED and call and not call.key_pressed:
        return str(PICKED_UP).rstrip(".")
    return phrase_for(follow_up.reason, follow_up.detail)


def describe_closing(follow_up: FollowUp) -> str:
    """How it left the worklist: what somebody wrote about it, or what happened."""
    if follow_up.note:
        return _("Done: %s") % follow_up.note
    return _("Taken off the worklist. %s") % follow_up.get_resolution_display()


def describe_household(call: CallRecord) -> str:
    """Whom one call spoke of, "one call for Anna and Ben"; "" when it spoke of one appointment only.

    The call is of calls.attach_told_calls().
    """
    others: list[str] = call.companion_names  # type: ignore[attr-defined]
    family = name_people([call.reminder.appointment.contact.first_name, *others])
    if not family:
        return ""
    words = _("one text message for %s") if call.channel == Channel.SMS else _("one call for %s")
    return words % family


def name_family(reminders: Sequence[Reminder]) -> str:
    """Whom one call is about, "Anna and Ben"; "2 appointments" of one person; "" for one appointment."""
    return name_people([reminder.appointment.contact.first_name for reminder in reminders])


def name_people(first_names: Sequence[str]) -> str:
    """The same by the first name of each appointment's patient."""
    if len(first_names) < 2:
        return ""
    names = list(dict.fromkeys(first_names))
    if len(names) == 1:
        return _("%d appointments") % len(first_names)
    return get_text_list(names, _("and"))


def describe_call_details(call: CallRecord, zone: ZoneInfo, try_number: int) -> Iterator[str]:
    """Details of a try as short phrases: its number, when it started, … Times by the clock of `zone`.

    They stand beside the day of the call's end, so those of another day say which.
    """
    ended_at = call.ended_at or call.submitting_at
    if household := describe_household(call):
        yield household
    yield _("to %s") % mask(call.number.e164)
    yield str(TRIES[try_number]) if try_number in TRIES else _("try number %d") % try_number
    yield _("started %s") % describe_moment(call.submitting_at, zone, ended_at)
    parts = measure_text(call.text).segments if call.channel == Channel.SMS else 1
    if parts > 1:
        yield _("sent in %d parts") % parts
    if call.missing_language:
        words = {
            "heard": name_language(call.script_text.language),
            "language": name_language(call.missing_language),
        }
        yield _("in %(heard)s, since the script has no text in %(language)s") % words
    if call.reason:
        yield phrase_for(call.reason, call.detail)
    if call.duration_seconds is not None:
        yield _("%d s long") % call.duration_seconds
    if call.amd_result in ANSWERED_BY_WHOM:
        yield str(ANSWERED_BY_WHOM[call.amd_result])
    elif call.amd_result:  # a word that we don't know
        yield _("answered by “%s”, as Robotalker says") % call.amd_result
    if call.channel == Channel.SMS:
        return
    # two events report the same key press, often a second apart
    yield from dict.fromkeys(
        _("key %(key)s at %(time)s") % {"key": key, "time": _clock_of(moment, zone, ended_at)}
        for moment, key in call.keys
    )


def name_reminder(reminder: Reminder, why: Explanation, now: datetime) -> tuple[str, str]:
    """A state of reminder_display.LOOKS and its words, for one step."""
    if reminder.state not in REMINDER_PENDING:
        return reminder.state, ""
    if why.would_be_at is not None:
        return "would_call", ""
    if why.moment is None:
        return ("held", "") if why.verdict == Verdict.BLOCK else ("not_reminded", _("won't be sent"))
    is_text = channel_of(reminder) == Channel.SMS
    when = describe_moment(why.moment, reminder.appointment.location.zone, now)
    words = _("will text %s") if is_text else _("will call %s")
    return ("will_text" if is_text else "will_call"), words % when


def name_step(reminder: Reminder) -> str:
    """The step in words; with "then by text message" once its calls have reached nobody."""
    words = {"step": reminder.step}
    return _("%(step)s, then by text message") % words if is_fallback(reminder) else str(reminder.step)


def _clock_of(moment: str, zone: ZoneInfo, ended_at: datetime) -> str:
    try:
        return describe_moment(datetime.fromisoformat(moment), zone, ended_at)
    except ValueError:
        return moment
