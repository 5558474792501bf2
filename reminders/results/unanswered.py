"""Nobody is dropped silently: without an answer, and with nothing more to go out, it is on the worklist.

The rule is in rules/visit_standings.py (product rule 57). account_for() is called in the transaction in which
a reminder ends, an answer comes, or a visit changes; account_for_number() when a call or a person says that a
number can't be reached, or can again, for the other visits on it; account_for_all() is the sweep that mends
what these missed.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet
from django.db.models.functions import Mod, Now
from django.db.models.lookups import Exact

from contacts.database.arrays import is_any, select_ids
from contacts.database.clock import read_database_clock
from contacts.database.saving import take_chunks
from contacts.models import Appointment
from reminders.deciding.visits import MAY_GO_OUT, Visit, find_suspects, find_upcoming, read_visits
from reminders.lifecycle.calls import find_calls_about
from reminders.lifecycle.follow_ups import UNRESOLVED, close_follow_ups, open_follow_up
from reminders.models import FollowUp, Reminder
from reminders.rules.reasons import AnswerReason, Reason
from reminders.rules.states import REMINDER_OPEN, ReminderState
from reminders.rules.visit_standings import VisitStanding

RowT = TypeVar("RowT", bound=Model)
Kind, Resolution = FollowUp.Kind, FollowUp.Resolution
MOST_AT_ONCE = 500  # visits in one transaction of the sweep
LOOKED_AT = 10_000  # upcoming visits in one round of the sweep, about; the next rounds look at the others
OPEN_LOOKED_AT = 2_000  # open follow-ups, likewise: more than any one practice leaves open
ROUND_SECONDS = 20  # how often beat asks for a round

# Follow-ups that only say that a patient has not been reached: what happens later can make them unnecessary.
UNREACHED = (Kind.COULD_NOT_REACH, Kind.NOTHING_FOLLOWS, Kind.MISSED)
UNTIL_A_NEW_TRY = (Kind.COULD_NOT_REACH, Kind.NOTHING_FOLLOWS)
# A call without a result, a message of Robotalker's and a "no" have to be settled whatever becomes of it.
NOT_ABOUT_VISIT = (Kind.UNKNOWN_OUTCOME, Kind.EVENT_KEPT_BACK, Kind.DOUBTFUL_OPT_OUT)
ABOUT_VISIT = tuple(kind for kind in Kind if kind not in NOT_ABOUT_VISIT)
CLOSED_BY_ANSWER = (*UNREACHED, Kind.UNCLEAR_ANSWER)  # the last only by an answer that came after it
CLOSED_BY_CONFIRMATION = (
    Kind.LATE_ANSWER,
    Kind.MAY_WANT_TO_CANCEL,
    Kind.VISIT_CHANGED,
)  # by one that came after it
CLOSED_BY_MOVE = (*UNREACHED, Kind.WRONG_NUMBER)
# Somebody who wants another time isn't dropped because the old one has passed.
CLOSED_BY_TIME = tuple(kind for kind in ABOUT_VISIT if kind != Kind.WANTS_ANOTHER_TIME)
NEEDS_STANDING = (*UNREACHED, Kind.WRONG_NUMBER)
_OF_CANCELLED = (AnswerReason.CONFIRMED_CANCELLED, AnswerReason.DECLINED_CANCELLED)
_STANDS_BEFORE_ANSWER = Q(created_at__lte=F("appointment__answered_at"))
_SAYS_NO = Q(contact__phone__voice_opted_out_at__isnull=False) | Q(
    contact__phone__sms_opted_out_at__isnull=False
)
HEARD = (Reason.REACHED, Reason.DELIVERED)


def account_for(appointment_ids: Collection[int]) -> None:
    """Close what is unnecessary now for these visits, and open what is needed. Call it under their locks,
    once all changes of their reminders are written.
    """
    concerned = select_ids(_find_concerned, appointment_ids) if appointment_ids else []
    if concerned:
        now = read_database_clock()
        _close_overtaken(FollowUp.objects.filter(appointment__in=concerned), now)
        _open_missing(find_suspects(find_upcoming(now).filter(pk__in=concerned)), now)


def _find_concerned(appointment_ids: Collection[int]) -> "QuerySet[Any, Any]":
    """Those of these visits that have an open follow-up, or may lack one: few, after most events none."""
    open_ones = _open_ones(FollowUp.objects.filter(is_any("appointment", appointment_ids)))
    return open_ones.order_by().values("appointment").union(_find_suspects_among(appointment_ids))


def account_for_number(number_id: int) -> None:
    """The same, at once after the commit, for the visits of everybody with this number. Never raises.

    Not in the transaction: it has locked the number, and visits are locked before numbers.
    """
    transaction.on_commit(partial(_account_for_people_with, number_id), robust=True)


def _account_for_people_with(number_id: int) -> None:
    has_it = Q(contact__phone=number_id) | Q(contact__other_phone=number_id)
    upcoming = find_upcoming(read_database_clock()).filter(has_it).order_by("starts_at", "pk")
    if found := list(upcoming.values_list("pk", flat=True)[:MOST_AT_ONCE]):
        _account_for_free(found)


def account_for_all() -> int:
    """The same for all visits, soonest first; how many follow-ups it opened.

    Of more than LOOKED_AT upcoming visits, or OPEN_LOOKED_AT follow-ups, a round looks at a part, another one
    each time, so that a round ends long before the next begins. A visit that another transaction has locked
    waits for its next turn.
    """
    now = read_database_clock()
    open_ones = _pick_part(_open_ones(FollowUp.objects.all()), "appointment", OPEN_LOOKED_AT, now)
    overtaken = _find_overtaken(open_ones, now).order_by("appointment").values_list("appointment", flat=True)
    upcoming = _pick_part(find_upcoming(now), "pk", LOOKED_AT, now).order_by("starts_at", "pk")
    upcoming_ids = upcoming.values_list("pk", flat=True)
    suspects = (pk for some in take_chunks(upcoming_ids, MOST_AT_ONCE) for pk in _select_suspects(some))
    found = dict.fromkeys(chain(overtaken, suspects))
    return sum(_account_for_free(some) for some in take_chunks(found, MOST_AT_ONCE))


@transaction.atomic
def _select_suspects(appointment_ids: Collection[int]) -> list[int]:
    return select_ids(_find_suspects_among, appointment_ids)


def _find_suspects_among(appointment_ids: Collection[int]) -> "QuerySet[Any, Any]":
    upcoming = find_upcoming(Now()).filter(is_any("pk", appointment_ids))
    return find_suspects(upcoming).order_by().values("pk")


def _pick_part(rows: "QuerySet[RowT]", visit_column: str, most: int, now: datetime) -> "QuerySet[RowT]":
    """Those whose visit's turn it is in the round that begins `now`; all of them, if they are no more than
    `most`.
    """
    parts = -(-rows.count() // most)
    if parts < 2:
        return rows
    turn = int(now.timestamp()) // ROUND_SECONDS % parts
    return rows.filter(Exact(Mod(visit_column, parts), turn))


@transaction.atomic
def _account_for_free(appointment_ids: Collection[int]) -> int:
    rows = Appointment.objects.filter(pk__in=appointment_ids).order_by("pk")
    free = list(rows.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True))
    now = read_database_clock()
    _close_overtaken(FollowUp.objects.filter(appointment__in=free), now)
    return _open_missing(find_suspects(find_upcoming(now).filter(pk__in=free)), now)


def _open_missing(suspects: "QuerySet[Appointment]", now: datetime) -> int:
    opened = 0
    for visit in read_visits(suspects, now):
        if visit.standing == VisitStanding.UNACCOUNTED:
            _put_on_worklist(visit)
            opened += 1
    return opened


def _put_on_worklist(visit: Visit) -> None:
    if visit.facts.answer:  # wants another time, and nobody was told
        last = max(visit.appointment.reminders.all(), key=lambda one: one.pk, default=None)
        if last is not None:
            open_follow_up(Kind.WANTS_ANOTHER_TIME, reminder=last)
        return
    unseen = [(reminder, end) for reminder, end in visit.ends if not end.is_settled(visit.facts.settled_at)]
    reminder, end = max(unseen, key=lambda pair: (pair[1].at, pair[0].pk))
    kind = _choose_kind([end.reason for _, end in unseen], end.reason)
    call = find_calls_about(reminder).order_by("-pk").first()
    open_follow_up(kind, reminder=reminder, call=call, reason=end.reason)


def _choose_kind(reasons: Iterable[str], last: str) -> FollowUp.Kind:
    """Which of the ends is said: `last`, except that somebody who was heard can't be "not reached"."""
    if last in (Reason.NO_NUMBER, Reason.NUMBER_UNUSABLE):
        return Kind.WRONG_NUMBER
    unreached = {Reason.NOT_REACHED, Reason.VOICEMAIL, Reason.REJECTED}
    said = set(reasons)
    return Kind.COULD_NOT_REACH if said & unreached and not said & set(HEARD) else Kind.NOTHING_FOLLOWS


