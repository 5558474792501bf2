"""Ready-made campaigns as a page shows them: steps in sentences, and the words filled in for an example."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from contacts.languages import SHIPPED_LANGUAGES, name_language
from contacts.models.people import Channel
from reminders.campaigns.drafts import CampaignDraft, load_texts
from reminders.campaigns.ready_made import READY_MADE, ReadyCampaign, build_steps, suggest_name
from reminders.campaigns.step_words import describe_details, describe_step
from reminders.models import Script
from reminders.models.campaigns import StepChannel
from reminders.rules.say_as import NOTHING_TO_SAY_AS
from reminders.wording.pronunciations import read_pronunciations
from reminders.wording.script_verdicts import judge_words
from reminders.wording.scripts import choose_letters, fill_variables, speak
from reminders.wording.sms_length import find_newest_texts, read_said_names
from reminders.wording.test_messages import make_up_location, make_up_visit


@dataclass(frozen=True)
class SaidText:
    """A text in one language, filled in for a made-up visit. `findings`: what is wrong, in sentences."""

    language: str
    language_name: str
    words: str
    findings: Sequence[str]


@dataclass(frozen=True)
class SaidScript:
    """A script in its languages. `pk`: None where it isn't made yet."""

    pk: int | None
    name: str
    is_text: bool
    texts: Sequence[SaidText]


@dataclass(frozen=True)
class ReadyStepView:
    """A step in words: when it goes to whom, and the rest of what it says."""

    words: str
    details: Sequence[str]


@dataclass(frozen=True)
class ReadyView:
    """A ready-made campaign. `name`: what it will be called, unless somebody gives it another name."""

    ready: ReadyCampaign
    name: str
    steps: Sequence[ReadyStepView]
    scripts: Sequence[SaidScript]


class ExampleWriter:
    """Fills texts in for a made-up visit at the practice's first location, a week ahead: three queries."""

    def __init__(self, now: datetime) -> None:
        self._now, self._names, self._pronunciations = now, read_said_names(), read_pronunciations()
        self.is_made_up = not self._names.locations

    def write(self, name: str, channel: str, texts: Mapping[str, str], pk: int | None = None) -> SaidScript:
        """A script whose `texts`, by language, are sent by this channel; the shipped languages first."""
        in_order = sorted(texts, key=lambda one: ([*SHIPPED_LANGUAGES, one].index(one), name_language(one)))
        said = [self._say(texts[language], language, channel) for language in in_order]
        return SaidScript(pk, name, channel == Channel.SMS, said)

    def _say(self, text: str, language: str, channel: str) -> SaidText:
        verdict = judge_words(text, language, {channel}, self._names, self._pronunciations)
        findings = [finding.sentence for finding in (*verdict.refusals, *verdict.warnings)]
        return SaidText(language, name_language(language), self._fill(text, language, channel), findings)

    def _fill(self, text: str, language: str, channel: str) -> str:
        locations, providers = self._names
        visit = make_up_visit(
            language,
            locations[0] if locations else make_up_location(),
            providers[0] if providers else None,
            self._now,
        )
        if channel == Channel.SMS:
            return speak(text, choose_letters(text, fill_variables(visit, language, is_text=True)))
        say_as = self._pronunciations.get(language, NOTHING_TO_SAY_AS)
        return speak(text, fill_variables(visit, language, say_as=say_as))


def view_ready_made(writer: ExampleWriter) -> list[ReadyView]:
    """All ready-made campaigns, with their words."""
    return [
        ReadyView(
            ready,
            suggest_name(ready),
            [ReadyStepView(describe_step(step), describe_details(step)) for step in build_steps(ready)],
            [writer.write(script.name, script.channel, script.texts) for script in ready.scripts],
        )
        for ready in READY_MADE
    ]


def list_said_scripts(saved: CampaignDraft, writer: ExampleWriter) -> list[SaidScript]:
    """What a campaign's steps say, by the texts in force; each script once for each way that it is sent."""
    load_texts(saved.steps)
    uses = dict.fromkeys(_find_uses(saved))
    return [writer.write(script.name, channel, _read_words(script), script.pk) for script, channel in uses]


def _find_uses(saved: CampaignDraft) -> Iterable[tuple[Script, Channel]]:
    for step in saved.steps:
        yield step.script, Channel.SMS if step.channel == StepChannel.SMS else Channel.VOICE
        for script in (step.text_script, step.fallback_script):
            if script:
                yield script, Channel.SMS


def _read_words(script: Script) -> dict[str, str]:
    return {language: text.text for language, text in find_newest_texts(script).items()}
