"""The oracle: what the sandbox accepted, held against what the database says. Pure: facts in, rows out.

It judges by the sandbox's ledger, the database's own commit times and the world as it was made; of the
project's rules it uses none.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import chain
from zoneinfo import ZoneInfo

RETRIED_OUTCOMES = frozenset({"no_answer", "failed"})  # and voicemail, where the step says so
# The entry that tells a person of a reminder in this state. None tells of one that is only claimed.
TOLD_BY = {
    "planned": frozenset({"wrong_number"}),
    "claimed": frozenset[str](),
    "in_progress": frozenset({"unknown_outcome"}),
    "missed": frozenset({"missed", "wrong_number"}),
    "done": frozenset({"unknown_outcome", "could_not_reach", "wrong_number"}),
}
NOT_SETTLED = frozenset({"planned", "claimed", "in_progress"})


@dataclass(frozen=True)
class Line:
    """One line of the ledger, and how that call ended by the sandbox's own word."""

    subject: str  # public id of the try, or of its batch and the number, as its callback address says
    to: str
    channel: str
    at: datetime
    outcome: str = ""
    ended_at: datetime | None = None
    fault: str | None = None


@dataclass(frozen=True)
class Try:
    """One CallRecord, with every reminder it speaks for."""

    subject: str
    number: str
    reminder_ids: tuple[int, ...]
    state: str
    submitting_at: datetime
    ordered: bool = False
    written_down: bool = True  # the answer to its POST was recorded


@dataclass(frozen=True)
class Promise:
    """One reminder as the database has it at the end."""

    reminder_id: int
    appointment_id: int
    revision: int
    number: str
    state: str
    reason: str = ""
    max_tries: int = 2
    retry_voicemail: bool = False
    unheard_of: bool = False  # its call is one whose outcome nobody knows

    @property
    def must_ask(self) -> str:
        """The kind of entry that it asks for by itself; "" for none."""
        if self.state == "missed":
            return "missed"
        return "unknown_outcome" if self.state == "in_progress" and self.unheard_of else ""


@dataclass(frozen=True)
class Entry:
    """One entry of the worklist, with every reminder that it or its call is about."""

    kind: str
    appointment_id: int
    reminder_ids: frozenset[int]
    resolved: bool = False

    def tells_of(self, promise: Promise) -> bool:
        """Whether who works it off learns that this reminder didn't get through.

        One that is resolved tells only of what has come to its end. And while one of a kind stands for an
        appointment, another reminder of it gets none of its own.
        """
        if self.kind not in TOLD_BY[promise.state] or (self.resolved and promise.state in NOT_SETTLED):
            return False
        stands_for_both = self.appointment_id == promise.appointment_id and self.kind == promise.must_ask
        return promise.reminder_id in self.reminder_ids or (stands_for_both and not self.resolved)


@dataclass(frozen=True)
class OptOut:
    """A number's "no" for these channels, and when it was committed."""

    number: str
    channels: frozenset[str]
    committed_at: datetime


@dataclass(frozen=True)
class Withdrawal:
    """A cancellation or a move: reminders up to this revision hold no more."""

    appointment_id: int
    up_to_revision: int
    committed_at: datetime


@dataclass(frozen=True)
class Hours:
    """When a number may be called, by construction: wall times of its own zone."""

    zone: ZoneInfo
    opens: time
    closes: time

    def allow(self, moment: datetime) -> bool:
        return self.opens <= moment.astimezone(self.zone).time() < self.closes


@dataclass(frozen=True)
class Facts:
    """Everything the oracle looks at."""

    lines: Sequence[Line]
    tries: Sequence[Try]
    promises: Sequence[Promise]
    entries: Sequence[Entry] = ()
    optouts: Sequence[OptOut] = ()
    withdrawals: Sequence[Withdrawal] = ()
    hours: Mapping[str, Hours] = field(default_factory=dict)
    deadline: timedelta = timedelta(seconds=10)  # of one POST, generously: after that none is under way


Rule = Callable[[Facts], int]


def count_most_calls_of_one_try(facts: Facts) -> int:
    return max(Counter(line.subject for line in facts.lines).values(), default=0)


def count_doubled(facts: Facts) -> int:
    """Reminders accepted again though the call before it had not ended in a way that is tried again."""
    tries = {one.subject: one for one in facts.tries}
    accepted = _lines_by_reminder(facts)
    return sum(
        _is_doubled(promise, accepted[promise.reminder_id], tries)
        for promise in facts.promises
        if len(accepted[promise.reminder_id]) > 1
    )


def count_unsettled(facts: Facts) -> int:
    """Due reminders in no final state and on no worklist; or missed, and nobody was told."""
    return len(find_unsettled(facts))


def find_unsettled(facts: Facts) -> list[Promise]:
    told = _Worklist(facts.entries)
    return [
        promise
        for promise in facts.promises
        if promise.state in NOT_SETTLED | {"missed"} and not told.has(promise)
    ]


def count_silently_lost(facts: Facts) -> int:
    """Reminders that count as done though no call for them was ever accepted, and nobody was told."""
    accepted, told = _lines_by_reminder(facts), _Worklist(facts.entries)
    return sum(
        promise.state == "done" and not accepted[promise.reminder_id] and not told.has(promise)
        for promise in facts.promises
    )


