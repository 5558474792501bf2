"""Everybody who shares a number, on one page (product rules 10, 12 and 63)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.models import Appointment, Contact, PhoneNumber
from contacts.optouts import record_optout
from contacts.roles import AUDITOR
from reminders.deciding.shared_settings import read_shared_settings
from reminders.desk.erasing import erase_person
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallRecord
from reminders.pages.household import MOST_PEOPLE, Household, read_household
from reminders.planning.planner import plan_all
from tests.people import (
    SARAH,
    make_appointment,
    make_contact,
    make_location,
    make_number,
    make_step,
    make_user,
)

pytestmark = pytest.mark.django_db
OTHER = "+12025550142"


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(make_user("rosa"))
    return client


def book(contact: Contact, hours: float = 5, **fields: Any) -> Appointment:
    return make_appointment(contact, starts_at=timezone.now() + timedelta(hours=hours), **fields)


def make_family(*names: str) -> list[Contact]:
    """People with Sarah's number, each with a visit in five hours; a step four hours before."""
    make_step()
    people = [make_contact(name) for name in names]
    for contact in people:
        book(contact)
    plan_all()
    return people


def read(number: str = SARAH) -> Household:
    pk = PhoneNumber.objects.get(e164=number).pk
    return read_household(pk, timezone.now(), read_shared_settings().config, sending_paused=False)


def names_of(household: Household) -> list[list[str]]:
    return [[visit.contact.first_name for visit in call.visits] for call in household.calls]


def show(desk: Client, number: str = SARAH) -> str:
    answer = desk.get(f"/numbers/{PhoneNumber.objects.get(e164=number).pk}/household/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_says_which_call_is_about_whom_as_the_last_look_then_groups_them() -> None:
    make_family("Ann", "Ben", "Cara")
    book(Contact.objects.get(first_name="Ann"), location=make_location("Eastside"))
    plan_all()
    assert sorted(map(sorted, names_of(read()))) == [["Ann"], ["Ann", "Ben", "Cara"]]


def test_the_moment_is_that_at_which_the_call_is_opened_and_the_companions_are_those_of_the_call() -> None:
    make_step(elapsed=timedelta(hours=6))
    for name in ("Ann", "Ben"):
        book(make_contact(name))
    plan_all()
    [foretold] = read().calls
    claim = claim_due(10)
    [call] = open_calls(claim.reminder_ids, claim.token)
    spoken_of = {
        call.reminder.appointment_id,
        *call.companions.values_list("reminder__appointment", flat=True),
    }
    assert {visit.pk for visit in foretold.visits} == spoken_of
    assert abs(foretold.at - timezone.now()) < timedelta(minutes=1)
    assert CallRecord.objects.count() == 1


def test_who_refuses_calls_and_whose_pair_said_no_are_in_no_call_and_it_says_why(desk: Client) -> None:
    ann, ben, _cara = make_family("Ann", "Ben", "Cara")
    Contact.objects.filter(pk=ann.pk).update(preferred_channel="never")
    Contact.objects.filter(pk=ben.pk).update(
        other_phone=make_number(OTHER, voice_opted_out_at=timezone.now()), other_phone_use="unreachable"
    )
    assert names_of(read()) == [["Cara"]]
    page = show(desk)
    assert "As the patient wishes: never contact by machine." in page
    assert page.count("The other number has opted out, and that counts for both.") == 1


def test_an_opt_out_of_the_number_stops_every_call_and_stands_in_the_ledger(desk: Client) -> None:
    ann, *_ = make_family("Ann", "Ben")
    record_optout(ann.phone_id or 0, scope="all", source="letter", at=timezone.now())
    assert read().calls == ()
    page = show(desk)
    assert "Opted out: no calls and no text messages." in page
    assert "told us by letter" in page
    assert "Record an opt-out" not in page, "there is nothing left to opt out of"


def test_those_whose_other_number_it_is_are_there_too_without_its_calls(desk: Client) -> None:
    make_family("Ann")
    grandmother = make_contact("Vera", number=OTHER, other_phone=make_number(SARAH))
    book(grandmother)
    plan_all()
    household = read()
    assert [(one.contact.first_name, one.is_first) for one in household.members] == [
        ("Ann", True),
        ("Vera", False),
    ]
    assert names_of(household) == [["Ann"]]
    assert "Their other number, never called by machine." in show(desk)


def test_the_contacts_page_leads_there_and_no_address_has_the_number(desk: Client) -> None:
    ann, _ = make_family("Ann", "Ben")
    page = desk.get(f"/contacts/{ann.pk}/").content.decode()
    address = f"/numbers/{ann.phone_id}/household/"
    assert f'href="{address}"' in page
    assert "5550100" not in address
    assert f'href="/contacts/{ann.pk}/opt-out/?number={ann.phone_id}"' in show(desk)


def test_an_auditor_sees_it_and_is_offered_nothing_and_others_see_nothing(client: Client) -> None:
    make_family("Ann", "Ben")
    client.force_login(make_user("nobody", role=""))
    assert client.get(f"/numbers/{make_number().pk}/household/").status_code == 403
    client.force_login(make_user("audrey", role=AUDITOR))
    page = show(client)
    assert "Ann Lindqvist" in page
    assert "Record an opt-out" not in page


def test_a_number_that_was_erased_or_never_was_has_no_page(desk: Client) -> None:
    lone = make_contact()
    erase_person(lone.pk, by=make_user("boss"))
    for pk in (lone.phone_id, 0, 10**17):
        assert desk.get(f"/numbers/{pk}/household/").status_code == 404


def test_nobody_may_have_it_any_more(desk: Client) -> None:
    make_number()
    assert "Nobody has this number any more." in show(desk)


def test_more_people_than_share_a_phone_are_not_all_shown() -> None:
    for index in range(MOST_PEOPLE + 1):
        make_contact(f"Name {index}")
    household = read()
    assert (len(household.members), household.has_more) == (MOST_PEOPLE, True)


def test_queries_do_not_grow_with_the_family(desk: Client) -> None:
    counts = []
    for size in (2, 30):
        make_family(*(f"Name {size} {index}" for index in range(size)))
        show(desk)
        with CaptureQueriesContext(connection) as queries:
            show(desk)
        counts.append(len(queries))
    assert counts[0] == counts[1]
