"""The one judge of what may be said: at publishing, at activation, and while it is written (product rule 62).

It joins the findings of rules/script_findings.py with what depends on the practice's names: how long the
longest message takes to say, how long it gets as a text message, and words in the names themselves.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from hashlib import sha256
from math import ceil

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from contacts.languages import name_language
from contacts.models.people import Channel
from reminders.models import Campaign, Script, ScriptText, Step
from reminders.models.campaigns import StepChannel
from reminders.rules.say_as import NOTHING_TO_SAY_AS
from reminders.rules.script_findings import Finding, ScriptFault, find_faults, find_sensitive_words
from reminders.rules.speech_time import MOST_SECONDS
from reminders.wording.pronunciations import Pronunciations, read_pronunciations
from reminders.wording.sms_length import (
    LongestText,
    SaidNames,
    find_longest_seconds,
    find_newest_texts,
    is_sent_as_text,
    measure_longest_of,
    read_said_names,
)

# What a name can reveal; "Bill Brooks" is no bill, and a practice may call itself "Best Price Dental".
SENSITIVE_IN_NAMES = frozenset({ScriptFault.DIAGNOSIS, ScriptFault.SPECIALTY})


@dataclass(frozen=True)
class WordsVerdict:
    """What was found in a text. `seconds`: of the longest call; `longest`: of the text messages."""

    refusals: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    seconds: int | None
    longest: LongestText | None

    def find_unapproved(self, approved: Collection[str]) -> tuple[Finding, ...]:
        """The warnings that nobody has read; `approved`: codes of findings (ScriptText.approved_warnings)."""
        return tuple(finding for finding in self.warnings if finding.code not in approved)


@dataclass(frozen=True)
class TextVerdict:
    """Why one language of a script can't be sent. `language`: "" if the script has no published text."""

    script: Script
    language: str
    refusals: tuple[Finding, ...]
    unapproved: tuple[Finding, ...]

    @property
    def sentences(self) -> list[str]:
        """For staff; each names the script and the language."""
        language = f" ({name_language(self.language)})" if self.language else ""
        name = f"“{self.script}”{language}"
        asked = _("A second person has to approve it.")
        refused = [f"{name}: {finding.sentence}" for finding in self.refusals]
        return refused + [f"{name}: {finding.sentence} {asked}" for finding in self.unapproved]


def judge_words(
    text: str,
    language: str,
    channels: Collection[str],
    names: SaidNames | None = None,
    pronunciations: Pronunciations | None = None,
) -> WordsVerdict:
    """Judge a text, variables not filled in, for the channels that it is sent by.

    `names`, `pronunciations`: where they were read already; else they are read here.
    """
    names = (names or read_said_names()).used_in(text)
    if pronunciations is None:
        pronunciations = read_pronunciations()
    found = [
        finding
        for channel in sorted(channels)
        for finding in find_faults(text, language, is_call=channel == Channel.VOICE)
    ]
    seconds, longest = None, None
    if Channel.VOICE in channels:
        say_as = pronunciations.get(language, NOTHING_TO_SAY_AS)
        seconds = ceil(find_longest_seconds(text, language, names, say_as))
        if seconds > MOST_SECONDS:
            found.append(Finding(ScriptFault.OVER_A_MINUTE, str(seconds)))
    if Channel.SMS in channels:
        longest = measure_longest_of(text, language, names)
        if longest.is_refused:
            found.append(Finding(ScriptFault.TEXT_TOO_LONG, str(longest.length.units)))
    found = list(dict.fromkeys([*found, *_find_in_names(names, language)]))
    return WordsVerdict(
        refusals=tuple(finding for finding in found if not finding.is_warning),
        warnings=tuple(finding for finding in found if finding.is_warning),
        seconds=seconds,
        longest=longest,
    )


def judge_text(text: ScriptText) -> WordsVerdict:
    """Judge a version of a script, draft or published, for the channels that its script is sent by."""
    return judge_words(text.text, text.language, channels_of(text.script))


def channels_of(script: Script) -> frozenset[Channel]:
    """By which channels steps send a script; without steps, what it is written for."""
    said = Step.objects.in_use().filter(script=script).exclude(channel=StepChannel.SMS).exists()
    by_use = {Channel.SMS} if is_sent_as_text(script) else set()
    by_use |= {Channel.VOICE} if said else set()
    return frozenset(by_use or {Channel(script.channel)})


def fingerprint_text(text: ScriptText | None) -> str:
    """What tells one state of a text from another; "" for none."""
    if text is None:
        return ""
    content = "\0".join([str(text.pk), text.state, text.language, text.voice, text.text])
    return sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def may_approve(text: ScriptText, by: User) -> bool:
    """Whether this person's word counts as a second one. Of older texts it isn't known who wrote them."""
    return not settings.SCRIPTS_NEED_SECOND_PERSON or text.written_by_id != by.pk


def judge_campaign(campaign: Campaign) -> list[TextVerdict]:
    """Why a campaign can't be activated: each text that is refused, or warned of and not approved.

    Each text is judged for the channels that this campaign's steps send it by.
    """
    scripts = ("script", "text_script", "fallback_script")
    steps = campaign.steps.in_use().select_related(*scripts)
    texts = (f"{one}__texts" for one in scripts)
    return judge_steps(steps.prefetch_related(*texts), read_said_names(), read_pronunciations())


def judge_steps(steps: Iterable[Step], names: SaidNames, pronunciations: Pronunciations) -> list[TextVerdict]:
    """The same for steps that need not be saved; no query if their scripts are loaded with their texts."""
    verdicts = []
    for script, channels in read_script_uses(steps).items():
        texts = find_newest_texts(script)
        if not texts:
            verdicts.append(TextVerdict(script, "", (Finding(ScriptFault.EMPTY),), ()))
        for text in texts.values():
            verdict = judge_words(text.text, text.language, channels, names, pronunciations)
            unapproved = verdict.find_unapproved(text.approved_warnings)
            if verdict.refusals or unapproved:
                verdicts.append(TextVerdict(script, text.language, verdict.refusals, unapproved))
    return verdicts


def say_refusals(campaign: Campaign, verdicts: Iterable[TextVerdict]) -> list[str]:
    """What the texts of a campaign are refused for, as sentences for staff."""
    return [f"{campaign}, {sentence}" for verdict in verdicts for sentence in verdict.sentences]


def read_script_uses(steps: Iterable[Step]) -> dict[Script, set[Channel]]:
    """The scripts of these steps, each with the channels that they send it by."""
    uses: dict[Script, set[Channel]] = {}
    for step in steps:
        by_call = step.channel != StepChannel.SMS
        uses.setdefault(step.script, set()).add(Channel.VOICE if by_call else Channel.SMS)
        if step.text_script and step.channel == StepChannel.PREFERRED:
            uses.setdefault(step.text_script, set()).add(Channel.SMS)
        if step.fallback_script:
            uses.setdefault(step.fallback_script, set()).add(Channel.SMS)
    return uses


def list_script_uses(steps: Iterable[Step]) -> set[tuple[int, Channel]]:
    """The same as pairs of a script (id) and a channel."""
    return {(script.pk, one) for script, found in read_script_uses(steps).items() for one in found}


def _find_in_names(names: SaidNames, language: str) -> list[Finding]:
    said = {location.spoken_name for location in names.locations}
    said |= {provider.spoken_name or provider.name for provider in names.providers}
    return [
        Finding(finding.fault, f"{finding.words} (“{name}”)")
        for name in sorted(said)
        for finding in find_sensitive_words(name, language)
        if finding.fault in SENSITIVE_IN_NAMES
    ]
