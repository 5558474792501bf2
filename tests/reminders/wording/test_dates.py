"""Dates and times as each language says them in a call and writes them in a text message."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from contacts.models import Appointment, Contact, Location
from reminders.wording.scripts import fill_variables
from reminders.wording.sms_alphabet import measure_text, write_plainly

# language, wall time, as spoken, as written
SAID = [
    ("en", (2027, 1, 1, 9, 0), "Friday, January 1st at 9:00 AM", "Fri, Jan 1 at 9:00 AM"),
    ("en", (2027, 4, 22, 15, 15), "Thursday, April 22nd at 3:15 PM", "Thu, Apr 22 at 3:15 PM"),
    ("es", (2027, 1, 1, 9, 0), "viernes, primero de enero at 9:00 de la mañana", "vie 1 ene at 09:00"),
    ("es", (2027, 1, 2, 13, 5), "sábado, 2 de enero at 1:05 de la tarde", "sáb 2 ene at 13:05"),
    ("es", (2027, 1, 21, 9, 0), "jueves, 21 de enero at 9:00 de la mañana", "jue 21 ene at 09:00"),
    ("fr", (2027, 1, 1, 9, 0), "vendredi 1er janvier at 9 h 00 du matin", "ven 1er jan. at 9h00"),
    ("fr", (2027, 8, 1, 9, 30), "dimanche 1er août at 9 h 30 du matin", "dim 1er août at 9h30"),
    ("fr", (2027, 8, 11, 9, 30), "mercredi 11 août at 9 h 30 du matin", "mer 11 août at 9h30"),
    ("fr", (2027, 7, 31, 14, 0), "samedi 31 juillet at 2 h 00 de l'après-midi", "sam 31 juil. at 14h00"),
    ("es", (2025, 4, 15, 15, 15), "martes, 15 de abril at 3:15 de la tarde", "mar 15 abr at 15:15"),
    ("en", (2027, 8, 12, 0, 5), "Thursday, August 12th at 12:05 AM", "Thu, Aug 12 at 12:05 AM"),
    ("en", (2027, 8, 31, 12, 0), "Tuesday, August 31st at 12:00 PM", "Tue, Aug 31 at 12:00 PM"),
    ("en", (2027, 8, 23, 12, 0), "Monday, August 23rd at 12:00 PM", "Mon, Aug 23 at 12:00 PM"),
    ("de", (2027, 1, 1, 9, 0), "Freitag, 1. Januar 2027 at 09:00", "Fr., 1. Jan. at 09:00"),
    ("pl", (2027, 1, 1, 15, 0), "piątek, 1 stycznia 2027 at 15:00", "pt., 1 sty at 15:00"),
    # languages that Babel doesn't know are given the English words
    ("hmn", (2027, 1, 1, 9, 0), "Friday, January 1st at 9:00 AM", "Fri, Jan 1 at 9:00 AM"),
    ("", (2027, 1, 1, 9, 0), "Friday, January 1st at 9:00 AM", "Fri, Jan 1 at 9:00 AM"),
    ("../en", (2027, 1, 1, 9, 0), "Friday, January 1st at 9:00 AM", "Fri, Jan 1 at 9:00 AM"),
]


def say(language: str, moment: datetime, *, is_text: bool) -> dict[str, str]:
    location = Location(time_zone="UTC", callback_number="+12025550199")
    appointment = Appointment(contact=Contact(), location=location, local_start=moment)
    return fill_variables(appointment, language, is_text=is_text)


@pytest.mark.parametrize(("language", "wall", "spoken", "written"), SAID)
def test_a_date_and_time_are_said_as_the_language_has_it(
    language: str, wall: tuple[int, int, int, int, int], spoken: str, written: str
) -> None:
    moment = datetime(*wall)  # noqa: DTZ001 - a wall time
    for is_text, said in ((False, spoken), (True, written)):
        values = say(language, moment, is_text=is_text)
        assert f"{values['APPT_DATE']} at {values['APPT_TIME']}" == said


OF_12_HOURS = {
    "es": ("jueves, 22 de abril at 3:15 de la tarde", "jue 22 abr at 15:15"),
    "fr": ("jeudi 22 avril at 3 h 15 de l'après-midi", "jeu 22 avr. at 15h15"),
}
OF_24_HOURS = {
    "es": ("jueves, 22 de abril at 15:15", "jue 22 abr at 15:15"),
    "fr": ("jeudi 22 avril at 15 h 15", "jeu 22 avr. at 15h15"),
}


@pytest.mark.parametrize(
    ("region", "spoken", "written", "others"),
    [
        ("US", "Thursday, April 22nd at 3:15 PM", "Thu, Apr 22 at 3:15 PM", OF_12_HOURS),
        # French Canada has another clock than the rest of the country
        ("CA", "Thursday, April 22nd at 3:15 PM", "Thu, Apr 22 at 3:15 PM",
         {"es": OF_12_HOURS["es"], "fr": OF_24_HOURS["fr"]}),
        ("GB", "Thursday, 22nd April at 3:15 PM", "Thu 22 Apr at 15:15", OF_24_HOURS),
        ("AU", "Thursday, 22nd April at 3:15 PM", "Thu 22 Apr at 3:15 PM", OF_12_HOURS),
    ],
)  # fmt: skip
def test_english_goes_by_the_country_and_other_calls_by_its_clock(
    settings: Any, region: str, spoken: str, written: str, others: dict[str, tuple[str, str]]
) -> None:
    """(product rule 55)"""
    settings.PHONE_REGION = region
    moment = datetime(2027, 4, 22, 15, 15)  # noqa: DTZ001 - a wall time
    for language, expected in {"en": (spoken, written), **others}.items():
        values = [say(language, moment, is_text=is_text) for is_text in (False, True)]
        assert tuple(f"{one['APPT_DATE']} at {one['APPT_TIME']}" for one in values) == expected


@pytest.mark.parametrize("language", ["es", "fr"])
def test_spoken_times_of_the_12_hour_clock_tell_the_halves_of_a_day_apart(language: str) -> None:
    moments = [datetime(2027, 4, 22, hour, 5) for hour in range(24)]  # noqa: DTZ001 - a wall time
    said = {say(language, moment, is_text=False)["APPT_TIME"] for moment in moments}
    assert len(said) == 24
    assert all(measure_text(words).letters == () for words in said)  # plain blanks, too


@pytest.mark.parametrize("language", ["en", "es", "fr"])
def test_every_written_date_of_a_year_has_a_plain_form_of_at_most_13_letters(language: str) -> None:
    for day in range(366):
        moment = datetime(2028, 1, 1, 9) + timedelta(days=day)  # noqa: DTZ001
        length = measure_text(write_plainly(say(language, moment, is_text=True)["APPT_DATE"]))
        assert length.letters == ()
        assert length.units <= 13
