"""Reading one appointment's timeline: each past event and planned reminder as one sentence."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.db.models import Prefetch
from django.utils.translation import gettext as _

from contacts.attendance import may_arrive, may_be_missed
from contacts.models import Appointment
from contacts.models.people import Channel
from reminders.deciding.call_now import find_order_refusal, may_order_call, may_put_back
from reminders.deciding.explanations import Explanation, explain_reminder
from reminders.deciding.households import build_message, choose_families, find_relatives
from reminders.deciding.number_caps import NumberUse, read_use
from reminders.deciding.shared_settings import SharedSettings, read_shared_settings
from reminders.deciding.situations import PracticeConfig, read_reminder_facts, without_settings
from reminders.lifecycle.calls import attach_told_calls, calls_of
from reminders.models import CallRecord, FollowUp, Reminder
from reminders.pages import sentences
from reminders.pages.quoted_replies import (
    QuotedReplies,
    TextReply,
    list_replies,
    quote_replies,
    with_replies,
    with_texts_back,
)
from reminders.pages.standings import Standing, find_standing, read_standing_facts
from reminders.rules.decide import Verdict
from reminders.rules.reasons import WOULD_HAVE_BEEN_SENT
from reminders.rules.states import REMINDER_ORDERABLE, REMINDER_PENDING, CallState, ReminderState
from reminders.traffic.switch import read_switch
from reminders.wording.scripts import channel_of

# Nobody heard the words of such a call: it isn't shown what they would have been.
UNHEARD = frozenset((CallState.NO_ANSWER, CallState.FAILED, CallState.REJECTED, CallState.NOT_SENT))


@dataclass(frozen=True)
class RawEvent:
    """One webhook request from Robotalker as it was received. `at` is by the location's clock."""

    at: datetime
    kind: str
    state: str
    body: str


@dataclass(frozen=True)
class Entry:
    """One line of the timeline. `at` is by the location's clock; `state` is a key of reminder_display.LOOKS.

    `said`: the exact text of the call or text message; `details`: other facts about it; `call_pk`: its id;
    `replies`: what the patient wrote.
    """

    key: str
    at: datetime
    state: str
    sentence: str
    by: str = ""
    is_ahead: bool = False
    said: str = ""
    details: tuple[str, ...] = ()
    events: tuple[RawEvent, ...] = ()
    call_pk: int | None = None
    replies: QuotedReplies | None = None


@dataclass(frozen=True)
class ReminderLine:
    """One reminder of the current revision: its state, the reason, and which orders are possible."""

    pk: int
    step_pk: int
    step: str
    state: str
    words: str
    sentence: str
    is_text: bool
    can_call: bool
    can_skip: bool
    can_put_back: bool
    family: str = ""  # whom a call now would be about, if it isn't this appointment alone

    @property
    def has_actions(self) -> bool:
        return self.can_call or self.can_skip or self.can_put_back


@dataclass(frozen=True)
class Story:
    """An appointment's page. `stamp` changes when the rows shown beside the timeline change.

    `may_arrive`, `may_be_missed`: whether it can be marked so at this time.
    `call_refusal`: why nobody can be called about it now, "" if that can be, or if it isn't ahead.
    """

    appointment: Appointment
    starts_at: datetime
    ends_at: datetime
    standing: Standing
    reminders: tuple[ReminderLine, ...]
    open_follow_ups: tuple[str, ...]
    ahead: tuple[Entry, ...]
    past: tuple[Entry, ...]
    stamp: str
    being_planned: bool
    may_arrive: bool
    may_be_missed: bool
    call_refusal: str = ""


def read_story(
    appointment_id: int,
    now: datetime,
    practice: SharedSettings | None = None,
    *,
    sending_paused: bool | None = None,
    with_events: bool = True,
) -> Story:
    """The timeline at `now`, newest first; a constant number of queries. Raises Appointment.DoesNotExist.

    `practice`, `sending_paused`: where they were read for this request already. `with_events`: whether to
    read what Robotalker sent, word for word.
    """
    practice = practice or read_shared_settings()
    paused = read_switch().paused_at is not None if sending_paused is None else sending_paused
    appointment = _read_appointment(appointment_id, practice.config)
    reminders, relatives = _read_reminders(appointment, practice.config, now, with_events=with_events)
    present = [reminder for reminder in reminders if reminder.revision == appointment.revision]
    number_id = appointment.contact.phone_id
    use = read_use([number_id], now)[number_id] if number_id else None
    explained = [
        (reminder, explain_reminder(reminder, now, sending_paused=paused, use=use)) for reminder in reminders
    ]
    follow_ups = list(with_replies(appointment.follow_ups.select_related("taken_by", "resolved_by")))
    ordered = _list_entries(appointment, explained, follow_ups)
    facts = read_standing_facts(
        appointment, present, now, sending_paused=paused, use=use, unplanned=practice.unplanned
    )
    orders = _find_orders(appointment, present, relatives, now, sending_paused=paused)
    return Story(
        appointment=appointment,
        starts_at=appointment.wall_start,
        ends_at=appointment.wall_end,
        standing=find_standing(facts),
        being_planned=facts.being_planned,
        may_arrive=may_arrive(appointment, now),
        may_be_missed=may_be_missed(appointment, now),
        reminders=tuple(
            _line(one, why, now, use, orders.families.get(one.pk)) for one, why in explained if one in present
        ),
        call_refusal=orders.refusal,
        open_follow_ups=tuple(one.get_kind_display() for one in follow_ups if one.resolved_at is None),
        ahead=tuple(entry for entry in ordered if entry.is_ahead),
        past=tuple(entry for entry in ordered if not entry.is_ahead),
        stamp=f"{appointment.updated_at} {appointment.contact.updated_at} {appointment.contact.phone!r}",
    )


