"""Opening calls: the last look at claimed reminders, and the CallRecords that are written before the POST.

The last look: with appointments, numbers and reminders locked, decide() is asked once more. For what is to be
called, a CallRecord is written as `submitting`, to be committed before the POST. From then on the call may
have been placed, unless there is evidence that it wasn't, and the same try is never submitted again.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from contacts.appointments import lock_appointments
from contacts.database.arrays import is_any
from contacts.database.saving import insert_rows, save_rows
from contacts.models.people import Channel
from reminders.deciding.desk_pace import DeskPace, has_waited, read_paces
from reminders.deciding.households import build_message, choose_companions, find_candidates
from reminders.deciding.number_caps import read_use
from reminders.deciding.situations import (
    NO_LIMITS,
    PracticeConfig,
    ReminderFacts,
    apply_limits,
    read_facts_together,
    read_practice_config,
    with_people,
)
from reminders.deciding.stored_decisions import read_seen_values, write_decision
from reminders.deciding.trial_use import count_left_on_trial
from reminders.lifecycle.locking import lock_numbers
from reminders.lifecycle.reminders import apply_decision, check_reminder_move, plan_again
from reminders.models import CallBatch, CallCompanion, CallRecord, Reminder
from reminders.results.unanswered import account_for
from reminders.rules.decide import Situation, Verdict, decide
from reminders.rules.modes import SendingMode
from reminders.rules.reasons import Reason
from reminders.rules.states import ReminderState
from reminders.traffic.gate import read_pause_and_clock
from reminders.wording.pronunciations import Pronunciations
from reminders.wording.scripts import caller_id, find_missing_language

_TRIES = """
    SELECT reminder_id FROM reminders_callrecord WHERE reminder_id = ANY(%s)
    UNION ALL SELECT reminder_id FROM reminders_callcompanion WHERE reminder_id = ANY(%s)
