"""An import's pages as far as reminders go: its undo, and what goes out today (product rules 42 and 63)."""

from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from contacts.imports.importing import preview_file
from contacts.imports.practice import ImportOptions
from contacts.models import Appointment, ImportBatch, Location, PhoneNumber, UnusableReason
from contacts.people import mark_number_unusable
from contacts.roles import AUDITOR, FRONT_DESK, MANAGER
from reminders.models import Reminder, SendingSwitch
from reminders.pages.import_calls import MOST_EXPLAINED, count_calls_today, foresee_calls_today
from reminders.planning.planner import plan_all
from reminders.views.imports import LINES_SHOWN
from tests.contacts.imports.example_lists import AISHA, NOAH, import_rows, only_appointment, write_list
from tests.contacts.imports.test_import_pages import upload
from tests.people import make_campaign, make_location, make_step, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def downtown() -> Location:
    return make_location()


@pytest.fixture
def manager(client: Client) -> Client:
    client.force_login(make_user("mona", role=MANAGER))
    return client


def at(hours: float, place: str = "Downtown") -> dict[str, str]:
    """The cells of a visit so many hours from now, by the clock of the location."""
    local = (timezone.now() + timedelta(hours=hours)).astimezone(Location.objects.get(name=place).zone)
    return {"date": f"{local:%m/%d/%Y}", "time": f"{local:%I:%M %p}", "location": place}


def read(client: Client, name: str, batch: ImportBatch | None = None) -> str:
    batch = batch or ImportBatch.objects.latest("pk")
    response = client.get(reverse(name, args=[batch.pk]))
    assert response.status_code == 200
    return " ".join(unescape(response.content.decode()).split())


# --- the undo ---------------------------------------------------------------------------------------


def test_what_a_failed_import_has_written_can_be_undone_by_who_may(client: Client) -> None:
    import_rows(AISHA)
    batch = ImportBatch.objects.get()
    ImportBatch.objects.update(state="failed", applied_at=None, rows_done=1, error="Stopped.")
    batch.parts.create(lines=[2], counts={"added": 1})
    address = reverse("undo_import", args=[batch.pk])
    for name, role, is_offered in (("dora", FRONT_DESK, False), ("mona", MANAGER, True)):
        client.force_login(make_user(name, role=role))
        assert (address in read(client, "import_batch", batch)) is is_offered
    assert "This is taken back" in read(client, "undo_import", batch)
    ImportBatch.objects.update(rows_done=0)
    assert address not in read(client, "import_batch", batch)


def test_a_manager_sees_what_goes_and_what_stays_and_undoes_it(manager: Client) -> None:
    import_rows(AISHA)
    import_rows(
        AISHA | {"time": "11:00 AM", "first": "Aysha", "last": "<b>Okafor"}, NOAH | {"time": "2:00 PM"}
    )
    batch = ImportBatch.objects.latest("pk")
    assert reverse("undo_import", args=[batch.pk]) in read(manager, "import_batch")
    Appointment.objects.filter(external_id="A2").update(answered_at=timezone.now() + timedelta(seconds=1))
    page = read(manager, "undo_import")
    assert "Appointments are moved back" in page
    moved_back = "<del>Tue, Dec 15, 2026, 11:00 am</del> → <ins>Tue, Dec 15, 2026, 9:30 am</ins>"
    assert moved_back in page
    assert "Patients get their former names back" in page
    assert "The patient has answered since." in page
    assert "<b>Okafor" not in manager.get(reverse("undo_import", args=[batch.pk])).content.decode()
    token = page.split('name="token" value="')[1].split('"')[0]
    done = manager.post(reverse("undo_import", args=[batch.pk]), {"token": token}, follow=True)
    report = " ".join(unescape(done.content.decode()).split())
    assert "mona undid this import on" in report
    assert "This stayed as it was" in report
    assert "Noah Brown" in report
    assert reverse("undo_import", args=[batch.pk]) not in report
    assert only_appointment().contact.full_name == "Aisha Okafor"
    assert "This import was undone already." in read(manager, "undo_import")


def test_what_changed_since_the_page_was_shown_is_shown_again(manager: Client) -> None:
    import_rows(AISHA)
    batch = ImportBatch.objects.get()
    answer = manager.post(reverse("undo_import", args=[batch.pk]), {"token": "of-an-older-page"})
    assert answer.status_code == 422
    assert "Look again at what would happen." in answer.content.decode()
    assert Appointment.objects.exists()


@pytest.mark.parametrize("role", ["Front desk", AUDITOR, ""])
def test_nobody_else_undoes_an_import_and_the_desk_is_told_who_can(client: Client, role: str) -> None:
    """(product rule 63)"""
    import_rows(AISHA)
    client.force_login(make_user("somebody", role=role))
    address = reverse("undo_import", args=[ImportBatch.objects.get().pk])
    assert client.get(address).status_code == client.post(address, {"token": "x"}).status_code == 403
    if role:
        page = read(client, "import_batch")
        assert address not in page
        assert "A manager can undo this import" in page


def test_of_a_long_list_a_hundred_lines_are_shown(manager: Client) -> None:
    rows = [
        AISHA | {"id": f"B{one}", "patient": f"Q{one}", "mobile": "", "first": f"Ada{'x' * (one + 1)}"}
        for one in range(LINES_SHOWN + 5)
    ]
    import_rows(*rows)
    page = read(manager, "undo_import")
    assert page.count("Tue, Dec 15, 2026, 9:30 am, Ada") == LINES_SHOWN
    assert "and 5 more" in page


