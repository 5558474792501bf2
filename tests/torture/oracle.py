"""The test oracle: compares what the sandbox accepted with the database. Pure: facts in, counts out.

It uses only the sandbox's ledger, the database's commit times and how the clinic was generated, and none of
the project's own rules.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

RETRIED_OUTCOMES = frozenset({"no_answer", "failed"})  # and voicemail, if the step retries it
# The kinds of follow-up that tell staff about a reminder in this state. None is about a claimed reminder.
REPORTED_BY = {
    "planned": frozenset({"wrong_number", "nothing_follows"}),
    "claimed": frozenset[str](),
    "in_progress": frozenset({"unknown_outcome"}),
    "missed": frozenset({"missed", "wrong_number"}),
    "done": frozenset({"unknown_outcome", "could_not_reach", "wrong_number", "nothing_follows"}),
}
NOT_SETTLED = frozenset({"planned", "claimed", "in_progress"})


@dataclass(frozen=True)
class LedgerLine:
    """One line of the sandbox's ledger, and how that call or text ended in the sandbox."""

    subject: str  # from its callback URL: public id of the try, or of its batch with the number
    to: str
    channel: str
    at: datetime
    outcome: str = ""
    ended_at: datetime | None = None
    fault: str | None = None


@dataclass(frozen=True)
class Try:
    """One CallRecord, with all reminders it covers."""

    subject: str
    number: str
    reminder_ids: tuple[int, ...]
    state: str
    submitting_at: datetime
    ordered: bool = False
    answer_recorded: bool = True  # whether the answer to its POST was recorded


@dataclass(frozen=True)
class ReminderRow:
    """One reminder as it is in the database at the end."""

    reminder_id: int
    appointment_id: int
    revision: int
    number: str
    state: str
    reason: str = ""
    max_tries: int = 2
    retry_voicemail: bool = False
    outcome_unknown: bool = False  # its call has no known outcome

    @property
    def own_follow_up(self) -> str:
        """The kind of follow-up that this reminder needs, or ""."""
        if self.state == "missed":
            return "missed"
        return "unknown_outcome" if self.state == "in_progress" and self.outcome_unknown else ""


@dataclass(frozen=True)
class FollowUpRow:
    """One follow-up, with all reminders that it or its call is about."""

    kind: str
    appointment_id: int | None  # None: about an event of a call that isn't known
    reminder_ids: frozenset[int]
    resolved: bool = False

    def reports(self, reminder: ReminderRow) -> bool:
        """Whether staff who work on it learn that this reminder didn't reach the patient.

        A resolved follow-up reports only finished reminders. While an appointment has an unresolved follow-up
        of a kind, another reminder of that appointment gets no follow-up of the same kind.
        """
        if self.kind not in REPORTED_BY[reminder.state] or (self.resolved and reminder.state in NOT_SETTLED):
            return False
        covers_appointment = (
            self.appointment_id == reminder.appointment_id and self.kind == reminder.own_follow_up
        )
        return reminder.reminder_id in self.reminder_ids or (covers_appointment and not self.resolved)


@dataclass(frozen=True)
class OptOut:
    """An opt-out of a number from these channels, and when it was committed."""

    number: str
    channels: frozenset[str]
    committed_at: datetime


@dataclass(frozen=True)
class Withdrawal:
    """A cancellation or a move: reminders up to this revision must not be sent afterwards."""

    appointment_id: int
    up_to_revision: int
    committed_at: datetime


@dataclass(frozen=True)
class Hours:
    """The calling hours of a number, from how the clinic was generated: wall times of its time zone."""

    zone: ZoneInfo
    opens: time
    closes: time

    def allow(self, moment: datetime) -> bool:
        return self.opens <= moment.astimezone(self.zone).time() < self.closes


@dataclass(frozen=True)
class Facts:
    """Everything the oracle uses."""

    lines: Sequence[LedgerLine]
    tries: Sequence[Try]
    reminders: Sequence[ReminderRow]
    follow_ups: Sequence[FollowUpRow] = ()
    optouts: Sequence[OptOut] = ()
    withdrawals: Sequence[Withdrawal] = ()
    hours: Mapping[str, Hours] = field(default_factory=dict)
    deadline: timedelta = timedelta(seconds=10)  # longer than any POST can take


Rule = Callable[[Facts], int]


def count_most_calls_of_one_try(facts: Facts) -> int:
    return max(Counter(line.subject for line in facts.lines).values(), default=0)


def count_doubled(facts: Facts) -> int:
    """Count reminders accepted again although the call before had no outcome that is retried."""
    tries = {one.subject: one for one in facts.tries}
    accepted = _lines_by_reminder(facts)
    return sum(
        _is_doubled(reminder, accepted[reminder.reminder_id], tries)
        for reminder in facts.reminders
        if len(accepted[reminder.reminder_id]) > 1
    )


def count_unsettled(facts: Facts) -> int:
    """Count due reminders that are neither finished nor on the worklist, or missed without a follow-up."""
    return len(find_unsettled(facts))


def find_unsettled(facts: Facts) -> list[ReminderRow]:
    worklist = _Worklist(facts.follow_ups)
    return [
        reminder
        for reminder in facts.reminders
        if reminder.state in NOT_SETTLED | {"missed"} and not worklist.reports(reminder)
    ]


def count_done_without_a_call(facts: Facts) -> int:
    """Count reminders marked as done although no call was ever accepted and they have no follow-up."""
    accepted, worklist = _lines_by_reminder(facts), _Worklist(facts.follow_ups)
    return sum(
        reminder.state == "done" and not accepted[reminder.reminder_id] and not worklist.reports(reminder)
        for reminder in facts.reminders
    )


