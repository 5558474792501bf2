"""Filters by patient and language (product rules 29 and 30).

They reach back for nobody, and what waits is looked at again.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from contacts.appointments import set_times
from contacts.models import Appointment, Contact
from reminders.deciding.explanations import explain_reminder
from reminders.deciding.situations import with_situation
from reminders.desk.bookings import cancel_and_withdraw, move_and_replan, record_visit, reinstate_and_plan
from reminders.models import Campaign, Reminder, Step
from reminders.planning.editing import finish_edit, prepare_edit
from reminders.planning.planner import plan_all, plan_appointments
from reminders.sweeps.early_looks import find_early_looks
from tests.admin_forms import save_in_admin
from tests.campaign_edits import edit_campaign
from tests.people import make_appointment, make_campaign, make_contact, make_step, make_user

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def book(contact: Contact, *, in_days: float, booked: float = 21) -> Appointment:
    """An appointment so many days ahead, booked so many days ago."""
    appointment = make_appointment(contact, starts_at=timezone.now() + in_days * DAY)
    ago = timezone.now() - booked * DAY
    Appointment.objects.filter(pk=appointment.pk).update(revised_at=ago, booked_at=ago)
    appointment.changes.update(at=ago)
    appointment.refresh_from_db()
    return appointment


def read(appointment: Appointment) -> list[tuple[str, str]]:
    return list(appointment.reminders.order_by("revision", "step__position").values_list("state", "reason"))


def standing(appointment: Appointment) -> str:
    [reminder] = with_situation(Reminder.objects.filter(appointment=appointment))
    return explain_reminder(reminder, timezone.now()).reason


def edit(campaign: Campaign, **filters: object) -> None:
    before = prepare_edit(campaign.pk)
    Campaign.objects.filter(pk=campaign.pk).update(**filters)
    finish_edit(before)


NARROW: list[dict[str, Any]] = [{"patients": "known"}, {"languages": ["es"]}]


@pytest.mark.parametrize("narrow", NARROW)
@pytest.mark.parametrize("if_late", Step.IfLate)
def test_widened_filters_skip_what_was_due_before(narrow: dict[str, Any], if_late: str) -> None:
    """Product rule 29."""
    campaign = make_campaign(**narrow)
    make_step(campaign, elapsed=7 * DAY, if_late=if_late)
    make_step(campaign, elapsed=DAY, if_late=if_late)
    appointment = book(make_contact(), in_days=3)
    plan_all()
    assert read(appointment) == []
    edit(campaign, patients="", languages=[])
    plan_all()
    assert read(appointment) == [("skipped", "before_filters"), ("planned", "")]


@pytest.mark.parametrize("narrow", [{"patients": "new"}, {"languages": ["en"]}])
def test_narrowed_filters_skip_what_they_no_longer_cover(narrow: dict[str, Any]) -> None:
    campaign = make_campaign()
    make_step(campaign, elapsed=DAY)
    sarah = make_contact(language="es")
    book(sarah, in_days=-30)
    appointment = book(sarah, in_days=3)
    plan_all()
    edit(campaign, **narrow)
    assert standing(appointment) == "not_covered"
    edit(campaign, patients="", languages=[])
    assert standing(appointment) == "not_due_yet"


def test_an_edit_of_another_field_leaves_the_filters_as_old_as_they_were() -> None:
    campaign = make_campaign(patients="new", languages=["es"])
    edit(campaign, name="Renamed")
    assert Campaign.objects.get().filters_since is None
    edit(campaign, languages=["es", "en"])
    assert Campaign.objects.get().filters_since is not None


def speak_spanish(contact: Contact) -> None:
    contact.language, contact.language_at = "es", timezone.now()
    contact.save()


def book_before(contact: Contact) -> None:
    make_appointment(contact, starts_at=timezone.now() + DAY)


COMES_TO_BE_COVERED: list[tuple[dict[str, Any], Callable[[Contact], None]]] = [
    ({"languages": ["es"]}, speak_spanish),
    ({"patients": "known"}, book_before),
]


@pytest.mark.parametrize(("filters", "change"), COMES_TO_BE_COVERED)
def test_who_comes_to_be_covered_gets_nothing_that_was_due_before(
    filters: dict[str, Any], change: Callable[[Contact], None]
) -> None:
    """Product rule 29: the campaign has meant them since their language, or their earlier visits, changed."""
    campaign = make_campaign(**filters)
    make_step(campaign, elapsed=7 * DAY)
    make_step(campaign, elapsed=DAY)
    sarah = make_contact()
    appointment = book(sarah, in_days=3)
    plan_all()
    change(sarah)
    plan_all()
    assert read(appointment) == [("skipped", "before_filters"), ("planned", "")]


def test_a_late_booking_is_sent_though_another_visit_was_booked_long_before() -> None:
    make_step(make_campaign(patients="known"), elapsed=7 * DAY)
    sarah = make_contact()
    book(sarah, in_days=1, booked=30)
    appointment = make_appointment(sarah, starts_at=timezone.now() + 3 * DAY)
    plan_all()
    assert read(appointment) == [("planned", "")]


def test_visits_of_other_patients_and_later_ones_change_nothing() -> None:
    make_step(make_campaign(patients="new"), elapsed=7 * DAY)
    ben, sarah = make_contact("Ben"), make_contact()
    appointment = book(sarah, in_days=3, booked=2)
    make_appointment(ben, starts_at=timezone.now() + DAY)
    make_appointment(sarah, starts_at=timezone.now() + 9 * DAY)
    plan_all()
    assert read(appointment) == [("planned", "")]


@pytest.fixture
def visits() -> tuple[Appointment, Appointment]:
    """A first visit tomorrow and one in five days, for a campaign for new patients."""
    make_step(make_campaign(patients="new"), elapsed=2 * DAY)
    sarah = make_contact()
    first, second = book(sarah, in_days=1), book(sarah, in_days=5)
    plan_all()
    return first, second


def test_cancelling_the_first_visit_makes_the_next_one_the_first_at_once(
    visits: tuple[Appointment, Appointment],
) -> None:
    """Product rule 30: without waiting for the next round of planning."""
    first, second = visits
    assert read(second) == []
    cancel_and_withdraw(first.pk)
    assert read(second) == [("planned", "")]
    assert standing(second) == "not_due_yet"
    reinstate_and_plan(first.pk)
    assert standing(second) == "not_covered"


def test_a_first_visit_that_is_missed_or_moved_makes_the_next_one_the_first(
    visits: tuple[Appointment, Appointment],
) -> None:
    first, second = visits
    an_hour_ago = timezone.now() - timedelta(hours=1)
    set_times(first, an_hour_ago, an_hour_ago + timedelta(minutes=30)).save()
    record_visit(first.pk, "no_show", by=make_user())
    assert read(second) == [("planned", "")]
    record_visit(first.pk, "arrived", by=User.objects.get())
    assert standing(second) == "not_covered"
    record_visit(first.pk, "booked", by=User.objects.get())
    later = second.starts_at + DAY
    move_and_replan(first.pk, starts_at=later, ends_at=later + timedelta(minutes=30))
    assert standing(second) == "not_due_yet"


def test_no_other_visit_is_planned_where_no_campaign_asks_who_is_new(
    visits: tuple[Appointment, Appointment],
) -> None:
    first, second = visits
    Campaign.objects.update(patients="")
    cancel_and_withdraw(first.pk)
    assert read(second) == [], "that is for the next round"


def test_another_language_is_looked_at_at_once(office: Client) -> None:
    """Product rule 30."""
    make_step(make_campaign(languages=["es", "fr"]), elapsed=2 * DAY)
    sarah = make_contact(language="es")
    appointment = book(sarah, in_days=5)
    plan_all()
    office.force_login(User.objects.get(username="sam"))
    save_in_admin(office, sarah, language="en")
    assert standing(appointment) == "not_covered"
    sarah.refresh_from_db()
    assert sarah.language_at is not None
    Reminder.objects.all().delete()
    save_in_admin(office, sarah, language="fr")
    assert standing(appointment) == "not_due_yet", "planned with the edit"


def test_the_page_of_a_contact_dates_a_new_language_and_nothing_else(office: Client) -> None:
    sarah = make_contact()
    office.force_login(User.objects.get(username="sam"))
    form = {"first_name": "Sara", "last_name": "Lindqvist", "number": "(202) 555-0100", "other_number": ""}
    form |= {"language": "en", "preferred_channel": "voice", "time_zone": ""}
    office.post(f"/contacts/{sarah.pk}/edit/", form)
    sarah.refresh_from_db()
    assert (sarah.first_name, sarah.language_at) == ("Sara", None)
    office.post(f"/contacts/{sarah.pk}/edit/", form | {"language": "es"})
    sarah.refresh_from_db()
    assert sarah.language_at is not None


def test_an_edit_of_either_filter_is_dated_and_another_name_is_not(sam: User) -> None:
    campaign = make_campaign(languages=["es"])
    make_step(campaign)
    edit_campaign(campaign, sam, name="Renamed")
    campaign.refresh_from_db()
    assert (campaign.languages, campaign.filters_since) == (["es"], None)
    edit_campaign(campaign, sam, patients="new", languages=["en", "es"])
    campaign.refresh_from_db()
    assert (campaign.patients, campaign.languages) == ("new", ["en", "es"])
    assert isinstance(campaign.filters_since, datetime)


def test_a_sweep_finds_what_may_go_earlier_with_these_filters() -> None:
    make_step(make_campaign(patients="new", languages=["en"]), elapsed=2 * DAY)
    appointment = book(make_contact(), in_days=5)
    plan_appointments([appointment.pk])
    Reminder.objects.update(due_at=timezone.now(), next_look_at=timezone.now() + timedelta(hours=2))
    find_early_looks()
    assert Reminder.objects.get().next_look_at <= timezone.now()