class _Orders(NamedTuple):
    """By reminder that can be called about now: whom that call would be about. `refusal`: why none can."""

    families: dict[int, list[Reminder]]
    refusal: str


def _find_orders(
    appointment: Appointment,
    present: Sequence[Reminder],
    relatives: Sequence[Reminder],
    now: datetime,
    *,
    sending_paused: bool,
) -> _Orders:
    orderable = [one for one in present if one.state in REMINDER_ORDERABLE and _is_ahead(appointment, now)]
    refusals = {one.pk: find_order_refusal(one, now, sending_paused=sending_paused) for one in orderable}
    callable_ones = [one for one in orderable if not refusals[one.pk] and may_order_call(one, now)]
    families = choose_families(callable_ones, [*orderable, *relatives])
    return _Orders(families, "" if families else next(iter(refusals.values()), ""))


def _list_entries(
    appointment: Appointment,
    explained: Sequence[tuple[Reminder, Explanation]],
    follow_ups: Sequence[FollowUp],
) -> list[Entry]:
    """All that happened and will happen, newest first."""
    replies = [reply for one, _ in explained for call in calls_of(one) for reply in list_replies(call)]
    quoted = {reply.text for reply in replies}
    entries = [
        *_describe_changes(appointment),
        *_describe_reminders(explained),
        *(entry for reminder, _ in explained for entry in _describe_calls(reminder)),
        *_describe_replies(replies),
        *(entry for follow_up in follow_ups for entry in _describe_follow_up(follow_up, quoted)),
    ]
    return _by_newest(entries, appointment)


def _read_appointment(appointment_id: int, practice: PracticeConfig) -> Appointment:
    people = Appointment.objects.select_related("contact__phone", "contact__other_phone")
    return practice.place(people.get(pk=appointment_id))


def _read_reminders(
    appointment: Appointment, practice: PracticeConfig, now: datetime, *, with_events: bool
) -> tuple[list[Reminder], list[Reminder]]:
    """The visit's reminders with their calls, and those of others whom a call now could be about, too."""
    relatives = find_relatives(appointment, now)
    wanted = appointment.reminders.order_by().values("pk").union(relatives.values("pk"))
    people = Reminder.objects.filter(pk__in=wanted).select_related("appointment__contact")
    found = list(without_settings(people))
    for reminder in found:
        if reminder.appointment_id == appointment.pk:
            reminder.appointment = appointment
        practice.complete(reminder)
    own = [one for one in found if one.appointment_id == appointment.pk]
    calls = CallRecord.objects.select_related(
        "ordered_by", "number", "script_text", "reminder__appointment__contact"
    )
    if with_events:
        calls = calls.prefetch_related(Prefetch("events", to_attr="known_events"))
    attach_told_calls(own, with_texts_back(calls))
    return own, [one for one in found if one.appointment_id != appointment.pk]


def _by_newest(entries: Sequence[Entry], appointment: Appointment) -> list[Entry]:
    zone = appointment.location.zone
    ordered = sorted(entries, key=lambda entry: entry.at, reverse=True)
    return [replace(entry, at=entry.at.astimezone(zone)) for entry in ordered]


def _is_ahead(appointment: Appointment, now: datetime) -> bool:
    return appointment.status == Appointment.Status.BOOKED and appointment.starts_at > now


def _line(
    reminder: Reminder,
    why: Explanation,
    now: datetime,
    use: NumberUse | None,
    family: list[Reminder] | None,
) -> ReminderLine:
    """`family`: whom a call about it would be about now; None if there can be none."""
    code, words = sentences.name_reminder(reminder, why, now)
    return ReminderLine(
        pk=reminder.pk,
        step_pk=reminder.step_id,
        step=sentences.name_step(reminder),
        state=code,
        words=words,
        sentence=why.sentence,
        is_text=channel_of(reminder) == Channel.SMS,
        can_call=family is not None,
        can_skip=_is_ahead(reminder.appointment, now) and reminder.state in REMINDER_PENDING,
        can_put_back=may_put_back(reminder, calls_of(reminder), now, use),
        family=sentences.name_family(family or []),
    )


