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


def read_script_lines(of: Iterable[Script] | None = None) -> list[ScriptLine]:
    """All scripts by name, or those given, which have their texts; three queries, or one."""
    scripts = ("script_id", "text_script_id", "fallback_script_id")
    campaigns: dict[int, dict[str, None]] = {}
    uses = Step.objects.in_use().values_list("campaign__name", *scripts)
    for name, *used in uses.order_by("campaign__name"):
        for script in filter(None, used):
            campaigns.setdefault(script, {})[name] = None
    shown: Iterable[Script]
    if of is None:
        shown = Script.objects.prefetch_related("texts")
    else:
        shown = sorted({script.pk: script for script in of}.values(), key=attrgetter("name"))
    return [
        ScriptLine(
            pk=script.pk,
            name=script.name,
            is_text=script.channel == "sms",
            tabs=tuple(list_tabs(script)),
            used_by=get_text_list(list(campaigns.get(script.pk, {})), _("and")),
        )
        for script in shown
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