def count_against_a_no(facts: Facts) -> int:
    """Calls accepted after an opt-out, a cancellation or a move was committed.

    One that was being submitted at that moment is allowed, as long as a POST may last.
    """
    tries = {one.subject: one for one in facts.tries}
    return sum(_is_against_a_no(line, tries.get(line.subject), facts) for line in facts.lines)


def count_outside_hours(facts: Facts) -> int:
    """Calls outside the hours of the number's own zone; text messages obey them as well."""
    tries = {one.subject: one for one in facts.tries}
    return sum(
        not facts.hours[line.to].allow(_begun_at(line, tries.get(line.subject), facts))
        for line in facts.lines
    )


def count_unknown_lines(facts: Facts) -> int:
    known = {one.subject for one in facts.tries}
    return sum(line.subject not in known for line in facts.lines)


class _Worklist:
    """The worklist, by whom its entries may tell of."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._by_reminder: dict[int, list[Entry]] = defaultdict(list)
        self._by_appointment: dict[int, list[Entry]] = defaultdict(list)
        for entry in entries:
            self._by_appointment[entry.appointment_id].append(entry)
            for reminder_id in entry.reminder_ids:
                self._by_reminder[reminder_id].append(entry)

    def has(self, promise: Promise) -> bool:
        """Whether one of them tells of this reminder."""
        near = chain(self._by_reminder[promise.reminder_id], self._by_appointment[promise.appointment_id])
        return any(entry.tells_of(promise) for entry in near)


def _lines_by_reminder(facts: Facts) -> dict[int, list[Line]]:
    """The accepted calls for each reminder, in order; one without a CallRecord goes to its number's."""
    of_try = {one.subject: one.reminder_ids for one in facts.tries}
    of_number: dict[str, list[int]] = defaultdict(list)
    for promise in facts.promises:
        of_number[promise.number].append(promise.reminder_id)
    found: dict[int, list[Line]] = defaultdict(list)
    for line in sorted(facts.lines, key=lambda line: line.at):
        for reminder_id in of_try.get(line.subject) or of_number[line.to][:1]:
            found[reminder_id].append(line)
    return found


def _is_doubled(promise: Promise, lines: Sequence[Line], tries: Mapping[str, Try]) -> bool:
    ordered = [line.subject in tries and tries[line.subject].ordered for line in lines]
    spoken = [line for line, by_person in zip(lines, ordered, strict=True) if not by_person]
    if sum(line.channel == "voice" for line in spoken) > promise.max_tries:
        return True
    return any(
        not by_person and not _allows_another(before, after, promise)
        for before, after, by_person in zip(lines, lines[1:], ordered[1:], strict=False)
    )


def _allows_another(before: Line, after: Line, promise: Promise) -> bool:
    retried = RETRIED_OUTCOMES | ({"voicemail"} if promise.retry_voicemail else set())
    ended = before.ended_at is not None and before.ended_at <= after.at
    return ended and before.outcome in retried


def _is_against_a_no(line: Line, found: Try | None, facts: Facts) -> bool:
    begun_at = _begun_at(line, found, facts)
    said_no = any(
        optout.committed_at < begun_at
        for optout in facts.optouts
        if optout.number == line.to and line.channel in optout.channels
    )
    return said_no or _is_withdrawn(found, begun_at, facts)


def _is_withdrawn(found: Try | None, begun_at: datetime, facts: Facts) -> bool:
    of_try = set(found.reminder_ids) if found else set()
    meant = [promise for promise in facts.promises if promise.reminder_id in of_try]
    return any(
        withdrawal.committed_at < begun_at
        for promise in meant
        for withdrawal in facts.withdrawals
        if withdrawal.appointment_id == promise.appointment_id
        and withdrawal.up_to_revision >= promise.revision
    )


def _begun_at(line: Line, found: Try | None, facts: Facts) -> datetime:
    """When it was committed to; but no POST lasts longer than its deadline, whatever the record says."""
    if found is None:
        return line.at
    return max(found.submitting_at, line.at - facts.deadline)


# The rows that must be zero (the first one: at most 1), in the order of the table.
RULES: dict[str, tuple[Rule, int]] = {
    "calls accepted for one try, at most": (count_most_calls_of_one_try, 1),
    "reminders accepted again without evidence": (count_doubled, 0),
    "due reminders neither settled nor on the worklist": (count_unsettled, 0),
    'reminders "done" that nobody was called for': (count_silently_lost, 0),
    "calls accepted after an opt-out, cancellation or move": (count_against_a_no, 0),
    "calls outside calling hours": (count_outside_hours, 0),
    "ledger lines without a CallRecord": (count_unknown_lines, 0),
}
DOUBLED = "reminders accepted again without evidence"
LOST = 'reminders "done" that nobody was called for'


def judge(facts: Facts) -> dict[str, int]:
    """What each rule counts, by its name."""
    return {name: rule(facts) for name, (rule, _) in RULES.items()}


def find_broken(counts: Mapping[str, int]) -> list[str]:
    """The names of the rules that don't hold."""
    return [name for name, (_, limit) in RULES.items() if counts[name] > limit]
