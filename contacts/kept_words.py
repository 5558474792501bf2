"""What stayed when an import was undone, or would stay, in groups for pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from contacts.models import KeptByUndo


class AnyKept(Protocol):
    """A Kept of an undo's plan, or the KeptByUndo row that stores it."""

    @property
    def what(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def about(self) -> str: ...
    @property
    def appointment_id(self) -> int | None: ...
    @property
    def contact_id(self) -> int | None: ...


@dataclass(frozen=True)
class KeptGroup:
    """Things of one kind that stay for one reason. `lines`: the ones to show; `more`: how many others."""

    title: str
    reason: str
    lines: tuple[AnyKept, ...]
    more: int

    @property
    def count(self) -> int:
        return len(self.lines) + self.more


def group_kept(kept: Iterable[AnyKept], most: int) -> list[KeptGroup]:
    """Group them by kind and reason, in the order of the kinds."""
    groups: dict[tuple[str, str], list[AnyKept]] = {}
    for each in kept:
        groups.setdefault((each.what, each.why), []).append(each)
    return [
        KeptGroup(str(what.label), str(why.label), tuple(found[:most]), len(found[most:]))
        for what in KeptByUndo.What
        for why in KeptByUndo.Why
        if (found := groups.get((what, why)))
    ]
