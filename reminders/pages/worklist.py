"""Reading the worklist: unresolved follow-ups, oldest due first."""

from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils.translation import ngettext

from reminders.models import FollowUp

UNRESOLVED = ~Q(state=FollowUp.State.RESOLVED)
SHOWN = 200  # those due first; a longer list is worked from the top anyway


@dataclass(frozen=True)
class KindCount:
    """How many unresolved follow-ups are of one kind."""

    kind: str
    label: str
    count: int


@dataclass(frozen=True)
class Worklist:
    """The follow-ups due first, at most SHOWN. `counts`: by kind; `asked_for`: how many match the filter."""

    follow_ups: list[FollowUp]
    counts: list[KindCount]
    total: int
    asked_for: int

    @property
    def left_off(self) -> int:
        return self.asked_for - len(self.follow_ups)


def read_worklist(kind: str = "") -> Worklist:
    """The unresolved follow-ups, all or of one FollowUp.Kind; an unknown kind is ignored."""
    counts = count_by_kind()
    total = sum(one.count for one in counts)
    if kind not in FollowUp.Kind.values:
        kind = ""
    asked_for = sum(one.count for one in counts if not kind or one.kind == kind)
    follow_ups = FollowUp.objects.filter(UNRESOLVED, **({"kind": kind} if kind else {})).select_related(
        "contact__phone", "appointment__location", "appointment__provider", "taken_by"
    )
    return Worklist(list(follow_ups.order_by("due_at", "id")[:SHOWN]), counts, total, asked_for)


def count_by_kind() -> list[KindCount]:
    """The number of unresolved follow-ups of each kind that has any, in the order of FollowUp.Kind."""
    rows = FollowUp.objects.filter(UNRESOLVED).order_by().values_list("kind").annotate(Count("pk"))
    counts: dict[str, int] = dict(rows)
    return [
        KindCount(kind.value, _name(kind, counts[kind]), counts[kind])
        for kind in FollowUp.Kind
        if kind in counts
    ]


def _name(kind: FollowUp.Kind, count: int) -> str:
    """The kind's label as it follows the number."""
    if kind == FollowUp.Kind.WANTS_ANOTHER_TIME:
        return ngettext("wants another time", "want another time", count)
    if kind == FollowUp.Kind.WRONG_NUMBER:
        return ngettext("number can't be used", "numbers can't be used", count)
    if kind == FollowUp.Kind.UNCLEAR_ANSWER:
        return ngettext("answer not understood", "answers not understood", count)
    return str(kind.label)
