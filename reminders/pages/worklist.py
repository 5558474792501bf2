"""Reading the worklist: what waits for a person, oldest due first."""

from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils.translation import ngettext

from reminders.models import FollowUp

UNRESOLVED = ~Q(state=FollowUp.State.RESOLVED)
SHOWN = 200  # what is due first; a longer list is worked from its top anyway


@dataclass(frozen=True)
class KindCount:
    """How many unresolved entries are of one kind."""

    kind: str
    label: str
    count: int


@dataclass(frozen=True)
class Worklist:
    """The entries due first, at most SHOWN, and how many there are: by kind, and of what was asked for."""

    entries: list[FollowUp]
    counts: list[KindCount]
    total: int
    asked_for: int

    @property
    def left_off(self) -> int:
        return self.asked_for - len(self.entries)


def read_worklist(kind: str = "") -> Worklist:
    """What is open or taken, all of it or of one FollowUp.Kind; an unknown kind counts as none."""
    counts = count_by_kind()
    total = sum(one.count for one in counts)
    if kind not in FollowUp.Kind.values:
        kind = ""
    asked_for = sum(one.count for one in counts if not kind or one.kind == kind)
    entries = FollowUp.objects.filter(UNRESOLVED, **({"kind": kind} if kind else {})).select_related(
        "contact__phone", "appointment__location", "appointment__provider", "taken_by"
    )
    return Worklist(list(entries.order_by("due_at", "id")[:SHOWN]), counts, total, asked_for)


def count_by_kind() -> list[KindCount]:
    """The unresolved entries of each kind that has any, in the order of FollowUp.Kind."""
    rows = FollowUp.objects.filter(UNRESOLVED).order_by().values_list("kind").annotate(Count("pk"))
    counts: dict[str, int] = dict(rows)
    return [
        KindCount(kind.value, _name(kind, counts[kind]), counts[kind])
        for kind in FollowUp.Kind
        if kind in counts
    ]


def _name(kind: FollowUp.Kind, count: int) -> str:
    """The kind's label, fit to stand behind its number."""
    if kind == FollowUp.Kind.WANTS_ANOTHER_TIME:
        return ngettext("wants another time", "want another time", count)
    if kind == FollowUp.Kind.WRONG_NUMBER:
        return ngettext("number can't be used", "numbers can't be used", count)
    if kind == FollowUp.Kind.UNCLEAR_ANSWER:
        return ngettext("answer not understood", "answers not understood", count)
    return str(kind.label)
