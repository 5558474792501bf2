"""What workers stored in English is shown in the reader's language (product rule 60)."""

import pytest
from django.utils import translation
from django.utils.translation import gettext, ngettext

from contacts.imports.missing import MISSING
from contacts.stored_sentences import translate_stored


def in_spanish(text: str) -> str:
    with translation.override("es"):
        return translate_stored(text)


def test_a_stored_sentence_is_read_in_the_readers_language() -> None:
    with translation.override("es"):
        assert gettext(MISSING) != MISSING
        assert translate_stored(MISSING) == gettext(MISSING)
    assert translate_stored(MISSING) == MISSING


def test_values_stay_as_they_are_and_several_sentences_are_each_translated() -> None:
    english = "The file has no sheet “%(name)s”. It has: %(names)s."
    values = {"name": "100% (May)", "names": "Lunes, “Tue.”"}
    with translation.override("es"):
        spanish = gettext(english) % values
        missing = gettext(MISSING)
    assert spanish != english % values
    assert in_spanish(english % values) == spanish
    assert in_spanish(f"{MISSING} {english % values} Nobody wrote this.") == (
        f"{missing} {spanish} Nobody wrote this."
    )


@pytest.mark.parametrize("count", [1, 7])
def test_both_forms_of_a_plural_are_found(count: int) -> None:
    forms = ("%(count)d message was dismissed.", "%(count)d messages were dismissed.")
    with translation.override("es"):
        spanish = ngettext(*forms, count) % {"count": count}
    assert spanish != ngettext(*forms, count) % {"count": count}
    assert in_spanish(ngettext(*forms, count) % {"count": count}) == spanish


@pytest.mark.parametrize(
    "text", ["", "Maria Gonzalez", "50 % of it. %(name)s", "…", "a\nb", "Cut off in the mid…"]
)
def test_anything_else_stays_as_it_is(text: str) -> None:
    assert in_spanish(text) == text
