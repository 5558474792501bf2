"""What planning has not seen yet is "being planned", never "nobody is called" (product rule 61)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from celery import current_app
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from contacts.appointments import move_appointment
from contacts.imports.importing import import_file
from contacts.imports.practice import ImportOptions
from contacts.models import Appointment
from contacts.people import change_phone
from contacts.worker_hints import PLANNING_TASK, hint_planning
from reminders.deciding.visits import find_upcoming, read_visits
from reminders.models import Campaign, Reminder
from reminders.planning.activation import activate_campaign
from reminders.planning.editing import finish_edit, prepare_edit
from reminders.planning.planned_marks import mark_planned, read_unplanned
from reminders.planning.planner import plan_all, plan_appointments
from reminders.rules.visit_standings import VisitStanding
from tests.contacts.imports.example_lists import AISHA, NOAH, make_downtown, write_list
from tests.people import make_appointment, make_campaign, make_number, make_step, make_user

pytestmark = pytest.mark.django_db

NOBODY = "No active campaign covers this appointment"
BEING_PLANNED = "Its reminders are being planned."


@pytest.fixture
def desk() -> Client:
    client = Client()
    client.force_login(make_user())
    return client


def read_page(desk: Client) -> str:
    return desk.get(f"/appointments/{Appointment.objects.get().pk}/").content.decode()


def read_today(desk: Client) -> str:
    appointment = Appointment.objects.select_related("location").get()
    day = appointment.starts_at.astimezone(appointment.location.zone).date()
    return desk.get(f"/?day={day}").content.decode()


def is_being_planned(desk: Client) -> bool:
    """Whether the appointment's page, Today and the command say so."""
    now = timezone.now()
    [visit] = read_visits(find_upcoming(now), now)
    said = {
        BEING_PLANNED in read_page(desk),
        "being planned" in read_today(desk),
        visit.standing == VisitStanding.BEING_PLANNED,
    }
    assert len(said) == 1
    assert (NOBODY in read_page(desk)) == (not Reminder.objects.exists() and said == {False})
    return said == {True}


def test_an_appointment_is_being_planned_until_planning_has_seen_it_even_if_it_owes_nothing(
    desk: Client,
) -> None:
    make_appointment()
    assert is_being_planned(desk)
    plan_all()
    assert not is_being_planned(desk)


def test_an_appointment_that_an_import_moved_is_being_planned_again(desk: Client) -> None:
    appointment = make_appointment()
    plan_all()
    starts_at = appointment.starts_at + timedelta(hours=1)
    move_appointment(appointment.pk, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=30))
    assert is_being_planned(desk)
    plan_appointments([appointment.pk])
    assert not is_being_planned(desk)


def test_a_number_that_was_changed_makes_its_appointments_planned_again(desk: Client) -> None:
    appointment = make_appointment()
    plan_all()
    change_phone(appointment.contact, make_number("+13125550101"))
    assert is_being_planned(desk)


def activate(campaign: Campaign) -> None:
    activate_campaign(campaign)


def widen(campaign: Campaign) -> None:
    before = prepare_edit(campaign.pk)
    campaign.kinds = []
    campaign.save()
    finish_edit(before)


@pytest.mark.parametrize(("kinds", "change"), [([], activate), (["cleaning"], widen)])
def test_a_campaign_that_is_activated_or_widened_is_planned_before_anybody_says_it_covers_nobody(
    desk: Client, kinds: list[str], change: Callable[[Campaign], None]
) -> None:
    step = make_step(elapsed=timedelta(hours=1))
    campaign = step.campaign
    Campaign.objects.update(kinds=kinds)
    campaign.refresh_from_db()
    if change is activate:
        Campaign.objects.update(state="draft", activated_at=None)
        campaign.refresh_from_db()
    make_appointment(starts_at=timezone.now() + timedelta(days=3))
    plan_all()
    assert not is_being_planned(desk)
    change(campaign)
    assert is_being_planned(desk)
    plan_all()
    assert Reminder.objects.count() == 1
    assert not is_being_planned(desk)


def test_a_campaign_for_others_says_nothing_about_this_appointment(desk: Client) -> None:
    make_appointment()
    plan_all()
    finish_edit(prepare_edit(make_campaign(kinds=["cleaning"]).pk))
    assert not is_being_planned(desk)


def test_what_has_begun_or_is_cancelled_is_not_being_planned(desk: Client) -> None:
    appointment = make_appointment()
    Appointment.objects.update(status="cancelled")
    assert BEING_PLANNED not in read_page(desk)
    Appointment.objects.update(status="booked", starts_at=timezone.now() - timedelta(minutes=1))
    assert BEING_PLANNED not in read_page(desk)
    assert appointment.planned_revision == 0


def test_what_was_moved_while_planning_ran_waits_for_the_next_round() -> None:
    appointment = make_appointment()
    seen = read_unplanned(Appointment.objects.all(), timezone.now())
    starts_at = appointment.starts_at + timedelta(hours=1)
    move_appointment(appointment.pk, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=30))
    mark_planned(seen)
    appointment.refresh_from_db()
    assert (appointment.planned_revision, appointment.revision) == (0, 2)


def test_what_was_edited_while_planning_ran_waits_for_the_next_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    campaign = make_campaign()

    def edit_meanwhile(seen: object) -> None:
        finish_edit(prepare_edit(campaign.pk))

    monkeypatch.setattr("reminders.planning.planner.mark_planned", edit_meanwhile)
    plan_all()
    campaign.refresh_from_db()
    assert campaign.planned_edition < campaign.edition
    monkeypatch.undo()
    plan_all()
    campaign.refresh_from_db()
    assert campaign.planned_edition == campaign.edition


# --- planning starts at once ------------------------------------------------------------------------


@pytest.fixture
def hints(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    sent: list[str] = []

    def record(task: str, *, worth_seconds: float) -> None:
        sent.append(task)

    monkeypatch.setattr("contacts.worker_hints.send_hint", record)
    return sent


def test_the_task_that_is_asked_for_exists() -> None:
    current_app.loader.import_default_modules()
    assert PLANNING_TASK in current_app.tasks


def test_an_import_asks_for_planning_once_and_only_after_it_is_committed(
    hints: list[str], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    make_downtown()
    with django_capture_on_commit_callbacks(execute=True):
        import_file(write_list(AISHA, NOAH), "list.csv", ImportOptions(source="csv"))
        assert hints == []
    assert hints == [PLANNING_TASK]


@pytest.mark.parametrize("change", ["activation", "edit", "new number"])
def test_other_changes_ask_for_planning(
    hints: list[str], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, change: str
) -> None:
    appointment, campaign = make_appointment(), make_campaign()
    with django_capture_on_commit_callbacks(execute=True):
        if change == "activation":
            activate_campaign(campaign)
        elif change == "edit":
            finish_edit(prepare_edit(campaign.pk))
        else:
            change_phone(appointment.contact, make_number("+13125550101"))
    assert hints == [PLANNING_TASK]


def test_two_changes_in_one_transaction_ask_once(
    hints: list[str], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        hint_planning()
        hint_planning()
    assert hints == [PLANNING_TASK]
