"""A list and the API of one source know what the other said last (product rule 45).

What staff corrected since stays as long as the source says what it said before, by whichever door.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from contacts.appointments import cancel_appointment, move_appointment, reinstate_appointment
from contacts.models import Appointment, Contact, Location, Provider
from reminders.desk.reported_values import ReportedBooking, leave_out
from tests.contacts.imports.example_lists import AISHA, import_rows
from tests.people import make_appointment, make_contact, make_location, make_number
from tests.reminders.api.client import ApiClient, read_problem
from tests.reminders.desk.test_merging import import_double, merge

pytestmark = pytest.mark.django_db
ZONE = "America/New_York"
ADDRESS = "appointments/dentrix/A-1/"
SAID_AGAIN = "Staff changed"


@pytest.fixture
def downtown() -> Location:
    return make_location(time_zone=ZONE, open_weekdays=list(range(7)))


@pytest.fixture
def sarah() -> Contact:
    return make_contact(source="dentrix", external_id="P-1")


def in_days(days: int, hour: int = 9) -> datetime:
    day = datetime.now(ZoneInfo(ZONE)) + timedelta(days=days)
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)


@pytest.fixture
def put(api: ApiClient, downtown: Location, sarah: Contact) -> Callable[..., Any]:
    def send(start: datetime | None = None, *, minutes: int = 30, **fields: Any) -> Any:
        start = start or in_days(7)
        headers = {"If_Match": fields.pop("if_match")} if "if_match" in fields else {}
        body = {
            "contact": {"source": "dentrix", "external_id": "P-1"},
            "location": {"name": "Downtown"},
            "starts_at": start.isoformat(),
            "ends_at": (start + timedelta(minutes=minutes)).isoformat(),
            **fields,
        }
        return api.put(ADDRESS, body, **headers)

    return send


def move(to: datetime, minutes: int = 30, provider: Provider | None = None) -> None:
    """As staff do."""
    pk = Appointment.objects.get().pk
    move_appointment(pk, starts_at=to, ends_at=to + timedelta(minutes=minutes), provider=provider)


def import_visit(start: datetime, **cells: str) -> None:
    row = AISHA | {
        "id": "A-1",
        "patient": "P-1",
        "last": "Lindqvist",
        "first": "Sarah",
        "mobile": "(202) 555-0100",
        "provider": "",
        "kind": "",
        "status": "Scheduled",
        "date": f"{start:%m/%d/%Y}",
        "time": f"{start:%I:%M %p}",
        **cells,
    }
    report = import_rows(row, source="dentrix")
    assert report.counts["rejected"] == 0


def read_kept(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    assert all(each["note"].startswith(SAID_AGAIN) for each in answer.json()["kept"])
    return [each["field"] for each in answer.json()["kept"]]


def start_of_visit() -> str:
    return Appointment.objects.get().wall_start.isoformat()


class TestVisits:
    def test_a_list_that_says_what_the_api_said_undoes_no_move_of_staff(
        self, put: Callable[..., Any]
    ) -> None:
        assert put().json()["kept"] == []
        move(in_days(8))
        import_visit(in_days(7))
        assert start_of_visit() == in_days(8).isoformat()

    def test_a_list_that_says_something_new_after_the_api_moves_it(self, put: Callable[..., Any]) -> None:
        put()
        import_visit(in_days(9))
        assert start_of_visit() == in_days(9).isoformat()

    def test_the_api_that_says_what_a_list_said_undoes_no_move_of_staff(
        self, put: Callable[..., Any]
    ) -> None:
        put(in_days(5))
        import_visit(in_days(7))
        move(in_days(8))
        answer = put(in_days(7))
        assert read_kept(answer) == ["starts_at"]
        assert answer.json()["starts_at"] == in_days(8).isoformat()

    def test_the_same_put_again_keeps_each_value_that_staff_corrected(self, put: Callable[..., Any]) -> None:
        chen, ruiz = (Provider.objects.create(name=name) for name in ("Dr. Chen", "Dr. Ruiz"))
        said = {"provider": {"name": "Dr. Chen"}, "kind": "cleaning", "status": "booked"}
        put(**said)
        move(in_days(8), 45, ruiz)
        Appointment.objects.update(kind="check")
        answer = put(**said)
        assert read_kept(answer) == ["starts_at", "ends_at", "provider", "kind"]
        visit = Appointment.objects.get()
        assert (visit.provider, visit.kind, visit.ends_at - visit.starts_at) == (
            ruiz,
            "check",
            timedelta(minutes=45),
        )
        assert chen.appointments.count() == 0

    def test_what_is_new_counts_and_what_is_said_again_does_not(self, put: Callable[..., Any]) -> None:
        put()
        move(in_days(8), 45)
        answer = put(in_days(10))
        assert read_kept(answer) == ["ends_at"]
        assert answer.json()["starts_at"] == in_days(10).isoformat()
        assert answer.json()["ends_at"] == (in_days(10) + timedelta(minutes=45)).isoformat()

    def test_a_new_length_counts_from_the_time_that_stays(self, put: Callable[..., Any]) -> None:
        put()
        move(in_days(8))
        answer = put(minutes=60)
        assert read_kept(answer) == ["starts_at"]
        assert answer.json()["ends_at"] == (in_days(8) + timedelta(minutes=60)).isoformat()

    def test_who_names_the_version_has_seen_what_staff_changed_and_overwrites_it(
        self, put: Callable[..., Any], api: ApiClient
    ) -> None:
        put()
        move(in_days(8))
        assert read_kept(put(if_match="*")) == ["starts_at"]
        answer = put(if_match=api.get(ADDRESS).headers["ETag"])
        assert read_kept(answer) == []
        assert answer.json()["starts_at"] == in_days(7).isoformat()

    def test_a_patch_is_a_wish_of_its_own_and_is_remembered(
        self, put: Callable[..., Any], api: ApiClient
    ) -> None:
        put()
        move(in_days(8))
        address = f"appointments/{Appointment.objects.get().pk}/"
        changed = api.patch(address, {"starts_at": in_days(7).isoformat()}, If_Match="*")
        assert changed.json()["starts_at"] == in_days(7).isoformat()
        api.patch(address, {"starts_at": in_days(9).isoformat()}, If_Match="*")
        move(in_days(10))
        import_visit(in_days(9))
        assert start_of_visit() == in_days(10).isoformat(), "the list says what the patch said"

    def test_the_answer_to_a_put_has_the_etag_of_the_appointment(
        self, put: Callable[..., Any], api: ApiClient
    ) -> None:
        put()
        move(in_days(8))
        answer = put()
        assert answer.headers["ETag"] == api.get(ADDRESS).headers["ETag"]

    def test_what_is_remembered_makes_no_new_version(self, put: Callable[..., Any]) -> None:
        put()
        before = Appointment.objects.get().updated_at
        put(minutes=30, kind="")
        assert Appointment.objects.get().updated_at == before


class TestCancelling:
    def test_a_visit_that_staff_cancelled_stays_cancelled_while_it_is_said_as_before(
        self, put: Callable[..., Any]
    ) -> None:
        put()
        cancel_appointment(Appointment.objects.get().pk)
        answer = put()
        assert (read_kept(answer), answer.json()["status"]) == (["status"], "cancelled")
        import_visit(in_days(7))
        assert Appointment.objects.get().status == "cancelled"

    @pytest.mark.parametrize("how", ["confirmed", "another time"])
    def test_it_is_booked_again_if_that_is_meant(self, put: Callable[..., Any], how: str) -> None:
        put()
        cancel_appointment(Appointment.objects.get().pk)
        start = in_days(7) if how == "confirmed" else in_days(9)
        if how == "another time":
            assert read_problem(put(start)) == (409, "confirmation_needed")
        assert put(start, confirm=["book_again"]).json()["status"] == "booked"

    def test_a_visit_that_staff_booked_again_stays_booked_until_it_is_cancelled_anew(
        self, put: Callable[..., Any], api: ApiClient
    ) -> None:
        put()
        put(status="cancelled")
        reinstate_appointment(Appointment.objects.get().pk)
        answer = put(status="cancelled")
        assert (read_kept(answer), answer.json()["status"]) == (["status"], "booked")
        assert read_kept(put()) == [], "now it takes place by the system too"
        assert put(status="cancelled").json()["status"] == "cancelled"

    @pytest.mark.parametrize("door", ["put", "patch", "cancel"])
    def test_a_list_after_a_cancellation_by_the_api_takes_it_for_known(
        self, put: Callable[..., Any], api: ApiClient, door: str
    ) -> None:
        put()
        pk = Appointment.objects.get().pk
        if door == "put":
            put(status="cancelled")
        elif door == "patch":
            api.patch(f"appointments/{pk}/", {"status": "cancelled"}, If_Match="*")
        else:
            api.post(f"appointments/{pk}/cancel/")
        reinstate_appointment(pk)
        import_visit(in_days(7), status="Cancelled")
        assert Appointment.objects.get().status == "booked", "the list says nothing new"

    def test_a_cancellation_that_is_asked_for_counts_always(
        self, put: Callable[..., Any], api: ApiClient
    ) -> None:
        put()
        put(status="cancelled")
        pk = reinstate_appointment(Appointment.objects.get().pk).pk
        assert api.post(f"appointments/{pk}/cancel/").json()["status"] == "cancelled"

    def test_attendance_that_staff_recorded_stays(self, put: Callable[..., Any]) -> None:
        put(status="booked")
        Appointment.objects.update(status="arrived")
        answer = put(status="booked")
        assert (read_kept(answer), answer.json()["status"]) == (["status"], "arrived")


def test_a_visit_from_before_this_was_remembered_is_judged_by_its_history(
    put: Callable[..., Any],
) -> None:
    put()
    move(in_days(8))
    Appointment.objects.update(file_values={})
    assert read_kept(put()) == ["starts_at"]


def test_a_visit_that_was_booked_here_remembers_nothing(api: ApiClient, downtown: Location) -> None:
    visit = make_appointment(location=downtown)
    api.patch(f"appointments/{visit.pk}/", {"kind": "cleaning"}, If_Match="*")
    visit.refresh_from_db()
    assert (visit.kind, visit.file_values) == ("cleaning", {})


def test_nothing_is_left_of_a_report_of_which_all_stays() -> None:
    visit = make_appointment()
    wanted = ReportedBooking(
        starts_at=visit.wall_start, ends_at=visit.wall_end, kind="x", status="booked", location=visit.location
    )
    every = {"slot", "minutes", "provider", "kind", "status"}
    assert leave_out(wanted, every, visit) == ReportedBooking()


class TestPeople:
    SARAH = {
        "source": "dentrix",
        "external_id": "P-1",
        "first_name": "Sara",
        "last_name": "Lindqvist",
        "language": "en",
        "phone": "+12025550100",
    }

    def correct(self) -> None:
        """As staff do."""
        number = make_number("+12025550142")
        Contact.objects.update(first_name="Sarah", language="es", phone=number)

    def test_a_list_that_says_what_the_api_said_undoes_no_correction(
        self, api: ApiClient, downtown: Location
    ) -> None:
        api.post("contacts/", self.SARAH)
        self.correct()
        import_visit(in_days(7), first="Sara", language="English")
        sarah = Contact.objects.get()
        assert (sarah.first_name, sarah.language) == ("Sarah", "es")
        assert sarah.phone
        assert sarah.phone.e164 == "+12025550142"

    def test_a_patch_of_any_version_keeps_what_staff_corrected_and_says_so(self, api: ApiClient) -> None:
        pk = api.post("contacts/", self.SARAH).json()["id"]
        self.correct()
        answer = api.patch(f"contacts/{pk}/", {**self.SARAH, "last_name": "Stone"}, If_Match="*")
        assert read_kept(answer) == ["first_name", "language", "phone"]
        shown = answer.json()
        assert (shown["first_name"], shown["last_name"]) == ("Sarah", "Stone")
        assert answer.headers["ETag"] == api.get(f"contacts/{pk}/").headers["ETag"]

    def test_no_patch_weakens_a_wish_unless_it_names_the_version_that_it_has_read(
        self, api: ApiClient
    ) -> None:
        pk = api.post("contacts/", self.SARAH).json()["id"]
        Contact.objects.update(preferred_channel="never")
        answer = api.patch(f"contacts/{pk}/", {"preferred_channel": "voice"}, If_Match="*")
        assert (read_kept(answer), answer.json()["preferred_channel"]) == (["preferred_channel"], "never")
        tag = api.get(f"contacts/{pk}/").headers["ETag"]
        answer = api.patch(f"contacts/{pk}/", {"preferred_channel": "voice"}, If_Match=tag)
        assert (read_kept(answer), answer.json()["preferred_channel"]) == ([], "voice")

    def test_a_patch_of_the_version_that_was_read_counts(self, api: ApiClient) -> None:
        pk = api.post("contacts/", self.SARAH).json()["id"]
        self.correct()
        tag = api.get(f"contacts/{pk}/").headers["ETag"]
        answer = api.patch(f"contacts/{pk}/", self.SARAH, If_Match=tag)
        assert (read_kept(answer), answer.json()["first_name"]) == ([], "Sara")

    def test_what_a_patch_says_is_what_the_next_list_is_compared_with(
        self, api: ApiClient, downtown: Location
    ) -> None:
        pk = api.post("contacts/", self.SARAH).json()["id"]
        api.patch(f"contacts/{pk}/", {"first_name": "Sarah"}, If_Match="*")
        Contact.objects.update(first_name="Sarah Ann")
        import_visit(in_days(7), first="Sarah")
        assert Contact.objects.get().first_name == "Sarah Ann"

    def test_a_number_that_was_taken_away_by_the_api_comes_back_when_the_list_has_it_anew(
        self, api: ApiClient, downtown: Location
    ) -> None:
        pk = api.post("contacts/", self.SARAH).json()["id"]
        api.patch(f"contacts/{pk}/", {"phone": None}, If_Match="*")
        import_visit(in_days(7), first="Sara")
        phone = Contact.objects.get().phone
        assert phone
        assert phone.e164 == "+12025550100"

    def test_a_contact_who_was_added_here_remembers_nothing(self, api: ApiClient) -> None:
        pk = api.post("contacts/", {"first_name": "Sarah"}).json()["id"]
        api.patch(f"contacts/{pk}/", {"first_name": "Sara"}, If_Match="*")
        assert Contact.objects.get().file_values == {}

    def test_a_contact_who_gets_the_id_of_a_merged_one_is_known_by_both_ids(
        self, api: ApiClient, downtown: Location
    ) -> None:
        own, double, aisha, copy = import_double("(202) 555-0109")
        merge(aisha, copy)
        Contact.objects.update(first_name="Ayesha", language="es")
        answer = api.patch(f"contacts/{aisha.pk}/", {"external_id": "P9"}, If_Match="*")
        assert (answer.status_code, answer.json()["external_id"]) == (200, "P9")
        for again in range(2):
            import_rows(own | {"minutes": f"{40 + again}"}, double)
            person = Contact.objects.get()
            assert (person.external_id, person.first_name, person.language) == ("P9", "Ayesha", "es")
        import_rows(own | {"first": "Asha"}, double)
        assert Contact.objects.get().first_name == "Ayesha", "both changed, so staff's stays"
        found = api.post("contacts/search/", {"source": "csv", "external_id": "P1"}).json()["results"]
        assert [one["id"] for one in found] == [aisha.pk]
        api.patch(f"contacts/{aisha.pk}/", {"external_id": "P1"}, If_Match="*")
        import_rows(own, double)
        assert Contact.objects.get().external_id == "P1"
