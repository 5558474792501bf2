"""How long a text message can get: more than 160 characters cost more and may arrive in several parts."""

from datetime import datetime, timedelta
from functools import lru_cache

from contacts.models import Appointment, Contact, Location, Provider
from reminders.models import Script, ScriptText
from reminders.wording.scripts import fill_variables, speak

MOST_CHARACTERS = 160
LONG_NAME = "Maximiliano"
NEW_YEAR = datetime(2026, 1, 1, 22, 45)  # noqa: DTZ001 - a wall time


def find_too_long(script: Script) -> dict[str, int]:
    """The languages in which the script can exceed 160 characters, with the length."""
    newest = {text.language: text for text in script.texts.order_by("version")}
    lengths = {language: count_longest(text) for language, text in newest.items()}
    return {language: length for language, length in lengths.items() if length > MOST_CHARACTERS}


def count_longest(text: ScriptText) -> int:
    """Its length with a long first name, the longest date, and the longest provider and location stored."""
    providers = [*Provider.objects.all(), Provider(name="")]
    provider = max(providers, key=lambda one: len(one.spoken_name or one.name))
    locations = [*Location.objects.all()] or [Location(time_zone="UTC", callback_number="")]
    contact = Contact(first_name=LONG_NAME)
    day = _longest_day(text.language)
    appointments = (
        Appointment(contact=contact, location=location, provider=provider, local_start=day)
        for location in locations
    )
    return max(len(speak(text.text, fill_variables(one, text.language))) for one in appointments)


@lru_cache
def _longest_day(language: str) -> datetime:
    appointment = Appointment(contact=Contact(), location=Location(time_zone="UTC", callback_number=""))

    def count(day: datetime) -> int:
        appointment.local_start = day
        return len(fill_variables(appointment, language)["APPT_DATE"])

    return max((NEW_YEAR + timedelta(days=day) for day in range(365)), key=count)
