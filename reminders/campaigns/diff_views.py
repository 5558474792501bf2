"""A difference as pages show it: the numbers, and the first changes of each kind with names and times."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import ngettext

from contacts.models import Appointment
from contacts.models.people import Channel
from reminders.campaigns.differences import CallChange, CampaignDiff
from reminders.campaigns.forecasts import Outcome
from reminders.campaigns.step_words import describe_time

MOST_SHOWN = 100  # of each kind; the number says how many there are


@dataclass(frozen=True)
class ChangeLine:
    """One reminder: of which visit and step, and when it went and will go out (by the location's clock)."""

    appointment: Appointment
    step: str
    is_text: bool
    before: datetime | None
    after: datetime | None


@dataclass(frozen=True)
class ChangeGroup:
    """The changes of one kind: how many there are, in words, and the first of them."""

    kind: str
    count: int
    words: str
    lines: Sequence[ChangeLine]

    @property
    def left_out(self) -> int:
        return self.count - len(self.lines)


def view_diff(diff: CampaignDiff) -> list[ChangeGroup]:
    """The kinds of change that there are; two queries at most."""
    kinds = {"appear": diff.appear, "move": diff.move, "vanish": diff.vanish, "reword": diff.reword}
    shown = {kind: sorted(changes, key=_by_time)[:MOST_SHOWN] for kind, changes in kinds.items()}
    ids = {change.visit for changes in shown.values() for change in changes}
    visits = Appointment.objects.select_related("contact", "location").in_bulk(ids)
    return [
        ChangeGroup(kind, len(changes), _say_how_many(kind, len(changes)), _write(shown[kind], visits))
        for kind, changes in kinds.items()
        if changes
    ]


def _write(changes: Sequence[CallChange], visits: dict[int, Appointment]) -> list[ChangeLine]:
    return [
        ChangeLine(
            visit,
            describe_time(change.step),
            (change.after or change.before or NOTHING).channel == Channel.SMS,
            _local(change.before, visit),
            _local(change.after, visit),
        )
        for change in changes
        if (visit := visits.get(change.visit))
    ]


def _local(outcome: Outcome | None, visit: Appointment) -> datetime | None:
    moment = outcome.moment if outcome else None
    return moment.astimezone(visit.location.zone) if moment else None


def _by_time(change: CallChange) -> tuple[float, int]:
    outcome = change.after or change.before or NOTHING
    return outcome.seconds or 0.0, change.visit


def _say_how_many(kind: str, count: int) -> str:
    words = {
        "appear": ngettext("%(count)d reminder is new", "%(count)d reminders are new", count),
        "move": ngettext("%(count)d reminder moves", "%(count)d reminders move", count),
        "vanish": ngettext(
            "%(count)d reminder is no longer sent", "%(count)d reminders are no longer sent", count
        ),
        "reword": ngettext(
            "%(count)d reminder says something else", "%(count)d reminders say something else", count
        ),
    }
    return words[kind] % {"count": count}


NOTHING = Outcome("", "", None, "", None, 0)
