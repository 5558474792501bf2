"""The length of text messages in words for staff (product rule 40): the count, and what it costs."""

from collections.abc import Iterable

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.languages import name_language
from reminders.models import Script
from reminders.wording.sms_alphabet import TextLength
from reminders.wording.sms_length import SaidNames, find_too_long, read_said_names

LETTERS_SHOWN = 12


def describe_length(length: TextLength) -> str:
    """The count in words: "1 part (152 of 160 characters)", "3 parts (150 characters …) because of “á”"."""
    parts = ngettext("%(count)d part", "%(count)d parts", length.segments) % {"count": length.segments}
    words = {"parts": parts, "units": length.units, "most": length.most_units}
    words["letters"] = _quote(length.letters)
    words["doubled"] = _quote(length.doubled)
    if length.letters:
        return (
            _("%(parts)s: %(units)d characters, where one part has only %(most)d because of %(letters)s")
            % words
        )
    if length.doubled:
        return _("%(parts)s: %(units)d of %(most)d characters; %(doubled)s count as two") % words
    if length.segments > 1:
        return _("%(parts)s: %(units)d characters, where one part has only %(most)d") % words
    return _("%(parts)s: %(units)d of %(most)d characters") % words


def say_long_texts(scripts: Iterable[Script], names: SaidNames | None = None) -> list[str]:
    """A sentence for each text message of these scripts that can need more than one part.

    `names`: of read_said_names(), where they were read already.
    """
    names = names or read_said_names()
    words = _(
        "“%(script)s” in %(language)s can cost more than one text message, and may arrive in pieces: "
        "%(length)s."
    )
    return [
        words
        % {
            "script": script,
            "language": name_language(longest.language),
            "length": describe_length(longest.length),
        }
        for script in scripts
        for longest in find_too_long(script, names).values()
    ]


def _quote(letters: tuple[str, ...]) -> str:
    return get_text_list([f"“{letter}”" for letter in letters[:LETTERS_SHOWN]], _("and"))
