"""The state of an appointment as staff see it on Today.

RULES are tried in order and the first that applies decides, as in decide(). Runs no queries of its own.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from contacts.clock_habits import write_weekday_and_clock
from contacts.models import Appointment, Way
from contacts.models.people import Channel
from contacts.templatetags.display import clock, day
from reminders.deciding.call_now import may_order_call
from reminders.deciding.coverage import is_being_planned
from reminders.deciding.explanations import Explanation, explain_reminder
from reminders.deciding.number_caps import NumberUse
from reminders.deciding.situations import PracticeConfig
from reminders.lifecycle.calls import calls_of
from reminders.models import CallRecord, Campaign, Reminder
from reminders.rules.decide import Verdict
from reminders.rules.reasons import ALWAYS_TOO_LATE, phrase_for, sentence_for
from reminders.rules.states import REMINDER_PENDING, CallState, ReminderState
from reminders.wording.scripts import channel_of, step_channel_of

SOON = timedelta(minutes=1)
# Standings in which Today offers no call: one has no outcome yet, or the patient has said that they come.
NO_CALL_WANTED = frozenset({"calling", "submitting", "unknown", "confirmed"})


@dataclass(frozen=True)
class Standing:
    """An appointment's state: a key of reminder_display.LOOKS, its words, and what comes next."""

    code: str
    words: str = ""
    next_step: str = ""


@dataclass(frozen=True)
class StandingFacts:
    """What the state depends on. `reminders`: of the current revision; `calls`: theirs, newest first."""

    appointment: Appointment
    reminders: Sequence[Reminder]
    calls: Sequence[CallRecord]
    coming: Explanation | None
    coming_reminder: Reminder | None  # whose explanation `coming` is
    now: datetime
    being_planned: bool = False  # planning has not seen its present revision, or a changed campaign, yet

    @property
    def zone(self) -> ZoneInfo:
        return self.appointment.location.zone

    def describe(self, moment: datetime | None) -> str:
        return describe_moment(moment, self.zone, self.now, beside=self.appointment.wall_start.date())


def read_standing_facts(
    appointment: Appointment,
    reminders: Sequence[Reminder],
    now: datetime,
    *,
    sending_paused: bool,
    use: NumberUse | None = None,
    unplanned: Collection[Campaign] = (),
    practice: PracticeConfig | None = None,
) -> StandingFacts:
    """The facts. Reminders come from situations.with_situation() and calls.with_calls().

    `use` is what has gone to the number, as explain_reminder() takes it. `unplanned`: the campaigns of
    coverage.read_unplanned_campaigns(). `practice`: the settings, where they were read for many visits.
    """
    calls = list({call.pk: call for reminder in reminders for call in calls_of(reminder)}.values())
    coming: Explanation | None = None
    reminder: Reminder | None = None
    if appointment.status == Appointment.Status.BOOKED and not appointment.current_answer:
        pending = [one for one in reminders if one.state in REMINDER_PENDING]
        coming, reminder = _find_coming(pending, now, sending_paused, use, practice)
    calls.sort(key=lambda call: (call.submitting_at, call.pk), reverse=True)
    being_planned = is_being_planned(appointment, unplanned, now)
    return StandingFacts(appointment, reminders, calls, coming, reminder, now, being_planned)


def find_standing(facts: StandingFacts) -> Standing:
    """The standing by the first rule that applies."""
    for rule in RULES:
        if standing := rule(facts):
            return standing
    return Standing("not_reminded", _("no reminder"))


def needs_reminders(appointment: Appointment) -> bool:
    """Whether its reminders matter to its standing, or a call may be ordered; else what is known of the visit
    itself says all.
    """
    is_booked = appointment.status == Appointment.Status.BOOKED
    return is_booked and appointment.current_answer != Appointment.Answer.CONFIRMED


def describe_visit(facts: StandingFacts) -> Standing | None:
    """Arrived, no-show or cancelled; beside the first two, what the patient had said."""
    status = facts.appointment.status
    if status == Appointment.Status.BOOKED:
        return None
    said = describe_answer(facts) if status != Appointment.Status.CANCELLED else None
    return Standing(status, next_step=(said.words or said.next_step) if said else "")