def _find_overtaken(open_ones: "QuerySet[FollowUp]", now: datetime) -> "QuerySet[FollowUp]":
    """Those of them that may have become unnecessary; _find_resolution() decides."""
    answered = Q(appointment__answer_revision=F("appointment__revision"))
    confirmed = answered & Q(appointment__answer=Appointment.Answer.CONFIRMED)
    moved = Q(reminder__isnull=False) & ~Q(reminder__revision=F("appointment__revision"))
    ahead = Q(appointment__starts_at__gt=now)
    coming = Reminder.objects.filter(
        MAY_GO_OUT | Q(state=ReminderState.IN_PROGRESS),
        appointment=OuterRef("appointment"),
        revision=OuterRef("appointment__revision"),
    )
    return open_ones.filter(
        ~Q(appointment__status=Appointment.Status.BOOKED)
        & ~Q(reason__in=_OF_CANCELLED)
        & ~Q(kind=Kind.VISIT_CHANGED, appointment__status=Appointment.Status.CANCELLED)
        | Q(kind__in=CLOSED_BY_TIME) & ~ahead
        | Q(kind__in=UNREACHED) & answered
        | Q(kind=Kind.UNCLEAR_ANSWER) & answered & _STANDS_BEFORE_ANSWER
        | Q(kind__in=CLOSED_BY_CONFIRMATION) & confirmed & _STANDS_BEFORE_ANSWER
        | Q(kind=Kind.WANTS_ANOTHER_TIME) & (confirmed | moved & ~answered)
        | Q(kind__in=CLOSED_BY_MOVE) & moved
        | Q(kind__in=UNREACHED) & ahead & _SAYS_NO
        | Q(kind=Kind.WRONG_NUMBER, contact__phone__isnull=False, contact__phone__unusable_since=None) & ahead
        | Q(kind=Kind.MISSED, reminder__state__in=REMINDER_OPEN)
        | Q(kind__in=UNTIL_A_NEW_TRY) & ahead & Exists(coming)
    )