def _describe_changes(appointment: Appointment) -> Iterator[Entry]:
    for change in appointment.changes.select_related("by", "provider_before", "provider_after"):
        yield Entry(
            key=f"change-{change.pk}",
            at=change.at,
            state=sentences.state_of_change(change),
            sentence=sentences.describe_change(change),
            by=name_person(change.by),
        )


def _describe_reminders(explained: Sequence[tuple[Reminder, Explanation]]) -> Iterator[Entry]:
    """Reminders that are pending, or that ended without a call; with a call, the call has its own entry."""
    for reminder, why in explained:
        if why.moment is not None:
            yield _entry_of(
                reminder, why.moment, "planned", sentences.describe_planned(reminder, why), ahead=True
            )
        elif reminder.state in REMINDER_PENDING:
            state = "held" if why.verdict == Verdict.BLOCK else "not_reminded"
            moment = why.would_be_at or reminder.due_at
            yield _entry_of(reminder, moment, state, sentences.describe_held(reminder, why), ahead=True)
        elif not calls_of(reminder) or reminder.state not in (
            ReminderState.IN_PROGRESS,
            ReminderState.DONE,
        ):
            yield _entry_of(
                reminder,
                reminder.updated_at,
                reminder.state,
                sentences.describe_settled_reminder(reminder, why),
                said=_read_unsent_words(reminder),
            )


def _read_unsent_words(reminder: Reminder) -> str:
    """What a trial would have said, by the script as it is now; "" if it wasn't a trial that kept it back.

    Also "" for an old time of the visit, and for a step that has no text any more.
    """
    is_present = reminder.revision == reminder.appointment.revision
    if reminder.reason not in WOULD_HAVE_BEEN_SENT or not is_present:
        return ""
    facts = read_reminder_facts(reminder, sending_paused=False)
    return build_message(facts, [])[1] if facts.script_text else ""


def _entry_of(
    reminder: Reminder, at: datetime, state: str, sentence: str, *, ahead: bool = False, said: str = ""
) -> Entry:
    return Entry(
        key=f"reminder-{reminder.pk}", at=at, state=state, sentence=sentence, is_ahead=ahead, said=said
    )


def _describe_calls(reminder: Reminder) -> Iterator[Entry]:
    zone = reminder.appointment.location.zone
    for number, call in enumerate(calls_of(reminder), start=1):
        yield _describe_call(call, zone, call.try_number if call.reminder_id == reminder.pk else number)


def _describe_call(call: CallRecord, zone: ZoneInfo, try_number: int) -> Entry:
    events = sorted(getattr(call, "known_events", ()), key=lambda event: (event.received_at, event.pk))
    return Entry(
        key=f"call-{call.pk}",
        call_pk=call.pk,
        at=call.ended_at or call.submitting_at,
        state=_find_look(call),
        sentence=sentences.describe_call(call),
        by=_("ordered by %s") % name_person(call.ordered_by) if call.ordered_by else "",
        said=call.text if call.state not in UNHEARD else "",
        details=tuple(sentences.describe_call_details(call, zone, try_number)),
        events=tuple(
            RawEvent(
                event.received_at.astimezone(zone),
                event.kind or event.purpose,
                event.get_state_display(),
                bytes(event.body).decode(errors="replace"),
            )
            for event in events
        ),
    )


def _find_look(call: CallRecord) -> str:
    """Its key of reminder_display.LOOKS."""
    if call.state == CallState.ANSWERED and call.channel == Channel.SMS:
        return "replied"
    return "unknown" if call.state == CallState.OVERDUE else call.state


def _describe_replies(replies: Sequence[TextReply]) -> Iterator[Entry]:
    """What the patient wrote in reply to the visit's texts."""
    for reply in replies:
        quoted = QuotedReplies((reply.text,), reply.number_id) if reply.text.strip() else None
        words = _("They replied by text message.")
        yield Entry(f"reply-{reply.id}", reply.at, "replied", words, replies=quoted)


def _describe_follow_up(follow_up: FollowUp, quoted: Collection[str]) -> Iterator[Entry]:
    """How it came onto the worklist and left it. `quoted`: the replies that have a line of their own."""
    replies = quote_replies(follow_up)
    opened = _("Put on the worklist: %s.") % follow_up.get_kind_display()
    details = tuple(filter(None, [sentences.explain_follow_up(follow_up)]))
    yield Entry(
        key=f"follow-up-{follow_up.pk}",
        at=follow_up.created_at,
        state=follow_up.kind,
        sentence=opened,
        details=details,
        replies=None if replies and set(replies.words) <= set(quoted) else replies,
    )
    if follow_up.resolved_at:
        said, by = sentences.describe_closing(follow_up), name_person(follow_up.resolved_by)
        yield Entry(f"resolved-{follow_up.pk}", follow_up.resolved_at, "done", said, by)


def name_person(user: User | None) -> str:
    """A member of staff by name; "" for none."""
    return (user.get_full_name() or user.get_username()) if user else ""
