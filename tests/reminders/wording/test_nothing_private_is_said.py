"""What staff note about a person, and their date of birth, is never said or written to anybody."""

from datetime import UTC, date, datetime

import pytest

from contacts.languages import list_languages
from reminders.rules.say_as import NOTHING_TO_SAY_AS
from reminders.rules.script_findings import KNOWN_VARIABLES
from reminders.wording.scripts import fill_for_all, fill_variables
from tests.people import make_appointment, make_contact

BORN = date(1931, 12, 25)
PRIVATE = (
    "1931",
    "31",
    "25",
    "december",
    "dezember",
    "diciembre",
    "décembre",
    "christmas",
    "zanzibar",
    "quokka",
)


@pytest.mark.django_db
@pytest.mark.parametrize("is_text", [False, True])
def test_no_variable_of_a_script_reaches_a_date_of_birth_or_notes(is_text: bool) -> None:
    sarah = make_contact(
        last_name="Quokka", external_id="Zanzibar", source="pms", date_of_birth=BORN, notes="Zanzibar 1931"
    )
    visit = make_appointment(sarah, starts_at=datetime(2027, 6, 3, 15, 0, tzinfo=UTC), kind="Quokka")
    reached = set()
    for code, _name in list_languages(""):
        alone = fill_variables(visit, code, is_text=is_text, say_as=NOTHING_TO_SAY_AS)
        reached |= set(alone)
        together = fill_for_all([visit, visit], code, is_text=is_text, say_as=NOTHING_TO_SAY_AS)
        said = " ".join([*alone.values(), *together.values()]).lower()
        assert "sarah" in said
        assert [word for word in PRIVATE if word in said] == [], code
    assert reached == KNOWN_VARIABLES, "each variable that a script may use was looked at"