"""


@transaction.atomic
def open_calls(
    reminder_ids: Collection[int],
    claim: UUID,
    batch: CallBatch | None = None,
    practice: PracticeConfig | None = None,
) -> list[CallRecord]:
    """Take the last look at claimed reminders; the calls to submit, saved as `submitting`.

    Only reminders that this claim still holds are touched (a worker that was frozen past its lease finds
    none). Those not called now wait, are held, are skipped or are missed. Each number gets one call at most;
    a batch has one channel, script and caller id, and nothing for a household, whose message is its own; it
    is saved only if it has a call.
    `practice`: the configuration, where it is used for several looks; else it is read here.
    """
    last_look = _take_last_look(set(reminder_ids), claim, batch, practice or read_practice_config())
    return _save_opened(last_look.calls, last_look.companions)


@transaction.atomic
def hold_while_paused(reminder_ids: Collection[int], claim: UUID, practice: PracticeConfig) -> None:
    """The same while all sending is paused: opens no call, even if the pause has ended meanwhile."""
    _take_last_look(set(reminder_ids), claim, None, practice, paused=True)


def _take_last_look(
    ids: set[int], claim: UUID, batch: CallBatch | None, practice: PracticeConfig, *, paused: bool = False
) -> "LastLook":
    candidates = find_candidates(ids)
    lock_appointments(one.appointment_id for one in candidates)
    # with the other of a pair: a "no" on it is a "no" on both (contacts/paired_numbers.py)
    lock_numbers(pk for one in candidates for pk in (one.number_id, one.other_number_id) if pk)
    reminders = _lock_reminders(ids, {one.pk for one in candidates} - ids, claim)
    is_paused_now, now = read_pause_and_clock()
    facts = read_facts_together(reminders, practice, sending_paused=paused or is_paused_now)
    last_look = LastLook(facts, now, batch, practice.pronunciations)
    last_look.decide_on(one for one in facts if one.reminder.pk in ids and one.reminder.claim == claim)
    save_rows(last_look.held)
    account_for(last_look.not_called)
    return last_look


def _lock_reminders(
    reminder_ids: Collection[int], companion_ids: Collection[int], claim: UUID
) -> list[Reminder]:
    """Those that this claim still holds, and possible companions: planned, or claimed by any dispatcher.

    A dispatcher that had claimed a companion finds at its own last look that it no longer holds it.
    """
    ours = Q(is_any("pk", reminder_ids), state=ReminderState.CLAIMED, claim=claim, lease_until__gt=Now())
    pending = Q(state=ReminderState.PLANNED) | Q(state=ReminderState.CLAIMED, lease_until__gt=Now())
    wanted = ours | Q(is_any("pk", companion_ids), pending) if companion_ids else ours
    return list(_all_with_people().filter(wanted))


@cache
def _all_with_people() -> "QuerySet[Reminder]":
    """Built once, since to build it takes Django as long as to read twenty of its rows."""
    return with_people(Reminder.objects.order_by("pk")).select_for_update(of=("self",))


class LastLook:
    """Decisions on locked reminders, one after the other: each call leaves less room for the next."""

    def __init__(
        self,
        facts: Sequence[ReminderFacts],
        now: datetime,
        batch: CallBatch | None,
        pronunciations: Pronunciations,
    ) -> None:
        self.now, self.batch, self.pronunciations = now, batch, pronunciations
        self.calls: list[CallRecord] = []
        self.companions: list[CallCompanion] = []
        self._at_number: defaultdict[int, list[ReminderFacts]] = defaultdict(list)
        location_of: dict[int, int] = {}  # by reminder, of those that the desk's pace limits
        for one in facts:
            if one.number:
                self._at_number[one.number.pk].append(one)
            location = one.reminder.appointment.location
            if location.calls_per_minute is not None and one.channel == Channel.VOICE:
                location_of[one.reminder.pk] = location.pk
        self._use = read_use(self._at_number, now)
        paces = read_paces(set(location_of.values()), now)
        self._paces = {reminder: paces.get(location) for reminder, location in location_of.items()}
        on_trial = any(one.situation.mode == SendingMode.TRIAL for one in facts)
        self._left_on_trial = count_left_on_trial(now) if on_trial else 1
        self.held: list[Reminder] = []  # to be saved: waiting, held, skipped or missed
        self.not_called: set[int] = set()  # appointments with a reminder that has ended, or is held
        self._companion_ids: set[int] = set()
        self._number_ids: set[int] = set()  # of the calls and texts opened so far

    def decide_on(self, reminders: Iterable[ReminderFacts]) -> None:
        """Open a call for those to be called now, and settle the others."""
        for facts in sorted(reminders, key=_by_turn):
            reminder, limits = facts.reminder, NO_LIMITS
            if reminder.pk in self._companion_ids:
                continue
            if facts.number:
                use = self._use[facts.number.pk]
                limits = use.limits_by_cap(reminder, self.now)._replace(line_busy_until=use.line_busy_until)
            if pace := self._paces.get(reminder.pk):
                turn = pace.find_turn(self.now, waited=has_waited(reminder))
                limits = limits._replace(desk_busy_until=turn)
            if self._left_on_trial < 1:
                limits = limits._replace(trial_full=True)
            situation = apply_limits(facts.situation, limits)
            decision = decide(situation, self.now)
            if decision.verdict == Verdict.CALL:
                self._open(facts, situation, pace)
            else:
                apply_decision(reminder, decision, self.now)
                self.held.append(reminder)
                if decision.verdict != Verdict.WAIT:
                    self.not_called.add(reminder.appointment_id)
                if pace and decision.until and decision.reason == Reason.DESK_PACE:
                    pace.add_turn(decision.until)

    def _open(self, lead: ReminderFacts, situation: Situation, pace: DeskPace | None) -> None:
        """Open the call for a reminder and its companions; what can't go with the others is planned again."""
        reminder, number, script = lead.reminder, lead.number, lead.script_text
        assert number is not None and script is not None  # noqa: S101, PT018 - else decide() blocks it
        companions = choose_companions(lead, self._at_number[number.pk], self.now)
        from_number = caller_id(reminder.appointment.location)
        first = self.calls[0] if self.batch and self.calls else None
        is_like_first = not first or (first.channel, first.script_text, first.from_number) == (
            lead.channel,
            script,
            from_number,
        )
        if number.pk in self._number_ids or (self.batch and companions) or not is_like_first:
            plan_again(reminder, next_look_at=self.now)
            self.held.append(reminder)
            return
        if self.batch and not first:
            self.batch.channel, self.batch.mode = lead.channel, lead.situation.mode
            self.batch.save()
        variables, text = build_message(lead, companions, self.pronunciations)
        seen = read_seen_values(lead, self._use[number.pk], self.now)
        call = CallRecord.make(
            reminder=reminder,
            number=number,
            batch=self.batch,
            channel=lead.channel,
            try_number=1,  # for now: _save_opened() counts the tries of all calls in one query
            ordered_by_id=reminder.ordered_by_id,
            mode=lead.situation.mode,
            from_number=from_number,
            script_text=script,
            missing_language=find_missing_language(script, reminder.appointment.contact.language),
            variables=variables,
            text=text,
            decision=write_decision(situation, seen, self.now),
            submitting_at=self.now,
        )
        self.calls.append(call)
        self.companions += [CallCompanion(call=call, reminder=one.reminder) for one in companions]
        self._companion_ids |= {one.reminder.pk for one in companions}
        self._number_ids.add(number.pk)
        self._use[number.pk].add(self.now, call.channel, [one.reminder for one in (lead, *companions)])
        if pace:
            pace.add_call(self.now)
        if call.mode == SendingMode.TRIAL:
            self._left_on_trial -= 1


def _by_turn(facts: ReminderFacts) -> tuple[bool, datetime, int]:
    """Those that have waited for the desk's pace come first; else in the order in which they are due."""
    return not has_waited(facts.reminder), facts.reminder.due_at, facts.reminder.pk


def _count_tries(reminder_ids: list[int]) -> Counter[int]:
    with connection.cursor() as cursor:
        cursor.execute(_TRIES, [reminder_ids, reminder_ids])
        return Counter(reminder_id for (reminder_id,) in cursor.fetchall())


def _save_opened(calls: list[CallRecord], companions: list[CallCompanion]) -> list[CallRecord]:
    if not calls:
        return []
    leads = [call.reminder for call in calls]
    tries_made = _count_tries([reminder.pk for reminder in leads])
    for call in calls:
        call.try_number = tries_made[call.reminder_id] + 1
    reminders = [*leads, *(companion.reminder for companion in companions)]
    for reminder in reminders:
        check_reminder_move(reminder.state, ReminderState.IN_PROGRESS)
    Reminder.objects.filter(is_any("pk", [reminder.pk for reminder in reminders])).update(
        state=ReminderState.IN_PROGRESS,
        reason="",
        ordered_by=None,  # the order was for this try, and is recorded on the call
        claim=None,
        lease_until=None,
        updated_at=Now(),
    )
    insert_rows(calls)
    CallCompanion.objects.bulk_create(companions)
    return calls
