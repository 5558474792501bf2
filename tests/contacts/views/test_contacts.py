"""The contact list, a contact's page, and the changes made there."""

import html
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from contacts.appointments import record_answer
from contacts.clock_habits import write_clock
from contacts.models import Appointment, ConsentEntry, Contact, PhoneNumber, UnusableReason
from contacts.optouts import record_optout
from contacts.people import mark_number_unusable
from reminders.models import OptOutConfirmation
from tests.people import SARAH, make_appointment, make_contact, make_location, make_number, make_user

pytestmark = pytest.mark.django_db
OTHER = "+12025550142"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def rosa() -> User:
    return make_user("rosa")


@pytest.fixture
def desk(rosa: User) -> Client:
    client = Client()
    client.force_login(rosa)
    return client


def read(client: Client, address: str, **headers: str) -> str:
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def search(client: Client, text: str) -> str:
    """The whole page that a search without htmx leads to."""
    answer = client.post("/contacts/", {"q": text}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def write_person(**changes: str) -> dict[str, str]:
    """The form's data for Sarah, with changes."""
    person = {"first_name": "Sarah", "last_name": "Lindqvist", "number": "(202) 555-0100"}
    return {**person, "language": "en", "preferred_channel": "voice", **changes}


def test_the_list_shows_masked_numbers_states_and_the_next_appointment(desk: Client) -> None:
    now = timezone.now()
    sarah = make_contact()
    make_appointment(sarah, starts_at=now - timedelta(days=1))
    later = make_appointment(sarah, starts_at=now + timedelta(days=3))
    soon = make_appointment(sarah, starts_at=now + timedelta(days=2))
    record_optout(sarah.phone_id or 0, scope="all", source="staff", at=now)
    make_contact("Wei", number=None)
    broken = make_contact("Tom", number=OTHER)
    mark_number_unusable(broken.phone_id or 0, UnusableReason.INVALID_NUMBER, now)
    page = html.unescape(read(desk, "/contacts/"))
    assert "••00" in page
    assert SARAH not in page
    assert "555-0100" not in page
    assert f"/appointments/{soon.pk}/" in page
    assert f"/appointments/{later.pk}/" not in page
    assert "opted out" in page
    assert "no number" in page
    assert "can't be used" in page


def test_what_people_wrote_is_no_markup_in_the_list(desk: Client) -> None:
    person = make_contact("<b>{Al}", source="<i>", external_id="<u>7", last_name='O"Hara & Co')
    place = make_location("<s>Downtown")
    make_appointment(person, location=place, starts_at=timezone.now() + timedelta(days=2))
    page = read(desk, "/contacts/")
    shown = ("&lt;b&gt;{Al} O&quot;Hara &amp; Co", "&lt;u&gt;7", "&lt;s&gt;Downtown")
    assert [one for one in shown if one not in page] == []
    assert not re.search("<[bius]>", page)


def test_a_cancelled_appointment_is_not_the_next_one(desk: Client) -> None:
    appointment = make_appointment()
    Appointment.objects.update(status=Appointment.Status.CANCELLED)
    assert f"/appointments/{appointment.pk}/" not in read(desk, "/contacts/")


def make_crowd(name: str, count: int, area: int) -> None:
    location = make_location(name)
    for index in range(count):
        contact = make_contact(f"{name}{index}", number=f"+1{area}555{index:04d}")
        make_appointment(contact, location=location)


def test_the_list_needs_as_many_queries_for_a_hundred_people_as_for_five(
    desk: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_crowd("Downtown", 5, area=202)
    with CaptureQueriesContext(connection) as queries:
        read(desk, "/contacts/")
    make_crowd("Eastside", 95, area=303)
    with django_assert_num_queries(len(queries)):
        assert read(desk, "/contacts/").count("Eastside") >= 95


def test_each_contact_is_on_exactly_one_page(desk: Client) -> None:
    for index in range(150):
        Contact.objects.create(first_name="Sam", last_name="Same", external_id=str(index), source="practice")
    seen = [contact.pk for page in (1, 2) for contact in desk.get(f"/contacts/?page={page}").context["page"]]
    assert len(seen) == len(set(seen)) == 150


def test_the_next_page_keeps_the_search(desk: Client) -> None:
    for index in range(101):
        Contact.objects.create(first_name="Sam", last_name=f"Same{index}")
    [following] = re.findall(r'rel="next" href="([^"]+)"', search(desk, "sam"))
    second = read(desk, f"/contacts/{html.unescape(following)}")
    assert "101 to 101 of 101" in second
    assert 'value="sam"' in second


def test_htmx_gets_only_the_results(desk: Client) -> None:
    make_contact()
    make_contact("Tom", number=OTHER, last_name="Reyes")
    answer = desk.post("/contacts/", {"q": "lind"}, headers=HTMX)
    results = answer.content.decode()
    assert "Sarah Lindqvist" in results
    assert "Tom" not in results
    assert "<html" not in results
    assert answer["HX-Replace-Url"].startswith("/contacts/?q=~")


def test_going_back_in_the_browser_gets_the_whole_page(desk: Client) -> None:
    address = desk.post("/contacts/", {"q": "lind"}, headers=HTMX)["HX-Replace-Url"]
    page = read(desk, address, HX_Request="true", HX_History_Restore_Request="true")
    assert "<html" in page
    assert 'value="lind"' in page


def test_a_search_without_matches_suggests_what_to_try(desk: Client) -> None:
    make_contact()
    page = search(desk, "<b>zzz")
    assert "No contacts match “&lt;b&gt;zzz”" in page


def test_an_empty_list_offers_to_import_or_add_contacts(desk: Client) -> None:
    page = read(desk, "/contacts/")
    assert "No contacts yet" in page
    assert "/imports/new/" in page


# --- the contact's page -----------------------------------------------------------------------------


def test_the_page_shows_who_shares_the_number_and_its_opt_outs(desk: Client, rosa: User) -> None:
    sarah = make_contact()
    child = make_contact("Mia")
    stranger = make_contact("Tom", number=OTHER)
    record_optout(
        sarah.phone_id or 0, scope="voice", source="staff", at=timezone.now(), evidence="by letter", by=rosa
    )
    page = read(desk, f"/contacts/{sarah.pk}/")
    assert f'href="/contacts/{child.pk}/"' in page
    assert f'href="/contacts/{stranger.pk}/"' not in page
    assert "by letter" in page
    assert "recorded by rosa" in page
    assert "Opted out of calls; text messages are allowed." in page


def test_the_page_shows_upcoming_and_past_appointments_by_the_locations_clock(desk: Client) -> None:
    sydney = make_location("Harbour", time_zone="Australia/Sydney")
    ahead = make_appointment(location=sydney, starts_at=timezone.now() + timedelta(days=2))
    past = make_appointment(ahead.contact, location=sydney, starts_at=timezone.now() - timedelta(days=2))
    answer = desk.get(f"/contacts/{ahead.contact_id}/")
    person = answer.context["person"]
    assert (person.ahead, person.past) == ([ahead], [past])
    local = ahead.starts_at.astimezone(sydney.zone)
    assert write_clock(local) in answer.content.decode()


def test_an_unknown_contact_is_a_404(desk: Client) -> None:
    assert desk.get("/contacts/424242/").status_code == 404


def test_the_page_needs_as_many_queries_for_twenty_appointments_as_for_two(
    desk: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    sarah = make_contact()
    for days in (-1, 1):
        make_appointment(sarah, starts_at=timezone.now() + timedelta(days=days))
    make_contact("Mia")
    with CaptureQueriesContext(connection) as queries:
        read(desk, f"/contacts/{sarah.pk}/")
    assert len(queries) <= 12
    for days in (*range(-11, -2), *range(2, 11)):
        make_appointment(sarah, starts_at=timezone.now() + timedelta(days=days))
        make_contact(f"Child{days}")
    with django_assert_num_queries(len(queries)):
        read(desk, f"/contacts/{sarah.pk}/")


# --- adding and changing ---------------------------------------------------------------------------


def test_a_contact_can_be_added_with_a_number_in_local_format(desk: Client) -> None:
    answer = desk.post("/contacts/new/", write_person(number="202.555.0100", language="es"))
    sarah = Contact.objects.get()
    assert answer["Location"] == f"/contacts/{sarah.pk}/"
    assert sarah.phone is not None
    assert (sarah.phone.e164, sarah.language) == (SARAH, "es")


def test_a_contact_without_a_number_can_be_added(desk: Client) -> None:
    desk.post("/contacts/new/", write_person(number=""))
    assert Contact.objects.get().phone is None


WRONG_NUMBERS = [
    ("555-0100", "area code is missing", "no area code"),
    ("call wife 202-555-0100", "other characters", "words beside it"),
    ("202-555-0100 x12", "can&#x27;t dial the extension 12", "an extension"),
]


@pytest.mark.parametrize(("raw", "says", "reason"), WRONG_NUMBERS)
def test_a_number_that_can_not_be_called_shows_an_error_beside_the_field(
    desk: Client, raw: str, says: str, reason: str
) -> None:
    sarah = make_contact()
    answer = desk.post(f"/contacts/{sarah.pk}/edit/", write_person(number=raw))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert says in page, reason
    assert f'value="{raw}"' in page  # the input is kept, so that it can be corrected
    sarah.refresh_from_db()
    assert sarah.phone is not None
    assert sarah.phone.e164 == SARAH


def test_upcoming_reminders_move_to_a_new_number_and_answers_are_kept(desk: Client) -> None:
    ahead = make_appointment()
    record_answer(ahead.pk, "confirmed", revision=1, at=timezone.now(), how="key_1")
    answer = desk.post(
        f"/contacts/{ahead.contact_id}/edit/", write_person(number="202 555 0142"), follow=True
    )
    ahead.refresh_from_db()
    assert ahead.contact.phone is not None
    assert (ahead.contact.phone.e164, ahead.revision, ahead.is_confirmed) == (OTHER, 2, True)
    assert "Reminders of 1 upcoming appointment now go to the new number." in answer.content.decode()


def test_saving_without_a_new_number_revises_nothing(desk: Client) -> None:
    ahead = make_appointment()
    desk.post(f"/contacts/{ahead.contact_id}/edit/", write_person(first_name="Sara"))
    ahead.refresh_from_db()
    assert (ahead.revision, ahead.contact.first_name) == (1, "Sara")


def test_editing_keeps_an_id_time_zone_and_language_from_an_import(desk: Client) -> None:
    sarah = make_contact(external_id="P-1", source="practice", time_zone="Etc/UTC", language="xx")
    page = read(desk, f"/contacts/{sarah.pk}/edit/")
    assert 'value="Etc/UTC" selected' in page
    desk.post(f"/contacts/{sarah.pk}/edit/", write_person(time_zone="Etc/UTC", language="xx"))
    sarah.refresh_from_db()
    assert (sarah.external_id, sarah.time_zone, sarah.language) == ("P-1", "Etc/UTC", "xx")


# --- opting out and in -----------------------------------------------------------------------------


def test_an_opt_out_is_recorded_with_who_recorded_it_and_how_it_was_given(desk: Client, rosa: User) -> None:
    sarah = make_contact()
    wish = {"scope": "voice", "way": "phone", "note": "please stop", "number": str(sarah.phone_id)}
    desk.post(f"/contacts/{sarah.pk}/opt-out/", wish)
    number = PhoneNumber.objects.get()
    entry = ConsentEntry.objects.get()
    assert number.voice_opted_out_at is not None
    assert number.sms_opted_out_at is None
    assert (entry.what, entry.source, entry.by) == ("opt_out", "phone", rosa)
    assert entry.evidence == "please stop"
    page = read(desk, f"/contacts/{sarah.pk}/")
    assert "told us by phone, recorded by rosa · please stop" in " ".join(page.split())


@pytest.mark.parametrize("way", ["desk", "phone", "letter", "email", "message"])
def test_an_opt_out_takes_two_clicks(desk: Client, way: str) -> None:
    """One on the contact's page, one on how they told us; the form has the rest."""
    sarah = make_contact()
    page = read(desk, f"/contacts/{sarah.pk}/")
    address = html.unescape(re.findall(r'href="([^"]*/opt-out/[^"]*)"', page)[0])
    form = read(desk, address)
    fields = dict(re.findall(r'<input type="hidden" name="(number)" value="([^"]*)"', form))
    checked = re.findall(
        r'<input type="radio"[^>]*name="scope"[^>]*value="(\w+)"[^>]*checked', form, re.DOTALL
    )
    assert re.search(rf'<button[^>]*name="way" value="{way}"', form)
    answer = desk.post(address, {**fields, "scope": checked[0], "note": "", "way": way})
    assert answer["Location"] == f"/contacts/{sarah.pk}/"
    entry = ConsentEntry.objects.get()
    assert (entry.scope, entry.source, entry.evidence) == ("all", way, "")


@pytest.mark.parametrize(
    "wish", [{"scope": "all"}, {"scope": "all", "way": "key"}, {"way": "desk", "scope": "x"}]
)
def test_an_opt_out_without_a_way_or_of_nothing_we_know_is_asked_about(
    desk: Client, wish: dict[str, str]
) -> None:
    sarah = make_contact()
    assert desk.post(f"/contacts/{sarah.pk}/opt-out/", wish).status_code == 422
    assert not ConsentEntry.objects.exists()


def test_an_opt_in_needs_a_reason(desk: Client) -> None:
    sarah = make_contact()
    record_optout(sarah.phone_id or 0, scope="all", source="key", at=timezone.now())
    answer = desk.post(f"/contacts/{sarah.pk}/opt-in/", {"scope": "all", "reason": "  "})
    assert answer.status_code == 422
    assert "Enter who asked for it" in answer.content.decode()
    assert PhoneNumber.objects.get().voice_opted_out_at is not None


def test_an_opt_in_clears_the_opt_outs_and_is_kept_in_the_ledger(desk: Client, rosa: User) -> None:
    sarah = make_contact()
    record_optout(sarah.phone_id or 0, scope="all", source="key", at=timezone.now())
    desk.post(f"/contacts/{sarah.pk}/opt-in/", {"scope": "all", "reason": "asked at the desk today"})
    number = PhoneNumber.objects.get()
    assert (number.voice_opted_out_at, number.sms_opted_out_at) == (None, None)
    entry = ConsentEntry.objects.latest("pk")
    assert (entry.what, entry.evidence, entry.by) == ("opt_in", "asked at the desk today", rosa)


def test_only_the_scopes_opted_out_of_can_be_opted_in_to(desk: Client) -> None:
    sarah = make_contact()
    record_optout(sarah.phone_id or 0, scope="sms", source="sms_reply", at=timezone.now())
    answer = desk.post(f"/contacts/{sarah.pk}/opt-in/", {"scope": "all", "reason": "asked"})
    assert answer.status_code == 422


@pytest.mark.parametrize("action", ["opt-out", "opt-in", "number-usable"])
def test_another_contacts_number_can_not_be_changed_from_this_page(desk: Client, action: str) -> None:
    sarah, stranger = make_contact(), make_number(OTHER)
    wish = {"number": str(stranger.pk), "scope": "all", "way": "phone", "reason": "asked"}
    assert desk.post(f"/contacts/{sarah.pk}/{action}/", wish).status_code == 404
    assert not ConsentEntry.objects.exists()


def test_a_number_can_be_marked_as_usable_again(desk: Client) -> None:
    sarah = make_contact()
    words = "to: <not> a mobile"
    mark_number_unusable(sarah.phone_id or 0, UnusableReason.REJECTED, timezone.now(), detail=words)
    shown = "Robotalker did not accept the number. Robotalker: “to: &lt;not&gt; a mobile”"
    assert shown in read(desk, f"/contacts/{sarah.pk}/")
    assert desk.get(f"/contacts/{sarah.pk}/number-usable/").status_code == 405
    desk.post(f"/contacts/{sarah.pk}/number-usable/")
    number = PhoneNumber.objects.get()
    assert (number.unusable_since, number.unusable_reason, number.unusable_detail) == (None, "", "")


@pytest.mark.parametrize("reason", UnusableReason)
def test_a_contacts_page_says_why_the_number_can_not_be_used(desk: Client, reason: UnusableReason) -> None:
    sarah = make_contact()
    mark_number_unusable(sarah.phone_id or 0, reason, timezone.now())
    page = html.unescape(read(desk, f"/contacts/{sarah.pk}/"))
    assert f"This number can't be used. {reason.label}" in page
    assert "Robotalker: “" not in page, "Robotalker said nothing about it"


def test_a_reason_that_this_version_does_not_know_is_never_shown(desk: Client) -> None:
    sarah = make_contact()
    PhoneNumber.objects.update(unusable_since=timezone.now(), unusable_reason="some_new_code")
    page = html.unescape(read(desk, f"/contacts/{sarah.pk}/"))
    assert "This number can't be used." in page
    assert "some_new_code" not in page


def test_of_a_long_message_the_first_200_characters_are_stored() -> None:
    number = make_number(OTHER)
    mark_number_unusable(number.pk, UnusableReason.REJECTED, timezone.now(), detail="x" * 201)
    number.refresh_from_db()
    assert number.unusable_detail == "x" * 200


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ("all", "stops both calls and text messages"),
        ("channel", "Key 9 in a call stops calls; a “no” by text message stops text messages."),
    ],
)
def test_the_pages_say_what_a_no_stops(desk: Client, settings: Settings, scope: str, words: str) -> None:
    settings.OPT_OUT_SCOPE = scope
    sarah = make_contact()
    for path in (f"/contacts/{sarah.pk}/", f"/contacts/{sarah.pk}/opt-out/"):
        assert words in desk.get(path).content.decode()


def test_with_the_scope_channel_staff_choose_what_an_opt_out_stops(desk: Client, settings: Settings) -> None:
    path = f"/contacts/{make_contact().pk}/opt-out/"
    assert b"checked" in desk.get(path).content
    settings.OPT_OUT_SCOPE = "channel"
    assert b"checked" not in desk.get(path).content


def test_the_page_shows_the_text_that_confirmed_an_opt_out(
    desk: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Its state and its exact words stand beside the opt-out (product rule 32), at no query of their own."""
    sarah = make_contact()
    with CaptureQueriesContext(connection) as before:
        read(desk, f"/contacts/{sarah.pk}/")
    for source in ("staff", "sms_reply"):
        entry = ConsentEntry.objects.create(
            number_id=sarah.phone_id or 0, what="opt_out", scope="all", source=source, at=timezone.now()
        )
    OptOutConfirmation.objects.create(
        entry=entry, from_number="+18005550199", text="Harbor: You get no more texts.", state="dropped"
    )
    with django_assert_num_queries(len(before)):
        page = read(desk, f"/contacts/{sarah.pk}/")
    assert page.count("Confirming text") == 1
    assert "Confirming text (not sent): “Harbor: You get no more texts.”" in page
