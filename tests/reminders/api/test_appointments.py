"""Appointments by the API: the same rules as at the desk (product rules 1 and 2)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pytest_django import DjangoAssertNumQueries

from contacts.appointments import cancel_appointment, record_attendance
from contacts.models import Appointment, AppointmentChange, ClosedDay, Contact, Location, Provider, Way
from reminders.api.refusals import PLACES
from reminders.desk.booking_questions import BookingQuestion
from reminders.models import Reminder
from reminders.rules.states import ReminderState
from tests.people import make_appointment, make_contact, make_location, make_step
from tests.reminders.api.client import ApiClient, make_secret, read_errors, read_problem

pytestmark = pytest.mark.django_db
ZONE = "America/New_York"
ADDRESS = "appointments/dentrix/A-1/"
EVERY_DAY = list(range(7))


@pytest.fixture
def downtown() -> Location:
    return make_location(time_zone=ZONE, open_weekdays=EVERY_DAY)


@pytest.fixture
def sarah() -> Contact:
    return make_contact(source="dentrix", external_id="P-1")


def in_days(days: int, hour: int = 9, minute: int = 0) -> datetime:
    """A wall time in New York, some days from now."""
    day = datetime.now(ZoneInfo(ZONE)) + timedelta(days=days)
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0)


def write_body(start: datetime | None = None, **fields: Any) -> dict[str, Any]:
    start = start or in_days(7)
    return {
        "contact": {"source": "dentrix", "external_id": "P-1"},
        "location": {"name": "Downtown"},
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(minutes=30)).isoformat(),
        **fields,
    }


@pytest.fixture
def put(api: ApiClient, downtown: Location, sarah: Contact) -> Callable[..., Any]:
    return lambda *start, **fields: api.put(ADDRESS, write_body(*start, **fields))


def test_a_put_books_plans_and_names_the_token_in_the_history(put: Callable[..., Any]) -> None:
    make_step()
    answer = put()
    assert answer.status_code == 201, answer.content
    appointment = Appointment.objects.get()
    change = AppointmentChange.objects.get()
    assert (change.what, change.how) == ("booked", Way.API)
    assert change.by
    assert change.by.get_full_name() == "Practice system (API)"
    assert appointment.booked_at
    assert Reminder.objects.get().appointment == appointment
    shown = answer.json()
    assert shown["starts_at"] == in_days(7).isoformat()
    assert shown["time_zone"] == ZONE
    assert shown["contact"] == {"id": appointment.contact_id, "source": "dentrix", "external_id": "P-1"}
    assert shown["location"]["name"] == "Downtown"
    assert shown["provider"] is None


def test_a_time_in_any_offset_is_booked_by_the_locations_clock(put: Callable[..., Any]) -> None:
    body = put(in_days(7).astimezone(UTC)).json()
    assert body["starts_at"] == in_days(7).isoformat()


def test_the_same_put_again_changes_nothing(put: Callable[..., Any]) -> None:
    make_step()
    first = put(kind="cleaning")
    before = list(Appointment.objects.values()), list(Reminder.objects.values())
    again = put(kind="cleaning")
    assert again.status_code == 200
    assert again.headers["ETag"] == first.headers["ETag"]
    assert (list(Appointment.objects.values()), list(Reminder.objects.values())) == before
    assert AppointmentChange.objects.count() == 1


def test_another_time_moves_it_and_replans(put: Callable[..., Any]) -> None:
    make_step()
    put()
    assert put(in_days(8)).status_code == 200
    assert Appointment.objects.get().revision == 2
    assert AppointmentChange.objects.values_list("what", "how").first() == ("moved", Way.API)
    states = Reminder.objects.order_by("revision").values_list("state", flat=True)
    assert list(states) == [ReminderState.WITHDRAWN, ReminderState.PLANNED]


def test_only_what_is_sent_changes_and_a_provider_that_is_left_out_stays(put: Callable[..., Any]) -> None:
    chen = Provider.objects.create(name="Dr. Chen")
    put(provider={"name": "Dr. Chen"}, kind="cleaning")
    assert put(provider=None).status_code == 200
    appointment = Appointment.objects.get()
    assert (appointment.provider, appointment.kind, appointment.revision) == (chen, "cleaning", 1)


@pytest.mark.parametrize("status", ["arrived", "no_show"])
def test_attendance_is_recorded_and_taken_back(put: Callable[..., Any], status: str) -> None:
    past, confirm = in_days(-1), ["time_has_passed"]
    put(past, confirm=confirm)
    assert put(past, status=status).json()["status"] == status
    assert put(past, status="booked").json()["status"] == "booked"
    whats = AppointmentChange.objects.order_by("pk").values_list("what", "how")
    assert list(whats) == [("booked", Way.API), (status, Way.API), ("corrected", Way.API)]


@pytest.mark.parametrize("status", ["arrived", "no_show"])
def test_attendance_of_a_visit_that_is_still_ahead_is_refused(put: Callable[..., Any], status: str) -> None:
    put()
    assert read_problem(put(status=status)) == (409, "conflict")
    assert Appointment.objects.get().status == "booked"


def test_a_visit_that_took_place_is_not_asked_about_its_time(put: Callable[..., Any]) -> None:
    assert put(in_days(-2), status="arrived").status_code == 201


@pytest.mark.parametrize(
    "rest", [{}, {"starts_at": "nonsense"}, {"contact": {"id": 999}}, {"no": "field"}], ids=str
)
def test_a_cancellation_counts_whatever_else_is_wrong(put: Callable[..., Any], rest: dict[str, Any]) -> None:
    make_step()
    put()
    answer = put(status="cancelled", **rest)
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert Reminder.objects.get().state == ReminderState.WITHDRAWN


def test_what_is_new_and_cancelled_is_stored_and_reminds_nobody(put: Callable[..., Any]) -> None:
    make_step()
    assert put(status="cancelled").status_code == 201
    assert not Reminder.objects.filter(state=ReminderState.PLANNED).exists()


def test_what_was_cancelled_here_is_booked_again_only_if_that_is_confirmed(
    put: Callable[..., Any], api: ApiClient
) -> None:
    put()
    pk = cancel_appointment(Appointment.objects.get().pk).pk
    answer = api.patch(f"appointments/{pk}/", {"status": "booked"}, If_Match="*")
    assert read_problem(answer) == (409, "confirmation_needed")
    assert answer.json()["confirm"] == ["book_again"]
    assert put(confirm=["book_again"]).json()["status"] == "booked"


def test_a_cancelled_appointment_is_not_moved_without_being_booked_again(
    put: Callable[..., Any], api: ApiClient
) -> None:
    put()
    pk = cancel_appointment(Appointment.objects.get().pk).pk
    address, change = f"appointments/{pk}/", {"starts_at": in_days(9).isoformat()}
    assert read_problem(api.patch(address, change, If_Match="*")) == (409, "conflict")
    assert api.patch(address, {"kind": "cleaning"}, If_Match="*").json()["status"] == "cancelled"
    again = {**change, "status": "booked", "confirm": ["book_again"]}
    assert api.patch(address, again, If_Match="*").json()["starts_at"] == change["starts_at"]


def test_an_appointment_keeps_its_patient(put: Callable[..., Any]) -> None:
    put()
    other = make_contact("Omar", number="+12025550101")
    answer = put(contact={"id": other.pk})
    assert read_problem(answer) == (409, "conflict")
    assert read_errors(answer) == {"#/contact": "other_contact"}


def ask_past(downtown: Location, sarah: Contact) -> dict[str, Any]:
    return write_body(in_days(-3))


def ask_evening(downtown: Location, sarah: Contact) -> dict[str, Any]:
    return write_body(in_days(7, 20))


def ask_closed(downtown: Location, sarah: Contact) -> dict[str, Any]:
    ClosedDay.objects.create(location=downtown, date=in_days(7).date())
    return write_body()


def ask_weekday(downtown: Location, sarah: Contact) -> dict[str, Any]:
    downtown.open_weekdays = [day for day in EVERY_DAY if day != in_days(7).weekday()]
    downtown.save()
    return write_body()


def ask_patient(downtown: Location, sarah: Contact) -> dict[str, Any]:
    make_appointment(sarah, location=make_location("Uptown"), starts_at=in_days(7, 9, 15))
    return write_body()


def ask_provider(downtown: Location, sarah: Contact) -> dict[str, Any]:
    other = make_contact("Omar", number="+12025550101")
    make_appointment(other, location=make_location("Uptown"), starts_at=in_days(7, 8, 45))
    return write_body(provider={"name": "Dr. S. Chen"})


def test_every_question_has_a_place_in_the_body() -> None:
    assert set(PLACES) == set(BookingQuestion)


@pytest.mark.parametrize(
    ("arrange", "code"),
    [
        (ask_past, "time_has_passed"),
        (ask_evening, "outside_hours"),
        (ask_closed, "location_closed"),
        (ask_weekday, "location_closed"),
        (ask_patient, "patient_busy"),
        (ask_provider, "provider_busy"),
    ],
)
def test_what_the_desk_is_asked_about_the_api_is_asked_about(
    api: ApiClient,
    downtown: Location,
    sarah: Contact,
    arrange: Callable[[Location, Contact], dict[str, Any]],
    code: str,
) -> None:
    body = arrange(downtown, sarah)
    count = Appointment.objects.count()
    answer = api.put(ADDRESS, body)
    assert read_problem(answer) == (409, "confirmation_needed")
    assert answer.json()["confirm"] == [code]
    assert list(read_errors(answer).values()) == [code]
    assert Appointment.objects.count() == count
    assert api.put(ADDRESS, {**body, "confirm": [code]}).status_code == 201
    assert api.put(ADDRESS, body).status_code == 200, "what is there already is not asked about again"


def test_visits_one_after_the_other_are_in_nobodys_way(
    api: ApiClient, put: Callable[..., Any], sarah: Contact
) -> None:
    make_appointment(sarah, starts_at=in_days(7, 9, 30), location=Location.objects.get())
    make_appointment(sarah, starts_at=in_days(7, 8, 30), location=Location.objects.get())
    cancelled = make_appointment(sarah, starts_at=in_days(7), location=Location.objects.get())
    cancel_appointment(cancelled.pk)
    assert put(provider={"name": "Dr. S. Chen"}).status_code == 201


FAULTS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"contact": None}, {"#/contact": "null"}),
    ({"contact": {}}, {"#/contact": "required"}),
    ({"contact": {"id": 10**30}}, {"#/contact/id": "max_value"}),
    ({"contact": {"id": "1"}}, {"#/contact/id": "invalid"}),
    ({"contact": {"id": True}}, {"#/contact/id": "invalid"}),
    ({"contact": {"id": 4242}}, {"#/contact": "not_found"}),
    ({"contact": {"source": "dentrix", "external_id": "?"}}, {"#/contact": "not_found"}),
    ({"contact": {"name": "Sarah"}}, {"#/contact/name": "unknown"}),
    ({"location": {"name": "Nowhere"}}, {"#/location": "not_found"}),
    ({"provider": {"name": "Nobody"}}, {"#/provider": "not_found"}),
    ({"starts_at": "2027-03-04T09:00:00"}, {"#/starts_at": "invalid"}),
    ({"starts_at": "2027-03-04 9:00"}, {"#/starts_at": "invalid"}),
    ({"starts_at": "2027-02-30T09:00:00Z"}, {"#/starts_at": "invalid"}),
    ({"starts_at": "0001-01-01T00:00:00+14:00"}, {"#/starts_at": "invalid"}),
    ({"starts_at": "9999-12-31T23:59:00-14:00"}, {"#/starts_at": "invalid"}),
    ({"starts_at": 5}, {"#/starts_at": "invalid"}),
    ({"ends_at": in_days(7).isoformat()}, {"#/ends_at": "wrong_length"}),
    ({"ends_at": in_days(9).isoformat()}, {"#/ends_at": "wrong_length"}),
    ({"status": "maybe"}, {"#/status": "invalid_choice"}),
    ({"status": 5}, {"#/status": "invalid_choice"}),
    ({"status": []}, {"#/status": "invalid_choice"}),
    ({"kind": 5}, {"#/kind": "invalid"}),
    ({"kind": "x" * 81}, {"#/kind": "max_length"}),
    ({"kind": "a\tb"}, {"#/kind": "control"}),
    ({"confirm": ["all"]}, {"#/confirm/0": "invalid_choice"}),
    ({"confirm": "book_again"}, {"#/confirm": "not_a_list"}),
    ({"revision": 4}, {"#/revision": "unknown"}),
    ({"a/b~c": 4}, {"#/a~1b~0c": "unknown"}),
]


@pytest.mark.parametrize(("fields", "errors"), FAULTS, ids=[str(fields)[:50] for fields, _ in FAULTS])
def test_each_fault_is_named_with_its_field(
    put: Callable[..., Any], fields: dict[str, Any], errors: dict[str, str]
) -> None:
    answer = put(**fields)
    assert read_problem(answer) == (422, "invalid")
    assert read_errors(answer) == errors
    assert not Appointment.objects.exists()


@pytest.mark.parametrize("placeholder", ["NEW", "0", "NA", "1.23457E+11"])
def test_a_placeholder_is_no_id(api: ApiClient, downtown: Location, sarah: Contact, placeholder: str) -> None:
    """(product rule 42)"""
    answer = api.put(f"appointments/dentrix/{placeholder}/", write_body())
    assert read_problem(answer) == (422, "invalid")
    assert read_errors(answer) == {"external_id": "not_an_id"}
    assert not Appointment.objects.exists()


def test_all_faults_are_named_at_once(api: ApiClient) -> None:
    answer = api.put(ADDRESS, {"kind": 1, "more": 2})
    fields = ("contact", "location", "starts_at", "ends_at")
    assert read_errors(answer) == {
        **{f"#/{name}": "required" for name in fields},
        "#/kind": "invalid",
        "#/more": "unknown",
    }


def test_a_year_too_far_away_and_seconds_are_refused(put: Callable[..., Any]) -> None:
    assert read_errors(put(in_days(740))) == {"#/starts_at": "too_far_away"}
    assert read_errors(put(in_days(-740))) == {"#/starts_at": "too_far_away"}
    assert read_errors(put(in_days(7).replace(second=1))) == {"#/starts_at": "not_a_minute"}


@pytest.mark.parametrize(
    "address",
    [
        f"appointments/{'x' * 61}/1/",
        f"appointments/a/{'x' * 121}/",
        "appointments/a/%00/",
        "appointments/a/%20b/",
    ],
)
def test_ids_in_addresses_have_to_fit(
    api: ApiClient, downtown: Location, sarah: Contact, address: str
) -> None:
    assert read_problem(api.put(address, write_body())) == (422, "invalid")
    assert read_problem(api.get(address)) == (422, "invalid")


def test_ids_of_any_letters_are_taken(api: ApiClient, downtown: Location, sarah: Contact) -> None:
    assert api.put("appointments/pr%C3%A4xis/%23%3F%25ü/", write_body()).status_code == 201
    assert Appointment.objects.get().external_id == "#?%ü"
    assert api.get("appointments/pr%C3%A4xis/%23%3F%25ü/").status_code == 200


def test_a_patch_changes_what_it_names(api: ApiClient, downtown: Location, sarah: Contact) -> None:
    visit = make_appointment(sarah, location=downtown, starts_at=in_days(7))
    address = f"appointments/{visit.pk}/"
    tag = api.get(address).headers["ETag"]
    moved = api.patch(address, {"starts_at": in_days(9).isoformat()}, If_Match=tag)
    assert moved.status_code == 200
    shown = moved.json()
    assert shown["starts_at"] == in_days(9).isoformat()
    assert shown["ends_at"] == (in_days(9) + timedelta(minutes=30)).isoformat(), "its length stays"
    assert shown["provider"]["name"] == "Dr. S. Chen"
    assert moved.headers["ETag"] != tag


def test_a_patch_of_the_place_names_the_time_too(api: ApiClient, downtown: Location, sarah: Contact) -> None:
    visit = make_appointment(sarah, location=downtown, starts_at=in_days(7))
    uptown = make_location("Uptown", open_weekdays=EVERY_DAY)
    answer = api.patch(f"appointments/{visit.pk}/", {"location": {"id": uptown.pk}}, If_Match="*")
    assert read_errors(answer) == {"#/starts_at": "required"}


def test_a_changed_kind_is_planned_by_what_covers_it_now(
    api: ApiClient, downtown: Location, sarah: Contact
) -> None:
    step = make_step()
    step.campaign.kinds = ["cleaning"]
    step.campaign.save()
    visit = make_appointment(sarah, location=downtown, starts_at=in_days(7))
    api.patch(f"appointments/{visit.pk}/", {"kind": "cleaning"}, If_Match="*")
    assert Reminder.objects.get().appointment == visit


def test_a_patch_needs_the_version_that_it_changes(
    api: ApiClient, downtown: Location, sarah: Contact
) -> None:
    visit = make_appointment(sarah, location=downtown, starts_at=in_days(7))
    address, change = f"appointments/{visit.pk}/", {"starts_at": in_days(9).isoformat()}
    assert read_problem(api.patch(address, change)) == (428, "precondition_required")
    tag = api.get(address).headers["ETag"]
    for stale in ('"0"', "nonsense", "", 'W/"0"'):
        assert read_problem(api.patch(address, change, If_Match=stale)) == (412, "stale")
    assert api.patch(address, change, If_Match=f'"0", W/{tag}').status_code == 200, "as after compression"
    assert read_problem(api.patch(address, change, If_Match=tag)) == (412, "stale")


def test_the_conditions_of_a_put_are_optional_and_hold(put: Callable[..., Any], api: ApiClient) -> None:
    assert read_problem(api.put(ADDRESS, write_body(), If_Match="*")) == (412, "stale")
    assert api.put(ADDRESS, write_body(), If_None_Match="*").status_code == 201
    assert read_problem(api.put(ADDRESS, write_body(), If_None_Match="*")) == (412, "stale")
    tag = api.get(ADDRESS).headers["ETag"]
    record_attendance(Appointment.objects.get().pk, "arrived")
    assert read_problem(api.put(ADDRESS, write_body(in_days(9)), If_Match=tag)) == (412, "stale")


def test_what_is_unchanged_is_not_sent_again(put: Callable[..., Any], api: ApiClient) -> None:
    tag = put().headers["ETag"]
    answer = api.get(ADDRESS, If_None_Match=tag)
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag)


def test_cancelling_withdraws_and_twice_changes_nothing(api: ApiClient, downtown: Location) -> None:
    make_step()
    visit = make_appointment(location=downtown, starts_at=in_days(7))
    for _ in range(2):
        answer = api.post(f"appointments/{visit.pk}/cancel/")
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert AppointmentChange.objects.filter(what="cancelled", how=Way.API).count() == 1


def test_a_recorded_visit_is_neither_cancelled_nor_moved(put: Callable[..., Any], api: ApiClient) -> None:
    put(in_days(-1), status="arrived")
    pk = Appointment.objects.get().pk
    assert read_problem(api.post(f"appointments/{pk}/cancel/")) == (409, "conflict")
    assert read_problem(put(status="cancelled")) == (409, "conflict")
    assert read_problem(put(in_days(9), status="arrived")) == (409, "conflict")


def test_appointments_that_are_not_there_are_problems(api: ApiClient) -> None:
    for pk in (1, 2**63, 10**40):
        assert read_problem(api.get(f"appointments/{pk}/")) == (404, "not_found")
        assert read_problem(api.post(f"appointments/{pk}/cancel/")) == (404, "not_found")
        assert read_problem(api.patch(f"appointments/{pk}/", {}, If_Match="*")) == (404, "not_found")


def list_ids(answer: Any) -> list[int]:
    return [row["id"] for row in answer.json()["results"]]


def test_the_list_is_filtered(api: ApiClient, downtown: Location, sarah: Contact) -> None:
    uptown = make_location("Uptown")
    early = make_appointment(sarah, location=downtown, starts_at=in_days(1), source="dentrix")
    late = make_appointment(location=uptown, starts_at=in_days(30), contact=make_contact(number=None))
    cancel_appointment(late.pk)
    since = Appointment.objects.get(pk=late.pk).updated_at.isoformat()
    for query, expected in {
        "": [early.pk, late.pk],
        f"location={uptown.pk}": [late.pk],
        f"contact={sarah.pk}": [early.pk],
        f"provider={early.provider_id}": [early.pk, late.pk],
        "provider=4242": [],
        "status=cancelled": [late.pk],
        "source=dentrix": [early.pk],
        f"starts_before={in_days(2).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}": [early.pk],
        f"starts_from={in_days(2).isoformat()}": [late.pk],
        f"updated_since={since}": [late.pk],
        f"updated_since={since.replace('+', '%2B')}&limit=1": [late.pk],
    }.items():
        assert list_ids(api.get(f"appointments/?{query}")) == expected, query


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("limit=0", {"limit": "min_value"}),
        ("limit=201", {"limit": "max_value"}),
        ("limit=1e3", {"limit": "invalid"}),
        ("limit=1_0", {"limit": "invalid"}),
        ("location=٥", {"location": "invalid"}),
        ("location=" + "9" * 30, {"location": "invalid"}),
        ("location=9999999999999999999", {"location": "max_value"}),
        ("status=maybe", {"status": "invalid_choice"}),
        ("status=booked&status=arrived", {"status": "repeated"}),
        ("page=2", {"page": "unknown"}),
        ("updated_since=yesterday", {"updated_since": "invalid"}),
        ("cursor=x", {"cursor": "unknown_cursor"}),
        ("cursor=YWZ0ZXI6", {"cursor": "unknown_cursor"}),
        ("cursor=YWZ0ZXI6OTk5OTk5OTk5OTk5OTk5OTk5OTk", {"cursor": "unknown_cursor"}),
        ("source=%00", {"source": "control"}),
        ("source=", {"source": "blank"}),
    ],
)
def test_wrong_parameters_are_named(api: ApiClient, query: str, errors: dict[str, str]) -> None:
    answer = api.get(f"appointments/?{query}")
    assert read_problem(answer) == (422, "invalid")
    assert read_errors(answer) == errors


def test_pages_stay_whole_while_rows_are_added_and_removed(api: ApiClient, downtown: Location) -> None:
    visits = [make_appointment(location=downtown, starts_at=in_days(day)) for day in range(1, 6)]
    ids = [visit.pk for visit in visits]
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = api.get(f"appointments/?limit=2{cursor and '&cursor='}{cursor}")
        seen += list_ids(page)
        cursor = page.json()["next_cursor"]
        if len(seen) == 2:
            make_appointment(location=downtown, starts_at=in_days(1, 7))  # would shift pages that are counted
            AppointmentChange.objects.filter(appointment=visits[0]).delete()
            visits[0].delete()
    assert seen[:5] == ids
    assert len(seen) == len(set(seen)) == 6


def test_a_list_takes_few_queries(
    api: ApiClient, downtown: Location, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    api.get("appointments/")
    for day in range(1, 8):
        contact = make_contact(f"P{day}", number=None)
        make_appointment(contact, location=downtown, starts_at=in_days(day))
    with django_assert_num_queries(4):  # the clock, the token, the list, the trail
        assert len(list_ids(api.get("appointments/"))) == 7


def test_a_token_that_reads_sees_no_more_than_it_may(downtown: Location) -> None:
    make_appointment(location=downtown)
    shown = ApiClient(make_secret(["appointments:read"])).get("appointments/").content.decode()
    assert "Lindqvist" not in shown
    assert "+1202" not in shown
