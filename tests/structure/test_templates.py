"""Templates keep to the layers too: those of contacts use no tag and no template of reminders."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template import engines

TEMPLATES = Path(settings.BASE_DIR) / "templates"
OF_CONTACTS = sorted((TEMPLATES / "contacts").rglob("*.html"))
UPPER = ("reminders", "webhooks")
LOAD = re.compile(r"{%\s*load\s+([^%]+)%}")
USED = re.compile(r"""{%\s*(?:include|extends)\s+["']([^"']+)["']""")


def list_upward(text: str) -> list[str]:
    """The libraries of tags and the templates of upper apps that a template uses."""
    modules: dict[str, str] = engines["django"].engine.libraries  # type: ignore[attr-defined]
    tags = [name for loaded in LOAD.findall(text) for name in loaded.split(" from ")[-1].split()]
    upward = [name for name in tags if modules[name].split(".")[0] in UPPER]
    return upward + [name for name in USED.findall(text) if name.split("/")[0] in UPPER]


@pytest.mark.parametrize("path", OF_CONTACTS, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_a_template_of_contacts_uses_nothing_of_reminders(path: Path) -> None:
    assert list_upward(path.read_text()) == []


@pytest.mark.parametrize(
    "text",
    [
        "{% load i18n reminder_display %}",
        "{%load reminder_display%}",
        "{% load chip from reminder_display %}",
        '{% include "reminders/import_calls_words.html" with today=today %}',
        "{% extends 'reminders/import_calls.html' %}",
    ],
)
def test_what_a_template_uses_of_reminders_is_found(text: str) -> None:
    assert list_upward(text)


def test_there_are_templates_of_contacts() -> None:
    assert len(OF_CONTACTS) > 20
