"""What people have closed on the worklist lately, and what can be undone."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User

from reminders.models import FollowUp, FollowUpDeed
from reminders.pages.story import name_person
from reminders.pages.worklist_words import DeedLine, location_of, write_near

What = FollowUpDeed.What
CLOSING = (
    What.DONE,
    What.LEFT_MESSAGE,
    What.CONFIRMED_BY_PHONE,
    What.WRONG_NUMBER,
    What.NO_LONGER_NEEDED,
    What.CALLED_AGAIN,
    What.NOT_CALLED_AGAIN,
)
LATELY = timedelta(hours=24)
MOST_SHOWN = 200


@dataclass(frozen=True)
class ClosedEntry:
    """One act that closed something. `pk`: a follow-up of it; `can_undo`: it is the last about them."""

    act: UUID
    pk: int
    names: str
    line: DeedLine
    can_undo: bool


@dataclass(frozen=True)
class UndoOffer:
    """A deed that its author may undo: what was done, to whom it was about."""

    act: UUID
    words: str
    names: str


def read_closed(now: datetime) -> list[ClosedEntry]:
    """What was closed within a day and not undone, newest first: two queries."""
    closing = FollowUpDeed.objects.filter(what__in=CLOSING, at__gte=now - LATELY)
    about = ("by", "follow_up__contact", "follow_up__appointment__location")
    deeds = list(closing.select_related(*about).order_by("-at", "pk")[: MOST_SHOWN * 3])
    latest = _read_latest([deed.follow_up_id for deed in deeds])
    by_act: defaultdict[UUID, list[FollowUpDeed]] = defaultdict(list)
    for deed in deeds:
        by_act[deed.act].append(deed)
    found = [_describe_act(of_act, latest, now) for of_act in by_act.values()]
    return [one for one in found if one is not None][:MOST_SHOWN]


def find_undoable(act: str, user: User) -> UndoOffer | None:
    """The deed of this person with that id, if nothing has been done about its entry since."""
    wanted = read_act(act)
    if not wanted.int:
        return None
    rows = FollowUpDeed.objects.filter(act=wanted, by=user).select_related("follow_up__contact", "to")
    deeds = list(rows.order_by("pk"))
    if not deeds or any(deed.was.get("is_final") for deed in deeds) or deeds[0].what == What.UNDONE:
        return None
    latest = _read_latest([deed.follow_up_id for deed in deeds])
    if any(latest[deed.follow_up_id] != wanted for deed in deeds):
        return None
    return UndoOffer(wanted, deeds[0].get_what_display(), _join_names(deeds))


def read_act(text: str) -> UUID:
    """The id of an act; one that there isn't for text that is none."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


def _read_latest(follow_ups: list[int]) -> dict[int, UUID]:
    """The last act about each of these follow-ups."""
    rows = FollowUpDeed.objects.filter(follow_up__in=follow_ups).order_by("at", "pk")
    return dict(rows.values_list("follow_up", "act"))


def _describe_act(deeds: list[FollowUpDeed], latest: dict[int, UUID], now: datetime) -> ClosedEntry | None:
    """None for one that was undone."""
    first = deeds[0]
    is_last = all(latest.get(deed.follow_up_id) == deed.act for deed in deeds)
    still = [deed for deed in deeds if deed.follow_up.state == FollowUp.State.RESOLVED]
    if not still:
        return None
    location = location_of(first.follow_up)
    zone = location.zone if location else UTC
    return ClosedEntry(
        act=first.act,
        pk=first.follow_up_id,
        names=_join_names(deeds),
        line=DeedLine(
            write_near(first.at, zone, now), name_person(first.by), first.get_what_display(), first.note
        ),
        can_undo=is_last and not any(deed.was.get("is_final") for deed in deeds),
    )


def _join_names(deeds: list[FollowUpDeed]) -> str:
    contacts = [deed.follow_up.contact for deed in deeds]
    return ", ".join(dict.fromkeys(contact.full_name for contact in contacts if contact))
