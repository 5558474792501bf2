"""Opening a call: the last look, and the CallRecord that is written before the first byte leaves.

With appointment, number and reminder locked, decide() is asked once more, and only then the CallRecord is
written as `submitting`, to be committed before the POST. From then on the try is ambiguous until evidence
says otherwise, and never begun again.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from contacts.appointments import lock_appointments
from contacts.database.saving import saving_together
from contacts.models.people import Channel
from reminders.deciding.desk_pace import DeskPace, has_waited, read_paces
from reminders.deciding.households import (
    build_companions,
    build_message,
    choose_companions,
    find_candidates,
    group_by_number,
)
from reminders.deciding.number_caps import NOTHING, read_use
from reminders.deciding.situations import (
    Limits,
    PracticeConfig,
    ReminderFacts,
    apply_limits,
    attach_config,
    read_practice_config,
    read_reminder_facts,
    with_people,
)
from reminders.lifecycle.locking import lock_numbers
from reminders.lifecycle.reminders import apply_decision, plan_again
from reminders.models import CallBatch, CallCompanion, CallRecord, Reminder
from reminders.rules.decide import Decision, Verdict, decide
from reminders.rules.reasons import Reason
from reminders.rules.states import ReminderState, check_reminder_move
from reminders.traffic.switch import read_pause_and_clock
from reminders.wording.scripts import caller_id, channel_of


@transaction.atomic
def open_calls(
    reminder_ids: Collection[int],
    claim: UUID,
    batch: CallBatch | None = None,
    practice: PracticeConfig | None = None,
) -> list[CallRecord]:
    """The last look at claimed reminders; the calls to submit, as `submitting`.

    Only what this very claim still holds is touched (a worker that wakes late finds nothing). What isn't
    called now is settled: waits, is held, skipped or missed. Each number is taken once; a batch takes one
    script and one caller id, and no household's call, whose message is its own.
    `practice` is what seldom changes, for many looks; without it, it is read for this one.
    """
    last_look = _run_last_look(
        set(reminder_ids), claim, batch, practice or read_practice_config(), held=False
    )
    return _save_opened(last_look.calls, last_look.companions)


@transaction.atomic
def hold_while_paused(reminder_ids: Collection[int], claim: UUID, practice: PracticeConfig) -> None:
    """The same facts while all sending is paused: nothing is opened, even if the pause ends just now."""
    _run_last_look(set(reminder_ids), claim, None, practice, held=True)


def _run_last_look(
    ids: set[int], claim: UUID, batch: CallBatch | None, practice: PracticeConfig, *, held: bool
) -> "LastLook":
    companion_ids = _lock_for_last_look(ids)
    reminders = _lock_reminders(ids, companion_ids, claim)
    attach_config(reminders, practice)
    paused, now = read_pause_and_clock()
    all_facts = [
        read_reminder_facts(one, sending_paused=paused or held, terms=practice.shared_facts_of(one))
        for one in reminders
    ]
    last_look = LastLook(all_facts, now, batch)
    with saving_together():
        last_look.judge(facts for facts in all_facts if _is_ours(facts.reminder, ids, claim))
    return last_look


class LastLook:
    """One last look at locked reminders: each decision leaves less room for the next."""

    def __init__(self, all_facts: Sequence[ReminderFacts], now: datetime, batch: CallBatch | None) -> None:
        self.all_facts, self.now, self.batch = all_facts, now, batch
        self.calls: list[CallRecord] = []
        self.companions: list[CallCompanion] = []
        self._at_number = group_by_number(all_facts)
        self._use = read_use(self._at_number, now)
        self._paces = read_paces({_place_of(facts) for facts in all_facts if _is_paced(facts)}, now)
        self._spoken_for: set[int] = set()  # reminders that go along with a call of this look
        self._taken: set[int] = set()  # numbers that it calls or texts

    def judge(self, all_facts: Iterable[ReminderFacts]) -> None:
        """Open a call for those to be called now, and settle the others; whose turn has come goes first."""
        for facts in sorted(all_facts, key=_by_turn):
            if facts.reminder.pk in self._spoken_for:
                continue
            decision = decide(apply_limits(facts.situation, self._limits_of(facts)), self.now)
            if decision.verdict == Verdict.CALL:
                self._open(facts)
            else:
                self._settle(facts, decision)

    def _limits_of(self, facts: ReminderFacts) -> Limits:
        reminder = facts.reminder
        use = self._use[facts.number.pk] if facts.number else NOTHING
        pace = self._pace_of(facts)
        return Limits(
            line_busy_until=use.line_busy_until,
            capped_until=use.capped_until(reminder, self.now),
            cap_may_lift=use.may_lift(reminder, self.now),
            told_already=use.has_told(reminder),
            desk_busy_until=pace.find_turn(self.now, waited=has_waited(facts.reminder)) if pace else None,
        )

    def _open(self, facts: ReminderFacts) -> None:
        joining = choose_companions(facts, self._at_number, self.now)
        if not self._fits(facts, joining):
            plan_again(facts.reminder, next_look_at=self.now)
            return
        call = _build_call(facts, joining, self.now, self.batch)
        self.calls.append(call)
        self.companions += build_companions(call, joining)
        self._spoken_for |= {one.reminder.pk for one in joining}
        self._taken.add(call.number_id)
        self._use[call.number_id].add(self.now, call.channel, [one.reminder for one in (facts, *joining)])
        if pace := self._pace_of(facts):
            pace.begin(self.now)

    def _fits(self, facts: ReminderFacts, joining: Sequence[ReminderFacts]) -> bool:
        """Whether it can go out with the others."""
        if facts.number is None or facts.number.pk in self._taken:
            return False
        if self.batch is None:
            return True
        first = self.calls[0] if self.calls else None
        same = first is None or (first.script_text, first.from_number) == (
            facts.script_text,
            caller_id(facts.reminder.appointment.location),
        )
        return same and not joining

    def _settle(self, facts: ReminderFacts, decision: Decision) -> None:
        apply_decision(facts.reminder, decision, self.now)
        pace = self._pace_of(facts)
        if pace and decision.until and decision.reason == Reason.DESK_PACE:
            pace.give(decision.until)

    def _pace_of(self, facts: ReminderFacts) -> DeskPace | None:
        return self._paces.get(_place_of(facts)) if _is_paced(facts) else None


def _is_ours(reminder: Reminder, ids: Collection[int], claim: UUID) -> bool:
    return reminder.pk in ids and reminder.claim == claim


def _place_of(facts: ReminderFacts) -> int:
    return facts.reminder.appointment.location_id


def _is_paced(facts: ReminderFacts) -> bool:
    limited = facts.reminder.appointment.location.calls_per_minute is not None
    return limited and channel_of(facts.reminder) == Channel.VOICE


def _by_turn(facts: ReminderFacts) -> tuple[bool, datetime, int]:
    reminder = facts.reminder
    return not has_waited(reminder), reminder.due_at, reminder.pk


def _lock_for_last_look(reminder_ids: Collection[int]) -> list[int]:
    """Hold the appointments and numbers; the reminders that may go along as companions."""
    candidates = find_candidates(reminder_ids)
    lock_appointments(one.appointment_id for one in candidates)
    lock_numbers(one.number_id for one in candidates if one.number_id)
    return [one.pk for one in candidates if one.pk not in reminder_ids]


def _lock_reminders(
    reminder_ids: Collection[int], companion_ids: Collection[int], claim: UUID
) -> list[Reminder]:
    """Those that this claim still holds, and what could go along: planned, or claimed by anybody.

    A claim sends nothing, and whoever made it finds at its own last look what has gone along here.
    """
    ours = Q(pk__in=reminder_ids, state=ReminderState.CLAIMED, claim=claim, lease_until__gt=Now())
    running = Q(state=ReminderState.PLANNED) | Q(state=ReminderState.CLAIMED, lease_until__gt=Now())
    wanted = ours | Q(running, pk__in=companion_ids) if companion_ids else ours
    held = with_people(Reminder.objects.filter(wanted))
    return list(held.select_for_update(of=("self",)).order_by("pk"))


def _build_call(
    facts: ReminderFacts, companions: Sequence[ReminderFacts], now: datetime, batch: CallBatch | None
) -> CallRecord:
    assert facts.number is not None and facts.script_text is not None  # noqa: S101, PT018 - decide() saw to it
    reminder, script = facts.reminder, facts.script_text
    variables, text = build_message(facts, companions)
    return CallRecord(
        reminder=reminder,
        number=facts.number,
        batch=batch,
        channel=channel_of(reminder),
        try_number=1,
        ordered_by_id=reminder.ordered_by_id,
        from_number=caller_id(reminder.appointment.location),
        script_text=script,
        variables=variables,
        text=text,
        submitting_at=now,
    )


def _save_opened(calls: list[CallRecord], companions: list[CallCompanion]) -> list[CallRecord]:
    leads = [call.reminder for call in calls]
    made = _count_calls_about(leads)
    for call in calls:
        call.try_number = made[call.reminder_id] + 1
    reminders = [*leads, *(companion.reminder for companion in companions)]
    for reminder in reminders:
        check_reminder_move(reminder.state, ReminderState.IN_PROGRESS)
    Reminder.objects.filter(pk__in=[reminder.pk for reminder in reminders]).update(
        state=ReminderState.IN_PROGRESS,
        reason="",
        ordered_by=None,  # the order is this try's now, and stands on the call
        claim=None,
        lease_until=None,
        updated_at=Now(),
    )
    opened = CallRecord.objects.bulk_create(calls)
    CallCompanion.objects.bulk_create(companions)
    return opened


def _count_calls_about(reminders: Sequence[Reminder]) -> Counter[int]:
    """How many calls have spoken for each, by its id."""
    own = CallRecord.objects.filter(reminder__in=reminders).order_by()
    shared = CallCompanion.objects.filter(reminder__in=reminders)
    rows = own.values_list("reminder_id").union(shared.values_list("reminder_id"), all=True)
    return Counter(reminder_id for (reminder_id,) in rows)