def test_the_pages_make_as_many_queries_for_a_long_list_as_for_a_short_one(manager: Client) -> None:
    make_step()
    import_rows(NOAH)
    counts = []
    for size in (1, 12):
        rows = [
            AISHA
            | at(3)
            | {"id": f"{size}-{one}", "patient": f"{size}-{one}", "first": f"Ada{'x' * (one + 1)}"}
            | {"mobile": f"202-555-01{size + one:02}"}
            for one in range(size)
        ]
        import_rows(*rows)
        plan_all()
        batch = ImportBatch.objects.latest("pk")
        manager.get("/")  # reads the settings, which are kept until one of them changes
        for name in ("import_batch", "undo_import", "import_calls"):
            with CaptureQueriesContext(connection) as queries:
                manager.get(reverse(name, args=[batch.pk]))
            counts.append(len(queries))
    assert counts[:3] == counts[3:]
    assert max(counts) < 60, counts


# --- what goes out today ----------------------------------------------------------------------------


def plan_by_their_noon() -> None:
    """Plan, where patients have the location's time: it is about noon there, whenever this runs."""
    PhoneNumber.objects.update(time_zones=[Location.objects.get().time_zone])
    plan_all()


def test_the_report_says_how_many_calls_go_out_today_once_they_are_planned(manager: Client) -> None:
    """Due in an hour, in three days, and not at all since the number can't be used."""
    make_step()
    import_rows(
        AISHA | at(5),
        NOAH | at(75),
        AISHA | at(6) | {"id": "A3", "patient": "P3", "first": "Omar", "mobile": "202-555-0103"},
        AISHA | at(7) | {"id": "A4", "patient": "P4", "first": "Lena", "mobile": "202-555-0104"},
    )
    assert "hx-get" in read(manager, "import_batch")
    shown = read(manager, "import_calls")
    assert "are being planned" in shown
    assert "hx-trigger" in shown
    plan_by_their_noon()
    unusable = only_appointment("A4").contact.phone
    assert unusable
    mark_number_unusable(unusable.pk, UnusableReason.INVALID_NUMBER, timezone.now())
    shown = read(manager, "import_calls")
    assert "2 calls go out today because of this list." in shown
    assert "hx-trigger" not in shown
    Reminder.objects.filter(appointment__external_id="A1").update(state="done")
    assert "1 call goes out today because of this list." in read(manager, "import_calls")


def test_moved_visits_and_new_numbers_count_too_and_what_the_list_left_alone_does_not() -> None:
    make_step()
    omar = AISHA | at(6) | {"id": "A3", "patient": "P3", "first": "Omar", "mobile": "202-555-0103"}
    import_rows(AISHA | at(100), NOAH | at(5), omar)
    plan_by_their_noon()
    import_rows(AISHA | at(6), NOAH | at(5) | {"mobile": "202-555-0177"}, omar)
    plan_by_their_noon()
    found = count_calls_today(ImportBatch.objects.latest("pk"))
    assert (found.calls, found.texts, found.is_exact) == (2, 0, True)


def test_nothing_is_said_to_go_out_where_sending_is_paused(manager: Client) -> None:
    make_step()
    import_rows(AISHA | at(5))
    plan_by_their_noon()
    SendingSwitch.objects.update_or_create(pk=1, defaults={"paused_at": timezone.now()})
    assert "nothing goes out until it is resumed" in read(manager, "import_calls")


def test_of_very_many_the_most_that_can_be_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    make_step()
    import_rows(AISHA | at(5), NOAH | at(6))
    plan_by_their_noon()
    monkeypatch.setattr("reminders.pages.import_calls.MOST_EXPLAINED", 1)
    found = count_calls_today(ImportBatch.objects.latest("pk"))
    assert (found.total, found.is_exact, MOST_EXPLAINED > 1) == (2, False, True)


def preview(*rows: dict[str, str], zone: str = "") -> int:
    options = ImportOptions(
        time_zone=zone,
        spoken_names={"Uptown": "Uptown Clinic"} if zone else {},
        callback_numbers={"Uptown": "+12025550199"} if zone else {},
    )
    report = preview_file(write_list(*rows), "list.csv", options)
    return foresee_calls_today(report.planned_anew).total


def test_the_preview_says_the_most_that_can_go_out_today_and_writes_nothing() -> None:
    make_step()
    elsewhere = make_location("Elsewhere")
    campaign = make_campaign("Of elsewhere")
    campaign.locations.add(elsewhere)
    make_step(campaign)
    rows = (AISHA | at(5), NOAH | at(75))
    assert preview(*rows) == 1
    assert preview(AISHA | at(5, "Elsewhere")) == 2, "both campaigns mean it"
    assert preview(AISHA | at(5) | {"status": "Cancelled"}) == 0
    zone = elsewhere.time_zone
    assert preview(AISHA | at(5) | {"location": "Uptown"}, zone=zone) == 1
    assert not Appointment.objects.exists()
    assert not Reminder.objects.exists()


def test_the_preview_never_says_less_than_what_then_goes_out() -> None:
    make_step()
    make_step(elapsed=timedelta(hours=2), position=2)
    rows = (AISHA | at(3), NOAH | at(5), AISHA | at(9) | {"id": "A5"})
    foreseen = preview(*rows)
    import_rows(*rows)
    plan_by_their_noon()
    found = count_calls_today(ImportBatch.objects.latest("pk"))
    assert 0 < found.total <= foreseen


def test_the_preview_page_shows_it(manager: Client) -> None:
    make_step()
    page = manager.get(upload(manager, write_list(AISHA | at(5)))).content.decode()
    assert "Up to 1 call or text goes out today because of this list." in page