def describe_answer(facts: StandingFacts) -> Standing | None:
    appointment = facts.appointment
    answer = appointment.current_answer
    if answer == Appointment.Answer.WANTS_ANOTHER_TIME:
        when = facts.describe(appointment.answered_at)
        return Standing(answer, next_step=_("asked %s") % when)
    if answer == Appointment.Answer.CONFIRMED:
        words = {"when": facts.describe(appointment.answered_at), "how": name_way(appointment.answered_how)}
        return Standing(answer, _("confirmed %(when)s by %(how)s") % words)
    return None


def describe_open_call(facts: StandingFacts) -> Standing | None:
    """A call that is in progress or has no known result."""
    call = facts.calls[0] if facts.calls else None
    when = facts.describe(call.submitting_at) if call else ""
    claimed = any(reminder.state == ReminderState.CLAIMED for reminder in facts.reminders)
    is_text = call is not None and call.channel == Channel.SMS
    if claimed or (call and call.state == CallState.SUBMITTING):
        goes_by_text = is_text and not claimed
        return Standing("submitting", _("about to send a text") if goes_by_text else _("about to call"))
    if call and call.state == CallState.SUBMITTED:
        return Standing("calling", _("text sent %s") % when if is_text else _("calling since %s") % when)
    if call and call.state == CallState.OVERDUE:
        sent = _("text sent %s") if is_text else _("called %s")
        return Standing("unknown", _("no result yet"), sent % when)
    if call and call.state == CallState.UNKNOWN:
        what = _("may or may not have been sent") if is_text else _("may or may not have been called")
        return Standing("unknown", _("unknown since %s") % when, what)
    return None


def describe_optout(facts: StandingFacts) -> Standing | None:
    phone = facts.appointment.contact.phone
    if phone is None or not (phone.voice_opted_out_at or phone.sms_opted_out_at):
        return None
    optouts = [phone.opted_out_at(channel) for channel in _find_channels(facts)]
    if None in optouts:
        return None
    return Standing("opted_out", next_step=_("since %s") % facts.describe(optouts[0]))


def _find_channels(facts: StandingFacts) -> set[str]:
    """The channels of the pending reminders, else of the last try, else of all steps."""
    if ahead := {str(channel_of(each)) for each in facts.reminders if each.state in REMINDER_PENDING}:
        return ahead
    if facts.calls:
        return {facts.calls[0].channel}
    return {step_channel_of(each).value for each in facts.reminders} or {Channel.VOICE.value}


def describe_last_call(facts: StandingFacts) -> Standing | None:
    """The last call's result, and what follows."""
    if not facts.calls or facts.calls[0].state == CallState.ABANDONED:
        return None
    call = facts.calls[0]
    when = facts.describe(call.ended_at or call.submitting_at)
    follows = _describe_what_follows(facts)
    if call.state in (CallState.FAILED, CallState.REJECTED, CallState.NOT_SENT):
        next_step = " · ".join(filter(None, [phrase_for(call.reason, call.detail), follows]))
        return Standing("failed", f"{CallState(call.state).label} {when}", next_step)
    if call.state == CallState.ANSWERED and call.channel == Channel.SMS:
        return Standing("replied", _("replied by text %s") % when, follows)
    if call.state == CallState.ANSWERED:
        pressed = _("pressed key %s") % call.key_pressed if call.key_pressed else _("no key pressed")
        return Standing("answered", _("answered %s") % when, " · ".join(filter(None, [pressed, follows])))
    if call.state == CallState.DELIVERED:  # to the phone; nobody knows whether it was read
        return Standing(call.state, _("text delivered %s") % when, follows or _("no reply yet"))
    return Standing(call.state, f"{CallState(call.state).label} {when}", follows)


def describe_next(facts: StandingFacts) -> Standing | None:
    """What is planned next, or held."""
    coming = facts.coming
    if coming is None:
        return None
    if coming.moment is not None:
        return _describe_call_ahead(facts, coming.moment)
    if coming.would_be_at is not None:
        words = _("would call %s") if _goes_by_call(facts) else _("would text %s")
        return Standing("would_call", words % facts.describe(coming.would_be_at), _("on trial"))
    if coming.verdict == Verdict.MISS:
        return Standing("missed", next_step=coming.sentence)
    held = coming.verdict == Verdict.BLOCK
    return Standing("held" if held else "not_reminded", next_step=coming.sentence)


def describe_planning(facts: StandingFacts) -> Standing | None:
    """Nothing is planned yet, but will be within a minute (product rule 61)."""
    is_unplanned = facts.being_planned and not facts.reminders
    return Standing("being_planned", _("being planned")) if is_unplanned else None