def count_after_optout_or_withdrawal(facts: Facts) -> int:
    """Count calls accepted after an opt-out, a cancellation or a move was committed.

    A call that was being submitted at that moment is allowed, for as long as a POST can take.
    """
    tries = {one.subject: one for one in facts.tries}
    return sum(_is_after_optout_or_withdrawal(line, tries.get(line.subject), facts) for line in facts.lines)


def count_outside_hours(facts: Facts) -> int:
    """Count calls and texts outside the calling hours of the number's own time zone."""
    tries = {one.subject: one for one in facts.tries}
    return sum(
        not facts.hours[line.to].allow(_submission_began_at(line, tries.get(line.subject), facts))
        for line in facts.lines
    )


def count_lines_without_record(facts: Facts) -> int:
    known = {one.subject for one in facts.tries}
    return sum(line.subject not in known for line in facts.lines)


class _Worklist:
    """All follow-ups, by reminder and by appointment."""

    def __init__(self, follow_ups: Sequence[FollowUpRow]) -> None:
        self._by_reminder: dict[int, list[FollowUpRow]] = defaultdict(list)
        self._by_appointment: dict[int | None, list[FollowUpRow]] = defaultdict(list)
        for follow_up in follow_ups:
            self._by_appointment[follow_up.appointment_id].append(follow_up)
            for reminder_id in follow_up.reminder_ids:
                self._by_reminder[reminder_id].append(follow_up)

    def reports(self, reminder: ReminderRow) -> bool:
        """Whether one of the follow-ups reports this reminder."""
        related = chain(
            self._by_reminder[reminder.reminder_id], self._by_appointment[reminder.appointment_id]
        )
        return any(follow_up.reports(reminder) for follow_up in related)


def _lines_by_reminder(facts: Facts) -> dict[int, list[LedgerLine]]:
    """Return the accepted calls of each reminder, in order.

    A call without a CallRecord is counted for a reminder of the same number.
    """
    of_try = {one.subject: one.reminder_ids for one in facts.tries}
    of_number: dict[str, list[int]] = defaultdict(list)
    for reminder in facts.reminders:
        of_number[reminder.number].append(reminder.reminder_id)
    found: dict[int, list[LedgerLine]] = defaultdict(list)
    for line in sorted(facts.lines, key=lambda line: line.at):
        for reminder_id in of_try.get(line.subject) or of_number[line.to][:1]:
            found[reminder_id].append(line)
    return found


def _is_doubled(reminder: ReminderRow, lines: Sequence[LedgerLine], tries: Mapping[str, Try]) -> bool:
    ordered = [line.subject in tries and tries[line.subject].ordered for line in lines]
    automatic = [line for line, by_person in zip(lines, ordered, strict=True) if not by_person]
    if sum(line.channel == "voice" for line in automatic) > reminder.max_tries:
        return True
    return any(
        not by_person and not _allows_another(before, after, reminder)
        for before, after, by_person in zip(lines, lines[1:], ordered[1:], strict=False)
    )


def _allows_another(before: LedgerLine, after: LedgerLine, reminder: ReminderRow) -> bool:
    retried = RETRIED_OUTCOMES | ({"voicemail"} if reminder.retry_voicemail else set())
    ended = before.ended_at is not None and before.ended_at <= after.at
    return ended and before.outcome in retried


def _is_after_optout_or_withdrawal(line: LedgerLine, found: Try | None, facts: Facts) -> bool:
    began_at = _submission_began_at(line, found, facts)
    opted_out = any(
        optout.committed_at < began_at
        for optout in facts.optouts
        if optout.number == line.to and line.channel in optout.channels
    )
    return opted_out or _is_withdrawn(found, began_at, facts)


def _is_withdrawn(found: Try | None, began_at: datetime, facts: Facts) -> bool:
    of_try = set(found.reminder_ids) if found else set()
    meant = [reminder for reminder in facts.reminders if reminder.reminder_id in of_try]
    return any(
        withdrawal.committed_at < began_at
        for reminder in meant
        for withdrawal in facts.withdrawals
        if withdrawal.appointment_id == reminder.appointment_id
        and withdrawal.up_to_revision >= reminder.revision
    )


def _submission_began_at(line: LedgerLine, found: Try | None, facts: Facts) -> datetime:
    """Return when submitting began, but not earlier than a POST can take before the call was accepted."""
    if found is None:
        return line.at
    return max(found.submitting_at, line.at - facts.deadline)


# Each rule with its limit, in the order of the table.
RULES: dict[str, tuple[Rule, int]] = {
    "calls accepted for one try, at most": (count_most_calls_of_one_try, 1),
    "reminders accepted again without evidence": (count_doubled, 0),
    "due reminders neither settled nor on the worklist": (count_unsettled, 0),
    'reminders "done" that nobody was called for': (count_done_without_a_call, 0),
    "calls accepted after an opt-out, cancellation or move": (count_after_optout_or_withdrawal, 0),
    "calls outside calling hours": (count_outside_hours, 0),
    "ledger lines without a CallRecord": (count_lines_without_record, 0),
}
DOUBLED = "reminders accepted again without evidence"
LOST = 'reminders "done" that nobody was called for'


def count_violations(facts: Facts) -> dict[str, int]:
    """Return the count of each rule, by its name."""
    return {name: rule(facts) for name, (rule, _) in RULES.items()}


def find_broken_rules(counts: Mapping[str, int]) -> list[str]:
    """Return the names of the rules whose limit is exceeded."""
    return [name for name, (_, limit) in RULES.items() if counts[name] > limit]
