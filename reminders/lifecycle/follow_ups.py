"""Opening and closing follow-ups on the worklist automatically. Staff resolve them in desk/worklist.py."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Case, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Cast, Concat, Greatest, Least, Now

from contacts.models import Appointment
from reminders.lifecycle.calls import reminders_of
from reminders.models import CallRecord, FollowUp, Reminder
from reminders.rules.states import ReminderState

Kind = FollowUp.Kind
UNRESOLVED = ~Q(state=FollowUp.State.RESOLVED)
# The entry of the worklist that a follow-up belongs to, in SQL: one for each number, whoever of those who
# share it is meant; find_entry_key() and find_same_entry() are the same rule for one.
ENTRY = Case(
    When(
        contact__phone__isnull=False,
        then=Concat(Value("number-"), Cast("contact__phone", TextField())),
    ),
    When(contact__isnull=False, then=Concat(Value("contact-"), Cast("contact", TextField()))),
    default=Concat(Value("follow-up-"), Cast("pk", TextField())),
    output_field=TextField(),
)

PATIENCE = timedelta(hours=4)  # a follow-up is due this long after it is opened,
BEFORE_VISIT = timedelta(hours=1)  # or, if that is earlier, this long before the appointment


def open_follow_up(
    kind: str, *, reminder: Reminder, call: CallRecord | None = None, reason: str = "", detail: str = ""
) -> None:
    """Put a follow-up on the worklist, unless one of that kind is open for the appointment.

    `reason` is a code of reasons.SENTENCES or "", `detail` is what phrase_for() adds to its sentence.
    """
    open_for_visit(kind, reminder.appointment, reminder=reminder, call=call, reason=reason, detail=detail)


def open_for_visit(
    kind: str,
    appointment: Appointment,
    *,
    reminder: Reminder | None = None,
    call: CallRecord | None = None,
    reason: str = "",
    detail: str = "",
) -> None:
    """The same about a visit, whether or not one of its reminders is the cause."""
    follow_up = FollowUp(
        kind=kind,
        contact_id=appointment.contact_id,
        appointment=appointment,
        reminder=reminder,
        call=call,
        reason=reason,
        detail=detail[:300],
        due_at=due_by_database_clock(appointment.starts_at),
    )
    FollowUp.objects.bulk_create([follow_up], ignore_conflicts=True)


def find_entry_key(follow_up: FollowUp) -> str:
    """The entry of the worklist that it belongs to, as ENTRY names it; `contact` must be loaded."""
    contact = follow_up.contact
    if contact is None:
        return f"follow-up-{follow_up.pk}"
    return f"number-{contact.phone_id}" if contact.phone_id else f"contact-{contact.pk}"


def find_same_entry(follow_up: FollowUp) -> QuerySet[FollowUp]:
    """The unresolved follow-ups that the worklist shows as one entry with this one, itself included."""
    unresolved = FollowUp.objects.filter(UNRESOLVED)
    if follow_up.contact is None:
        return unresolved.filter(pk=follow_up.pk)
    if phone_id := follow_up.contact.phone_id:
        return unresolved.filter(contact__phone=phone_id)
    return unresolved.filter(contact=follow_up.contact_id)


def keep_back(call: CallRecord | None, reason: str, detail: str = "") -> None:
    """Put an event that was kept back on the worklist: one open follow-up for each appointment of its call.

    If its call isn't known, there is one for all such events. An open one gets the latest event's reason.
    """
    unresolved = FollowUp.objects.filter(UNRESOLVED, kind=FollowUp.Kind.EVENT_KEPT_BACK)
    latest = {"reason": reason, "detail": detail[:300], "call": call}
    if call is None:
        if not unresolved.filter(appointment=None).update(**latest):
            due_at = Now() + PATIENCE
            unknown = FollowUp(kind=FollowUp.Kind.EVENT_KEPT_BACK, due_at=due_at, **latest)
            FollowUp.objects.bulk_create([unknown], ignore_conflicts=True)
        return
    for reminder in reminders_of(call):
        if not unresolved.filter(appointment=reminder.appointment_id).update(**latest):
            open_follow_up(
                FollowUp.Kind.EVENT_KEPT_BACK, reminder=reminder, call=call, reason=reason, detail=detail
            )


def find_due_time(starts_at: datetime, now: datetime) -> datetime:
    """When a follow-up is due: within four hours and an hour before the appointment, but not before now."""
    return max(now, min(now + PATIENCE, starts_at - BEFORE_VISIT))


def due_by_database_clock(starts_at: datetime) -> Greatest:
    """find_due_time() in SQL, by the database's clock when the row is written. A test compares both."""
    return Greatest(Now(), Least(Now() + PATIENCE, Value(starts_at - BEFORE_VISIT)))


def resolve_missed(reminder: Reminder, *, by: User, at: datetime) -> None:
    """A locked reminder was put back: resolve the follow-up that says it was missed.

    It stays open for another reminder of the appointment that was missed too.
    """
    open_ones = FollowUp.objects.filter(
        UNRESOLVED, appointment=reminder.appointment_id, kind=FollowUp.Kind.MISSED
    )
    others = reminder.appointment.reminders.filter(
        state=ReminderState.MISSED, revision=reminder.revision
    ).exclude(pk=reminder.pk)
    if other := others.order_by("due_at").first():
        open_ones.update(reminder=other)
        return
    close_follow_ups(open_ones, FollowUp.Resolution.PUT_BACK, by=by, at=at)


def resolve_automatically(call: CallRecord, kinds: Sequence[str]) -> None:
    """Resolve the call's open follow-ups of these kinds, because a later event has made them pointless."""
    open_ones = FollowUp.objects.filter(UNRESOLVED, call=call, kind__in=kinds)
    close_follow_ups(open_ones, FollowUp.Resolution.OVERTAKEN)


def close_follow_ups(
    open_ones: QuerySet[FollowUp], resolution: str, *, by: User | None = None, at: datetime | None = None
) -> int:
    """Resolve them without a note (`resolution`: a FollowUp.Resolution), now unless `at`; how many."""
    return open_ones.update(
        state=FollowUp.State.RESOLVED, resolved_by=by, resolved_at=at or Now(), resolution=resolution
    )


def close_untaken(appointment: Appointment, kind: str, resolution: str) -> int:
    """The same with those of that kind about a visit, unless somebody has taken them."""
    untaken = FollowUp.objects.filter(UNRESOLVED, appointment=appointment, kind=kind, taken_by=None)
    return close_follow_ups(untaken, resolution)