def _open_ones(follow_ups: "QuerySet[FollowUp]") -> "QuerySet[FollowUp]":
    return follow_ups.filter(UNRESOLVED, kind__in=ABOUT_VISIT)


def _close_overtaken(follow_ups: "QuerySet[FollowUp]", now: datetime) -> None:
    about = ("appointment", "reminder", "contact__phone")
    found = list(_open_ones(follow_ups).select_related(*about).order_by("pk"))
    if not found:
        return
    asked = {one.appointment_id for one in found if one.kind in NEEDS_STANDING and one.appointment_id}
    upcoming = read_visits(find_upcoming(now).filter(pk__in=asked), now) if asked else []
    visits = {visit.appointment.pk: visit for visit in upcoming}
    by_resolution: defaultdict[FollowUp.Resolution, list[int]] = defaultdict(list)
    for one in found:
        if resolution := _find_resolution(one, visits.get(one.appointment_id or 0), now):
            by_resolution[resolution].append(one.pk)
    closing = FollowUp.objects.filter(pk__in=[pk for ids in by_resolution.values() for pk in ids])
    list(closing.order_by("pk").select_for_update().values_list("pk"))  # as desk/worklist.py locks an entry
    for resolution, ids in by_resolution.items():
        close_follow_ups(FollowUp.objects.filter(UNRESOLVED, pk__in=ids), resolution)


