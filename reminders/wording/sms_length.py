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
from operator import attrgetter
from typing import NamedTuple, TypeVar

from django.db.models import Q
from django.db.models.functions import Length

from contacts.models import Appointment, Contact, Location, Provider
from reminders.models import Campaign, Script, ScriptText, Step
from reminders.models.campaigns import StepChannel
from reminders.rules.say_as import SayAs, apply_say_as
from reminders.rules.speech_time import estimate_seconds
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


class SaidNames(NamedTuple):
    """The locations and providers whose names can be said."""

    locations: tuple[Location, ...]
    providers: tuple[Provider, ...]

    def used_in(self, text: str) -> "SaidNames":
        """Those that a text, variables not filled in, can say."""
        used = used_variables(text)
        locations = self.locations if used & {"PRACTICE", "CALLBACK_NUMBER"} else ()
        return SaidNames(locations, self.providers if "PROVIDER" in used else ())


def measure_script(
    script: Script, first_name: str = LONG_NAME, names: SaidNames | None = None
) -> list[LongestText]:
    """The longest message of each language's text in force, by the practice's longest names and date.

    `names`: of read_said_names(), where they were read already.
    """
    newest = find_newest_texts(script)
    names = names or read_said_names()
    return [
        _measure_longest(text.text, language, names.used_in(text.text), first_name)
        for language, text in newest.items()
    ]


def find_too_long(script: Script, names: SaidNames | None = None) -> dict[str, LongestText]:
    """The languages in which a message of the script can need more than one part, with the longest one."""
    measured = measure_script(script, names=names)
    return {longest.language: longest for longest in measured if longest.length.segments > 1}


def measure_longest_of(text: str, language: str, names: SaidNames) -> LongestText:
    """The longest message of a text, with the longest date, and the longest of these names."""
    return _measure_longest(text, language, names, LONG_NAME)


def find_longest_seconds(text: str, language: str, names: SaidNames, say_as: SayAs) -> float:
    """How long the longest message of a text takes in a call, in seconds."""

    def estimate(row: Location | Provider) -> float:
        return estimate_seconds(apply_say_as(_said_of(row), say_as), language)

    appointment = Appointment(
        contact=Contact(first_name=LONG_NAME),
        location=max(names.locations, key=estimate, default=_any_location()),
        provider=max(names.providers, key=estimate, default=None),
        local_start=NEW_YEAR,
    )
    values = fill_variables(appointment, language, say_as=say_as)
    return estimate_seconds(speak(text, values), language)


def read_said_names() -> SaidNames:
    """All locations and providers: two queries."""
    return SaidNames(tuple(Location.objects.all()), tuple(Provider.objects.all()))


def find_newest_texts(script: Script) -> dict[str, ScriptText]:
    """The published text in force of each language."""
    ordered = sorted(script.texts.all(), key=attrgetter("version"))
    return {text.language: text for text in ordered if text.is_published}


def _measure_longest(text: str, language: str, names: SaidNames, first_name: str) -> LongestText:
    day = _find_longest_day(language)
    locations = _find_longest(names.locations)
    providers: list[Provider | None] = [*_find_longest(names.providers)]
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
    return script.pk is not None and Step.objects.in_use().filter(by_text).exists()


def text_scripts_of(steps: Iterable[Step]) -> list[Script]:
    """The scripts that these steps send as text messages, each once."""
    return list(dict.fromkeys(script for step in steps for script in _text_scripts_of(step)))


def list_active_text_scripts() -> list[Script]:
    """The scripts that active campaigns send as text messages."""
    steps = Step.objects.in_use().filter(campaign__state=Campaign.State.ACTIVE)
    return text_scripts_of(steps.select_related("script", "text_script", "fallback_script"))


def _text_scripts_of(step: Step) -> Iterator[Script]:
    if step.channel == StepChannel.SMS:
        yield step.script
    if step.channel == StepChannel.PREFERRED and step.text_script:
        yield step.text_script
    if step.fallback_script:
        yield step.fallback_script


def _find_longest(rows: Iterable[Named]) -> list[Named]:
    """The one with the longest name, and the longest that has other letters than the alphabet."""
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
    return Location(time_zone="UTC", callback_number="+12025550199")


@lru_cache
def _find_longest_day(language: str) -> datetime:
    """The moment of a year whose date and time take the most room in a text of this language."""
    appointment = Appointment(contact=Contact(), location=_any_location())

    def count(day: datetime) -> int:
        appointment.local_start = day
        values = fill_variables(appointment, language, is_text=True)
        return measure_text(write_plainly(values["APPT_DATE"] + values["APPT_TIME"])).units

    return max((NEW_YEAR + timedelta(days=day) for day in range(365)), key=count)
