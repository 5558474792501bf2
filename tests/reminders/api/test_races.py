"""Several requests at once, each with its own connection to the database: none is lost, none is doubled."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from contacts.consent_ledger import find_consent_differences
from contacts.models import Appointment, AppointmentChange, Contact, PhoneNumber, Provider
from tests.people import make_appointment, make_contact, make_location
from tests.reminders.api.client import ApiClient, make_secret

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 4


def ask_at_once(ask: Callable[[ApiClient, int], Any], secret: str = "") -> list[Any]:
    """The answers to one request of each of several threads."""
    secret, barrier = secret or make_secret(), Barrier(AT_ONCE)

    def begin(number: int) -> Any:
        client = ApiClient(secret)
        client.get("appointments/")  # opens the connection
        barrier.wait(10)
        try:
            return ask(client, number)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(begin, range(AT_ONCE)))


def count_statuses(answers: list[Any]) -> dict[int, int]:
    statuses = [answer.status_code for answer in answers]
    return {status: statuses.count(status) for status in set(statuses)}


def write_visit(contact: Contact, days: int = 7) -> dict[str, Any]:
    starts_at = timezone.now().replace(hour=15, minute=0, second=0, microsecond=0) + timedelta(days=days)
    return {
        "contact": {"id": contact.pk},
        "location": {"name": "Downtown"},
        "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + timedelta(minutes=30)).isoformat(),
    }


def test_a_put_of_several_threads_makes_one_appointment() -> None:
    make_location(time_zone="America/New_York", open_weekdays=list(range(7)))
    body = write_visit(make_contact())
    answers = ask_at_once(lambda api, _number: api.put("appointments/dentrix/A-1/", body))
    assert count_statuses(answers) == {201: 1, 200: AT_ONCE - 1}
    assert Appointment.objects.count() == AppointmentChange.objects.count() == 1


def test_of_several_puts_that_must_be_new_one_is() -> None:
    make_location(time_zone="America/New_York", open_weekdays=list(range(7)))
    body = write_visit(make_contact())
    answers = ask_at_once(lambda api, _number: api.put("appointments/d/1/", body, If_None_Match="*"))
    assert count_statuses(answers) == {201: 1, 412: AT_ONCE - 1}


def test_of_several_puts_for_one_provider_and_hour_one_is_booked_and_the_others_are_asked() -> None:
    """(product rule 56)"""
    make_location(time_zone="America/New_York", open_weekdays=list(range(7)))
    chen = Provider.objects.create(name="Dr. S. Chen")
    people = [make_contact(f"Omar{number}", number=f"+1202555019{number}") for number in range(AT_ONCE)]
    bodies = [write_visit(person) | {"provider": {"id": chen.pk}} for person in people]
    answers = ask_at_once(lambda api, number: api.put(f"appointments/d/A{number}/", bodies[number]))
    assert count_statuses(answers) == {201: 1, 409: AT_ONCE - 1}, answers[0].content
    assert Appointment.objects.count() == 1


def test_of_several_visits_moved_to_one_hour_of_one_provider_one_is_moved() -> None:
    """(product rule 56)"""
    location = make_location(time_zone="America/New_York", open_weekdays=list(range(7)))
    wanted = {"starts_at": write_visit(make_contact())["starts_at"]}
    visits = [
        make_appointment(
            make_contact(f"Omar{number}", number=f"+1202555019{number}"),
            location=location,
            starts_at=timezone.now() + timedelta(days=number + 9),
        )
        for number in range(AT_ONCE)
    ]
    answers = ask_at_once(
        lambda api, number: api.patch(f"appointments/{visits[number].pk}/", wanted, If_Match="*")
    )
    assert count_statuses(answers) == {200: 1, 409: AT_ONCE - 1}, answers[0].content


def test_of_several_changes_of_the_same_version_one_is_made() -> None:
    location = make_location(time_zone="America/New_York", open_weekdays=list(range(7)))
    visit = make_appointment(location=location)
    address = f"appointments/{visit.pk}/"
    api = ApiClient()
    tag = api.get(address).headers["ETag"]
    bodies = [write_visit(visit.contact, days=number + 3) for number in range(AT_ONCE)]
    changes = [{"starts_at": body["starts_at"]} for body in bodies]
    answers = ask_at_once(
        lambda client, number: client.patch(address, changes[number], If_Match=tag), api.secret
    )
    assert count_statuses(answers) == {200: 1, 412: AT_ONCE - 1}
    assert Appointment.objects.get().revision == 2


def test_of_several_changes_of_a_contact_one_is_made() -> None:
    contact = make_contact()
    address = f"contacts/{contact.pk}/"
    api = ApiClient()
    tag = api.get(address).headers["ETag"]
    phones = [{"phone": f"+1202555010{number + 1}"} for number in range(AT_ONCE)]
    answers = ask_at_once(
        lambda client, number: client.patch(address, phones[number], If_Match=tag), api.secret
    )
    assert count_statuses(answers) == {200: 1, 412: AT_ONCE - 1}


def test_an_opt_out_of_several_threads_is_recorded_once() -> None:
    answers = ask_at_once(lambda api, _number: api.post("opt-outs/", {"number": "+12025550100"}))
    assert count_statuses(answers) == {201: 1, 200: AT_ONCE - 1}
    assert PhoneNumber.objects.get().voice_opted_out_at
    assert not list(find_consent_differences())


def test_a_contact_of_several_threads_is_made_once() -> None:
    body = {"first_name": "Sarah", "source": "dentrix", "external_id": "P-1", "phone": "+12025550100"}
    answers = ask_at_once(lambda api, _number: api.post("contacts/", body))
    assert count_statuses(answers) == {201: 1, 409: AT_ONCE - 1}
    assert Contact.objects.count() == 1