def _find_resolution(follow_up: FollowUp, visit: Visit | None, now: datetime) -> FollowUp.Resolution | None:
    """Why it isn't needed any more; None while it is. `visit`: None unless it is booked and ahead."""
    appointment, reminder, kind = follow_up.appointment, follow_up.reminder, follow_up.kind
    if appointment is None:
        return None
    if reminder is not None and reminder.revision != appointment.revision:
        is_moved = kind in CLOSED_BY_MOVE
        if is_moved or (kind == Kind.WANTS_ANOTHER_TIME and not appointment.current_answer):
            return Resolution.MOVED
    if _is_answered(follow_up, appointment):
        return Resolution.ANSWERED
    if appointment.status != Appointment.Status.BOOKED:
        if follow_up.reason in _OF_CANCELLED:  # it is about the very answer to a cancelled visit
            return None
        is_cancelled = appointment.status == Appointment.Status.CANCELLED
        if kind == Kind.VISIT_CHANGED and is_cancelled:  # they must know that it is
            return Resolution.PASSED if appointment.starts_at <= now else None
        return Resolution.CANCELLED if is_cancelled else Resolution.VISIT_RECORDED
    if appointment.starts_at <= now:
        return Resolution.PASSED if kind in CLOSED_BY_TIME else None
    return _find_other_way(follow_up, visit) if visit else None


def _is_answered(follow_up: FollowUp, appointment: Appointment) -> bool:
    """Whether an answer has made it unnecessary."""
    kind = follow_up.kind
    if not appointment.current_answer:
        return False
    if kind == Kind.WANTS_ANOTHER_TIME:
        return appointment.is_confirmed  # of several answers the latest stands
    is_older = appointment.answered_at is None or follow_up.created_at <= appointment.answered_at
    if kind in CLOSED_BY_CONFIRMATION:
        return appointment.is_confirmed and is_older
    # "1", and later "sorry, I can't come"
    return kind in CLOSED_BY_ANSWER and (kind != Kind.UNCLEAR_ANSWER or is_older)


def _find_other_way(follow_up: FollowUp, visit: Visit) -> FollowUp.Resolution | None:
    """Why it isn't needed though the visit is ahead and unanswered: something goes out, or they said no."""
    kind, reminder = follow_up.kind, follow_up.reminder
    if kind == Kind.WRONG_NUMBER:
        number = follow_up.contact.phone if follow_up.contact else None
        return Resolution.NUMBER_USABLE if number and number.unusable_since is None else None
    if kind not in UNREACHED:
        return None
    if kind == Kind.MISSED:  # it stays, unless that reminder itself goes out after all
        if reminder is not None and reminder.state in REMINDER_OPEN:
            return Resolution.NEW_TRY
    elif visit.facts.goes_out:
        return Resolution.NEW_TRY
    if not visit.facts.open_ends and any(end.opted_out for end in visit.facts.ends):
        return Resolution.OPTED_OUT
    others = visit.appointment.follow_ups.all()
    is_said = any(one.kind == Kind.UNCLEAR_ANSWER and one.state != FollowUp.State.RESOLVED for one in others)
    return Resolution.SAID_BETTER if is_said and kind != Kind.MISSED else None