def describe_settled(facts: StandingFacts) -> Standing | None:
    """Nothing is planned and no call was made: the last reminder's reason."""
    if not facts.reminders:
        return None
    last = max(facts.reminders, key=_by_relevance)
    code = "missed" if last.state == ReminderState.MISSED else "not_reminded"
    return Standing(code, next_step=sentence_for(last.reason))


def _by_relevance(reminder: Reminder) -> tuple[bool, datetime, int]:
    # a reminder that was never in time has the latest due time, but says the least
    return reminder.reason not in ALWAYS_TOO_LATE, reminder.due_at, reminder.pk


RULES: tuple[Callable[[StandingFacts], Standing | None], ...] = (
    describe_visit,
    describe_answer,
    describe_open_call,
    describe_optout,
    describe_last_call,
    describe_next,
    describe_planning,
    describe_settled,
)


def describe_moment(
    moment: datetime | None, zone: tzinfo | None, now: datetime, *, beside: date | None = None
) -> str:
    """The moment by the clock of `zone`, in short: "9:12 am", "Mon 9:12 am", "Tue, Jul 14".

    `beside`: the day that it stands beside, if not today: then "today 9:12 am", which it isn't.
    """
    if moment is None:
        return ""
    local, today = moment.astimezone(zone), now.astimezone(zone).date()
    if local.date() == today:
        is_clear = beside in (None, today)
        return clock(local) if is_clear else _("today %(time)s") % {"time": clock(local)}
    if abs(local.date() - today) < timedelta(days=6):
        return write_weekday_and_clock(local)
    return day(local)


def name_way(way: str) -> str:
    """The way an answer came, for behind "by"."""
    return str(Way(way).label if way in Way.values else Way.STAFF.label)


def find_orderable(facts: StandingFacts, standing: Standing) -> Reminder | None:
    """The reminder that "call now" would call for: the next, else the last; None if it makes no sense."""
    if standing.code in NO_CALL_WANTED or facts.appointment.starts_at <= facts.now:
        return None
    by_time = sorted(facts.reminders, key=lambda reminder: (reminder.due_at, reminder.pk))
    pending = [reminder for reminder in by_time if reminder.state in REMINDER_PENDING]
    ended = [reminder for reminder in reversed(by_time) if reminder.state not in REMINDER_PENDING]
    usable = (
        reminder
        for reminder in (*pending, *ended)
        if step_channel_of(reminder) == Channel.VOICE and may_order_call(reminder, facts.now)
    )
    return next(usable, None)


def _find_coming(
    pending: Sequence[Reminder],
    now: datetime,
    sending_paused: bool,
    use: NumberUse | None,
    practice: PracticeConfig | None,
) -> tuple[Explanation | None, Reminder | None]:
    """The pending reminder that is called first, else the first that is held, with its explanation."""
    explained = []
    for one in pending:
        shared = practice.shared_facts_of(one) if practice else None
        why = explain_reminder(one, now, sending_paused=sending_paused, use=use, shared=shared)
        explained.append((why, one))
    if not explained:
        return None, None
    return min(
        explained, key=lambda pair: (pair[0].moment is None, pair[0].moment or pair[1].due_at, pair[1].pk)
    )


def _goes_by_call(facts: StandingFacts) -> bool:
    return facts.coming_reminder is None or channel_of(facts.coming_reminder) == Channel.VOICE


def _describe_call_ahead(facts: StandingFacts, moment: datetime) -> Standing:
    is_text = not _goes_by_call(facts)
    code = "will_text" if is_text else "will_call"
    if moment <= facts.now + SOON:
        return Standing(code, _("will text now") if is_text else _("will call now"))
    words = _("will text %s") if is_text else _("will call %s")
    return Standing(code, words % facts.describe(moment))


def _describe_what_follows(facts: StandingFacts) -> str:
    """Another try ("next try 16:30"), or the next step ("will call 14:00"), or why neither."""
    if facts.coming is None or facts.coming_reminder is None:
        return ""
    if facts.coming.moment is None:
        return facts.coming.sentence.rstrip(".")
    is_another_step = facts.calls[0] not in calls_of(facts.coming_reminder)
    if is_another_step or channel_of(facts.coming_reminder) != facts.calls[0].channel:
        return _describe_call_ahead(facts, facts.coming.moment).words
    if facts.coming.moment <= facts.now + SOON:
        return _("next try now")
    return _("next try %s") % facts.describe(facts.coming.moment)
