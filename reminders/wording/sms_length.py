"""How long a text message of a script can get, counted as it is sent (sms_alphabet.py; product rule 40).

A reminder by text has at most 160 characters: a longer one is refused where a step or a script is saved, and
when a campaign is activated. One that needs more than one part all the same, because of a letter such as á
or an emoji, is only warned of: in Russian or Chinese there is no other way. What was saved before goes out
whatever its length; a reminder that costs more is better than none.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import product
from typing import TypeVar

from django.db.models import Q
from django.db.models.functions import Length

from contacts.models import Appointment, Contact, Location, Provider
from reminders.models import Campaign, Script, Step
from reminders.models.campaigns import StepChannel
from reminders.wording.scripts import choose_letters, fill_variables, speak, used_variables
from reminders.wording.sms_alphabet import TextLength, measure_text, write_plainly

Named = TypeVar("Named", Location, Provider)
MOST_CHARACTERS = 160
LONG_NAME = "Maximiliana-Carlotta"  # 20 letters
NEW_YEAR = datetime(2026, 1, 1, 22, 45)  # noqa: DTZ001 - a wall time


@dataclass(frozen=True)
class LongestText:
    """A script's newest text in one language as the longest message it can become. `length`: of `example`."""

    language: str
    example: str
    length: TextLength

    @property
    def is_refused(self) -> bool:
        return self.length.units > MOST_CHARACTERS


def measure_script(script: Script, first_name: str = LONG_NAME) -> list[LongestText]:
    """The longest message in each language, by the practice's longest names and the longest date."""
    newest = {text.language: text for text in script.texts.order_by("version")}
    return [measure_longest(text.text, language, first_name) for language, text in newest.items()]


def find_too_long(script: Script) -> dict[str, LongestText]:
    """The languages in which a message of the script can need more than one part, with the longest one."""
    return {longest.language: longest for longest in measure_script(script) if longest.length.segments > 1}


def measure_longest(text: str, language: str, first_name: str = LONG_NAME) -> LongestText:
    """The longest message of a text, with the longest date, and the longest provider and location stored."""
    day, used = _find_longest_day(language), used_variables(text)
    locations = _find_longest(Location.objects.all(), used & {"PRACTICE", "CALLBACK_NUMBER"})
    providers: list[Provider | None] = [*_find_longest(Provider.objects.all(), used & {"PROVIDER"})]
    messages = []
    for location, provider in product(locations or [_any_location()], providers or [None]):
        appointment = Appointment(
            contact=Contact(first_name=first_name), location=location, provider=provider, local_start=day
        )
        values = choose_letters(text, fill_variables(appointment, language, is_text=True))
        message = speak(text, values)
        messages.append(LongestText(language, message, measure_text(message)))
    return max(messages, key=lambda one: (one.length.segments, one.length.units))


def find_longest_first_name() -> str:
    """The longest first name of a patient, "" without patients."""
    contact = Contact.objects.order_by(Length("first_name").desc(), "pk").first()
    return contact.first_name if contact else ""


def is_sent_as_text(script: Script) -> bool:
    """Whether a step sends this script as a text message."""
    by_text = Q(script=script, channel=StepChannel.SMS) | Q(fallback_script=script) | Q(text_script=script)
    return script.pk is not None and Step.objects.filter(by_text).exists()


def text_scripts_of(steps: Iterable[Step]) -> list[Script]:
    """The scripts that these steps send as text messages, each once."""
    return list(dict.fromkeys(script for step in steps for script in _text_scripts_of(step)))


def list_active_text_scripts() -> list[Script]:
    """The scripts that active campaigns send as text messages."""
    steps = Step.objects.filter(campaign__state=Campaign.State.ACTIVE, removed_at=None)
    return text_scripts_of(steps.select_related("script", "text_script", "fallback_script"))


def _text_scripts_of(step: Step) -> Iterator[Script]:
    if step.channel == StepChannel.SMS:
        yield step.script
    if step.channel == StepChannel.PREFERRED and step.text_script:
        yield step.text_script
    if step.fallback_script:
        yield step.fallback_script


def _find_longest(rows: Iterable[Named], used: frozenset[str]) -> list[Named]:
    """Of those whose name is used: the longest, and the longest that has other letters than the alphabet."""
    if not used:
        return []
    by_letters: dict[bool, list[Named]] = {True: [], False: []}
    for row in rows:
        length = measure_text(write_plainly(_said_of(row)))
        by_letters[bool(length.letters)].append(row)
    return [
        max(group, key=lambda row: measure_text(_said_of(row)).units)
        for group in by_letters.values()
        if group
    ]


def _said_of(row: Location | Provider) -> str:
    return row.spoken_name or row.name


def _any_location() -> Location:
    return Location(time_zone="UTC", callback_number="")


@lru_cache
def _find_longest_day(language: str) -> datetime:
    """The moment of a year whose date and time take the most room in a text of this language."""
    appointment = Appointment(contact=Contact(), location=_any_location())

    def count(day: datetime) -> int:
        appointment.local_start = day
        values = fill_variables(appointment, language, is_text=True)
        return measure_text(write_plainly(values["APPT_DATE"] + values["APPT_TIME"])).units

    return max((NEW_YEAR + timedelta(days=day) for day in range(365)), key=count)
