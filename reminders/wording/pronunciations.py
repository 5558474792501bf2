"""The practice's abbreviations and how they are said in calls; those that a new practice begins with.

They are applied to the names of locations and providers, in calls only (rules/say_as.py). The words of a
script are said as they are written there.
"""

from collections.abc import Mapping

from reminders.models import Pronunciation
from reminders.rules.say_as import SayAs

Pronunciations = Mapping[str, SayAs]  # by language
NO_PRONUNCIATIONS: Pronunciations = {}
# "St." is not among them: in a street's name it is "Street", in a saint's "Saint".
USUAL_PRONUNCIATIONS = {
    "en": {
        "Dr": "Doctor",
        "Drs": "Doctors",
        "Ave": "Avenue",
        "Blvd": "Boulevard",
        "Rd": "Road",
        "Ste": "Suite",
    },
    "es": {"Dr": "doctor", "Dra": "doctora", "Av": "avenida", "Ave": "avenida", "Blvd": "bulevar"},
    "fr": {"Dr": "docteur", "Dre": "docteure", "Av": "avenue", "Boul": "boulevard", "Ste": "Sainte"},
}


def read_pronunciations() -> dict[str, dict[str, str]]:
    """The practice's table: one query."""
    table: dict[str, dict[str, str]] = {}
    for one in Pronunciation.objects.all():
        table.setdefault(one.language, {})[one.written] = one.spoken
    return table


def ensure_pronunciations() -> None:
    """Give a practice without any the usual ones. What it has changed or removed stays so."""
    if Pronunciation.objects.exists():
        return
    Pronunciation.objects.bulk_create(
        Pronunciation(written=written, spoken=spoken, language=language)
        for language, table in USUAL_PRONUNCIATIONS.items()
        for written, spoken in table.items()
    )
