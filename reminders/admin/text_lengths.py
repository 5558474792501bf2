"""What the admin says about the length of text messages (product rule 40): the count, and what it costs."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.languages import name_language
from reminders.models import Script
from reminders.wording.sms_alphabet import TextLength
from reminders.wording.sms_length import MOST_CHARACTERS, LongestText, find_newest_texts, find_too_long

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


def describe_refusal(longest: LongestText) -> str:
    """Why the text can't be a text message, with the numbers."""
    words = {
        "language": name_language(longest.language),
        "length": describe_length(longest.length),
        "most": MOST_CHARACTERS,
    }
    return (
        _(
            "In %(language)s this can be too long for a text message, which has at most %(most)d characters "
            "(%(length)s). Choose or write a shorter one."
        )
        % words
    )


def list_refusals(script: Script) -> list[str]:
    """Why it can't be sent as a text message: it has no text, or is too long in one of its languages."""
    if not find_newest_texts(script):
        return [_("This script has no published text yet. Write it first.")]
    return [describe_refusal(longest) for longest in find_too_long(script).values() if longest.is_refused]


def warn_of_long_texts(page: admin.ModelAdmin[Any], request: HttpRequest, scripts: Iterable[Script]) -> None:
    """Warn of each text message that can need more than one part."""
    for script in scripts:
        for longest in find_too_long(script).values():
            words = {
                "script": script,
                "language": name_language(longest.language),
                "length": describe_length(longest.length),
            }
            page.message_user(
                request,
                _(
                    "“%(script)s” in %(language)s can cost more than one text message, and may arrive in "
                    "pieces: %(length)s."
                )
                % words,
                messages.WARNING,
            )


def _quote(letters: tuple[str, ...]) -> str:
    return get_text_list([f"“{letter}”" for letter in letters[:LETTERS_SHOWN]], _("and"))
