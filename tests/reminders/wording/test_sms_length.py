"""The length of a script's texts, with the longest names stored, counted as it is sent (product rule 40)."""

from typing import Any

import pytest
from pytest_django import Settings

from contacts.models import Provider
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallRecord
from reminders.wording.default_scripts import ensure_default_scripts
from reminders.wording.sms_alphabet import measure_text
from reminders.wording.sms_length import (
    LONG_NAME,
    find_longest_first_name,
    find_too_long,
    is_sent_as_text,
    list_active_text_scripts,
    measure_script,
)
from tests.people import make_contact, make_due_reminder, make_location, make_script, make_step

pytestmark = pytest.mark.django_db
OLD_SPANISH = (
    "{PRACTICE}: {FIRST_NAME}, su cita es el {APPT_DATE}, {APPT_TIME}. "
    "Responda 1=confirmar, 2=cambiar. Tel {CALLBACK_NUMBER}. STOP=no más SMS."
)


def open_text(first_name: str, text: str = "", **location: str) -> CallRecord:
    """The text message that goes out now to a person of that name."""
    script = make_script(text, name="Own") if text else ensure_default_scripts().text
    make_location(**location)
    make_step(channel="sms", script=script)
    make_due_reminder(make_contact(first_name))
    claim = claim_due(10)
    [call] = open_calls(claim.reminder_ids, claim.token)
    return call


def test_the_name_that_texts_are_measured_with_has_20_letters() -> None:
    assert len(LONG_NAME) == 20


def test_the_shipped_texts_are_one_part_in_every_language() -> None:
    make_location(spoken_name="Harbor View Family Clinic of North Salem")
    Provider.objects.create(name="Dr. Łucja Wiśniewska-Kowalczyk")
    texts = measure_script(ensure_default_scripts().text)
    assert {text.language: text.length.segments for text in texts} == {"en": 1, "es": 1, "fr": 1}


@pytest.mark.parametrize(
    ("text", "parts", "letters"),
    [
        (OLD_SPANISH, 3, {"á"}),
        ("😀" * 60, 2, {"😀"}),
        ("{FIRST_NAME} " + "x" * 155, 2, set()),
        ("Виолетта, {FIRST_NAME}: {APPT_DATE} {APPT_TIME} {CALLBACK_NUMBER}, 1 2 STOP", 2, set("Виолета")),
    ],
)
def test_a_text_of_several_parts_is_found_with_the_letters_that_cost_them(
    text: str, parts: int, letters: set[str]
) -> None:
    make_location(spoken_name="Harbor View Clinic")
    [found] = find_too_long(make_script(text, name="Text")).values()
    assert found.length.segments == parts
    assert set(found.length.letters) == letters


def test_a_location_or_provider_whose_letters_have_no_plain_form_is_found() -> None:
    make_location(spoken_name="Harbor View Clinic of the whole West")
    script = make_script("{PRACTICE}, {PROVIDER}: {FIRST_NAME}, {APPT_DATE} {APPT_TIME}", name="Text")
    assert find_too_long(script) == {}
    Provider.objects.create(name="王芳")
    assert find_too_long(script)["en"].length.letters == ("王", "芳")
    Provider.objects.all().delete()
    make_location("Two", spoken_name="Клиника на Невском")
    assert "К" in find_too_long(script)["en"].length.letters


def test_the_length_is_of_the_newest_version_with_its_variables_filled_in() -> None:
    make_location(spoken_name="Harbor Clinic")
    script = make_script("x" * 200, name="Text")
    make_script("x" * 147 + "{PRACTICE}", name="Text")
    assert find_too_long(script) == {}
    make_script("x" * 148 + "{PRACTICE}", name="Text")
    [longest] = find_too_long(script).values()
    assert (longest.language, longest.length.units, longest.length.segments) == ("en", 161, 2)


def test_names_are_sent_in_plain_letters_where_that_saves_parts() -> None:
    call = open_text("Zoë", spoken_name="Clínica São João")
    assert call.text.startswith("Clinica Sao Joao: Zoe, appointment ")
    assert measure_text(call.text).segments == 1
    assert call.variables["FIRST_NAME"] == "Zoe", "the variables are those of the text"


def test_letters_of_the_alphabet_stay_in_names() -> None:
    assert "José Peña, appointment" in open_text("José Peña").text


def test_a_name_without_plain_letters_stays_and_so_does_all_beside_it() -> None:
    call = open_text("Мария", spoken_name="Clínica Río")
    assert call.text.startswith("Clínica Río: Мария, ")


def test_the_words_of_a_script_are_never_changed() -> None:
    call = open_text("Zoë", "{FIRST_NAME}, mañana a la 1: ¿está bien?")
    assert call.text == "Zoë, mañana a la 1: ¿está bien?", "á is in the script, so plain letters save nothing"


def test_a_practice_can_keep_every_letter_of_names(settings: Settings) -> None:
    settings.SMS_PLAIN_LETTERS = False
    assert ": Zoë, " in open_text("Zoë").text


def test_the_longest_first_name_is_a_patients() -> None:
    assert find_longest_first_name() == ""
    make_contact("Al")
    make_contact("Maximiliano-Alexander")
    assert find_longest_first_name() == "Maximiliano-Alexander"


@pytest.mark.parametrize("use", ["script", "text_script", "fallback_script"])
def test_a_script_counts_as_a_text_where_a_step_sends_it_so(use: str) -> None:
    text, call = make_script("Come.", name="Text"), make_script()
    channel = {"script": "sms", "text_script": "preferred", "fallback_script": "voice"}[use]
    scripts: dict[str, Any] = {"script": call, use: text}
    make_step(channel=channel, **scripts)
    assert is_sent_as_text(text)
    assert not is_sent_as_text(call)
    assert list_active_text_scripts() == [text]
