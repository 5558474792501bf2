"""Where an upcoming booked visit stands, so that no patient is dropped silently (product rule 57).

Pure. Every such visit of an active campaign is confirmed, or has something that will still go out, or stands
on the worklist, or is not reminded because a person chose that. UNACCOUNTED is none of these: an error,
which results/unanswered.py mends by putting the visit on the worklist.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from reminders.rules.reasons import IS_CHOSEN


class VisitStanding(models.TextChoices):
    CONFIRMED = "confirmed", _("confirmed")
    ON_WORKLIST = "on_worklist", _("on the worklist")
    WILL_GO_OUT = "will_go_out", _("a reminder will go out")
    BEING_PLANNED = "being_planned", _("its reminders are being planned")
    NOT_IN_A_CAMPAIGN = "not_in_a_campaign", _("no active campaign covers it")
    SETTLED_BY_STAFF = "settled_by_staff", _("settled by staff on the worklist")
    CHOSEN = "chosen", _("not reminded, as a person chose")
    UNACCOUNTED = "unaccounted", _("unaccounted for")


@dataclass(frozen=True)
class ReminderEnd:
    """A reminder that won't go out any more, or is held: why, since when (aware UTC).

    `opted_out`: the number has opted out of the step's channel, now. `is_held`: it waits for a person, who
    may have looked at it before its last check.
    """

    reason: str
    at: datetime
    opted_out: bool = False
    is_held: bool = False

    def is_settled(self, settled_at: datetime | None) -> bool:
        """Whether a person chose it, or has looked since: they resolved a follow-up at `settled_at`."""
        if self.opted_out or IS_CHOSEN.get(self.reason, False):
            return True
        return settled_at is not None and (self.is_held or settled_at >= self.at)


@dataclass(frozen=True)
class VisitFacts:
    """What the standing depends on.

    `answer`: for the present revision. `goes_out`: a reminder is in progress, or planned and not stopped by
    anything we know. `ends`: its other reminders of active campaigns. `settled_at`: when a person last
    resolved a follow-up about this revision; `wish_settled`: about the wish for another time.
    """

    answer: str
    on_worklist: bool
    goes_out: bool
    being_planned: bool
    ends: tuple[ReminderEnd, ...]
    settled_at: datetime | None = None
    wish_settled: bool = False

    @property
    def open_ends(self) -> tuple[ReminderEnd, ...]:
        """Those that nobody chose, and that nobody has looked at since."""
        return tuple(end for end in self.ends if not end.is_settled(self.settled_at))


def find_visit_standing(facts: VisitFacts) -> VisitStanding:
    """Where the visit stands: the first that applies."""
    if facts.answer == "confirmed":
        return VisitStanding.CONFIRMED
    if facts.on_worklist:
        return VisitStanding.ON_WORKLIST
    if facts.answer:  # wants another time: staff arrange it
        return VisitStanding.SETTLED_BY_STAFF if facts.wish_settled else VisitStanding.UNACCOUNTED
    if facts.goes_out:
        return VisitStanding.WILL_GO_OUT
    if facts.open_ends:
        return VisitStanding.UNACCOUNTED
    if facts.being_planned:
        return VisitStanding.BEING_PLANNED
    if not facts.ends:
        return VisitStanding.NOT_IN_A_CAMPAIGN
    if all(end.is_settled(None) for end in facts.ends):
        return VisitStanding.CHOSEN
    return VisitStanding.SETTLED_BY_STAFF
