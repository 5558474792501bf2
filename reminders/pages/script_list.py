"""The list of scripts: in which languages each is published, and which campaigns say it."""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from contacts.languages import SHIPPED_LANGUAGES, name_language
from reminders.models import Script, ScriptText, Step


@dataclass(frozen=True)
class LanguageTab:
    """A language of a script: whether there is a text in force, and a draft."""

    code: str
    name: str
    is_published: bool
    has_draft: bool


@dataclass(frozen=True)
class ScriptLine:
    """A script of the list. `used_by`: the campaigns whose steps send it, as a phrase; "" for none."""

    pk: int
    name: str
    is_text: bool
    tabs: tuple[LanguageTab, ...]
    used_by: str


def read_script_lines() -> list[ScriptLine]:
    """All scripts by name; three queries."""
    return list_script_lines(
        Script.objects.prefetch_related("texts"), Step.objects.in_use().select_related("campaign")
    )


def list_script_lines(scripts: Iterable[Script], steps: Iterable[Step]) -> list[ScriptLine]:
    """These scripts, which have their texts, in their order. `steps`: all that are in use."""
    campaigns: dict[int, dict[str, None]] = {}
    for step in sorted(steps, key=attrgetter("campaign.name")):
        for script in filter(None, (step.script_id, step.text_script_id, step.fallback_script_id)):
            campaigns.setdefault(script, {})[step.campaign.name] = None
    return [
        ScriptLine(
            pk=script.pk,
            name=script.name,
            is_text=script.channel == "sms",
            tabs=tuple(list_tabs(script)),
            used_by=get_text_list(list(campaigns.get(script.pk, {})), _("and")),
        )
        for script in scripts
    ]


def list_tabs(script: Script, also: str = "") -> list[LanguageTab]:
    """The languages of a script: the shipped ones always, then its own, and `also`."""
    states: dict[str, set[str]] = {code: set() for code in SHIPPED_LANGUAGES}
    for text in sorted(script.texts.all(), key=lambda text: name_language(text.language)):
        states.setdefault(text.language, set()).add(text.state)
    if also:
        states.setdefault(also, set())
    return [
        LanguageTab(
            code,
            name_language(code),
            is_published=ScriptText.State.PUBLISHED in found,
            has_draft=ScriptText.State.DRAFT in found,
        )
        for code, found in states.items()
    ]
