"""A last look reads no column that with_people() leaves out: each would cost a query for each reminder."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Model
from django.utils import timezone

from contacts.models import Appointment, PhoneNumber
from contacts.models.people import Channel
from reminders.deciding.situations import UNUSED_COLUMNS, read_practice_config, with_people
from reminders.desk.orders import order_call
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import hold_while_paused, open_calls
from reminders.dispatch.submission import open_singles
from reminders.models import CallBatch, CallRecord, Campaign, Reminder
from tests.people import (
    FIXED_OFFSETS,
    make_contact,
    make_due_reminder,
    make_location,
    make_number,
    make_script,
    make_step,
    make_user,
)

pytestmark = pytest.mark.django_db

NOAH = "+12025550142"


@contextmanager
def watch_columns() -> Iterator[list[str]]:
    """The deferred columns that are read, each by a query of its own, such as "Contact.search"."""
    read: list[str] = []
    load = Model.refresh_from_db

    def note(row: Model, using: str | None = None, fields: Iterable[str] | None = None, **more: Any) -> None:
        read.extend(f"{type(row).__name__}.{name}" for name in fields or ["*"])
        load(row, using=using, fields=fields, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Model, "refresh_from_db", note)
        yield read


def call() -> None:
    make_due_reminder()


def household() -> None:
    """Two children of one number, who share one call."""
    for hours, name in ((3, "Anna"), (3.5, "Ben")):
        make_due_reminder(make_contact(name), starts_at=timezone.now() + timedelta(hours=hours))


def text() -> None:
    make_step(channel="sms", script=make_script("{FIRST_NAME}, {APPT_DATE}. STOP=opt out.", name="Text"))
    make_due_reminder()


def household_text() -> None:
    make_step(channel="sms", script=make_script("{FIRST_NAME}, {APPT_DATE}. STOP=opt out.", name="Text"))
    household()


def fallback_text() -> None:
    make_step(fallback_script=make_script("{FIRST_NAME}, {APPT_DATE}. STOP=opt out.", name="Text"))
    make_due_reminder()
    Reminder.objects.update(channel=Channel.SMS)


def order() -> None:
    order_call(make_due_reminder().pk, by=make_user())


def another_language() -> None:
    make_script("Hola {FIRST_NAME}, {APPT_DATE} {APPT_TIME} {PROVIDER}.", language="es")
    make_due_reminder(make_contact(language="es"))


def wait_for_hours() -> None:
    """In a time zone where it is six in the morning, before calling hours."""
    offset = (6 - timezone.now().hour + 12) % 24 - 12
    make_due_reminder(make_contact(time_zone=FIXED_OFFSETS[offset]))


def wait_for_line() -> None:
    """A number that is being called already, for another step."""
    first = make_due_reminder()
    claim = claim_due(1)
    open_calls(claim.reminder_ids, claim.token)
    assert Reminder.objects.get(pk=first.pk).state == "in_progress"
    make_due_reminder(make_contact("Ben"), starts_at=timezone.now() + timedelta(hours=3.8))


def wait_for_desk() -> None:
    """Two reminders at a location that may call once a minute."""
    location = make_location(calls_per_minute=1)
    make_due_reminder(location=location)
    make_due_reminder(make_contact("Noah", number=NOAH), location=location)


def hold_by_cap() -> None:
    """A number that may have been reached today already, about an appointment at another location."""
    make_due_reminder()
    claim = claim_due(1)
    open_calls(claim.reminder_ids, claim.token)
    CallRecord.objects.update(state="overdue", submitting_at=timezone.now() - timedelta(minutes=10))
    make_due_reminder(make_contact("Ben"), location=make_location("Hill"))


def block() -> None:
    make_due_reminder()
    make_script("Hello {NICKNAME}")


def block_without_number() -> None:
    make_due_reminder(make_contact(number=None))


def block_unusable() -> None:
    make_due_reminder()
    PhoneNumber.objects.update(unusable_since=timezone.now(), unusable_reason="rejected")


def block_paused_campaign() -> None:
    make_due_reminder()
    Campaign.objects.update(state="paused")


def skip_opted_out() -> None:
    make_due_reminder()
    PhoneNumber.objects.update(voice_opted_out_at=timezone.now())


def skip_confirmed() -> None:
    make_due_reminder()
    Appointment.objects.update(answer="confirmed", answer_revision=1)


def skip_cancelled() -> None:
    make_due_reminder()
    Appointment.objects.update(status="cancelled")


def skip_not_covered() -> None:
    make_due_reminder()
    Campaign.objects.update(kinds=["surgery"])


def miss() -> None:
    make_due_reminder()
    Reminder.objects.update(not_after=timezone.now(), next_look_at=timezone.now() - timedelta(minutes=1))


# each case, and the states and reasons that the last look must lead to, as proof that the case occurred
CASES: list[tuple[Callable[[], None], set[tuple[str, str]]]] = [
    (call, {("in_progress", "")}),
    (household, {("in_progress", "")}),
    (text, {("in_progress", "")}),
    (household_text, {("in_progress", "")}),
    (fallback_text, {("in_progress", "")}),
    (order, {("in_progress", "")}),
    (another_language, {("in_progress", "")}),
    (wait_for_hours, {("planned", "outside_calling_hours")}),
    (wait_for_line, {("in_progress", ""), ("planned", "line_busy")}),
    (wait_for_desk, {("in_progress", ""), ("planned", "desk_pace")}),
    (hold_by_cap, {("in_progress", ""), ("planned", "held_by_cap")}),
    (block, {("planned", "no_script")}),
    (block_without_number, {("planned", "no_number")}),
    (block_unusable, {("planned", "number_unusable")}),
    (block_paused_campaign, {("planned", "campaign_paused")}),
    (skip_opted_out, {("skipped", "opted_out")}),
    (skip_confirmed, {("skipped", "confirmed")}),
    (skip_cancelled, {("skipped", "cancelled")}),
    (skip_not_covered, {("skipped", "not_covered")}),
    (miss, {("missed", "too_late")}),
]


def read_results() -> set[tuple[str, str]]:
    return set(Reminder.objects.values_list("state", "reason"))


@pytest.mark.parametrize(("prepare", "results"), CASES, ids=lambda case: getattr(case, "__name__", ""))
def test_a_last_look_reads_no_unused_column(
    prepare: Callable[[], None], results: set[tuple[str, str]]
) -> None:
    prepare()
    claim = claim_due(10)
    with watch_columns() as read:
        open_singles(claim.reminder_ids, claim.token, read_practice_config())
    assert read_results() == results
    assert read == []


def test_a_last_look_for_a_campaign_reads_no_unused_column() -> None:
    make_due_reminder()
    make_due_reminder(make_contact("Noah", number=NOAH))
    claim = claim_due(10)
    with watch_columns() as read:
        assert len(open_calls(claim.reminder_ids, claim.token, CallBatch.objects.create())) == 2
    assert read == []


def test_a_last_look_while_sending_is_paused_reads_no_unused_column() -> None:
    make_due_reminder()
    claim = claim_due(10)
    with watch_columns() as read:
        hold_while_paused(claim.reminder_ids, claim.token, read_practice_config())
    assert read_results() == {("planned", "sending_paused")}
    assert read == []


@pytest.mark.parametrize("column", UNUSED_COLUMNS)
def test_reading_an_unused_column_is_noticed(column: str) -> None:
    make_due_reminder(make_contact(other_phone=make_number(NOAH)))
    *way, name = column.split("__")
    with watch_columns() as read:
        row: Any = with_people(Reminder.objects.all()).get()
        for step in way:
            row = getattr(row, step)
        assert read == []
        getattr(row, name)
    assert read == [f"{type(row).__name__}.{row._meta.get_field(name).attname}"]
