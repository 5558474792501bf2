"""The page of one script in one language: the text, what was found in it, how it is heard, its history."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.languages import list_languages, name_language
from contacts.models import Appointment, Contact, Location, Provider
from contacts.models.people import Channel
from contacts.templatetags.display import day_and_clock
from reminders.deciding.said_names import list_said_names
from reminders.deciding.shared_settings import read_shared_settings
from reminders.deciding.situations import PracticeConfig
from reminders.models import CallRecord, Script, ScriptText
from reminders.pages.script_list import LanguageTab, list_tabs
from reminders.pages.story import name_person
from reminders.rules.say_as import NOTHING_TO_SAY_AS
from reminders.rules.script_findings import Finding, names_a_key
from reminders.rules.speech_time import MOST_SECONDS, estimate_seconds
from reminders.wording.default_scripts import VOICES
from reminders.wording.pronunciations import Pronunciations
from reminders.wording.script_verdicts import channels_of, fingerprint_text, judge_words, may_approve
from reminders.wording.scripts import choose_letters, fill_variables, speak
from reminders.wording.sms_alphabet import TextLength, measure_text
from reminders.wording.test_messages import make_up_location

SECONDS_LOST = 3  # how much of a message a voicemail can miss that begins to record late
SENTENCE = re.compile(r".+?(?:[.!?…。！？]+(?=\s|$)|$)\s*", re.DOTALL)
WORD = re.compile(r"\S+\s*|\s+")
# What stands on the chips that insert a variable.
VARIABLES = {
    "{PRACTICE}": gettext_lazy("practice"),
    "{FIRST_NAME}": gettext_lazy("first name"),
    "{APPT_DATE}": gettext_lazy("day of the visit"),
    "{APPT_TIME}": gettext_lazy("time of the visit"),
    "{PROVIDER}": gettext_lazy("provider"),
    "{CALLBACK_NUMBER}": gettext_lazy("number to call back"),
}


@dataclass(frozen=True)
class HeardPart:
    """A piece of a message as a voicemail keeps it: "lost", "kept", or "keys" that nobody can press there."""

    kind: str
    words: str


@dataclass(frozen=True)
class Example:
    """A visit that the variables are filled in from. `words`: whose it is, for the page."""

    appointment: Appointment
    is_real: bool
    words: str


@dataclass(frozen=True)
class Measured:
    """What the page says about a text as it stands in the form.

    `refusals`, `warnings`: sentences; `approved`: whether somebody has read all these warnings. `spoken` and
    `voicemail` for a call, `written` and `length` for a text message; `longest` is that of the longest names.
    """

    refusals: tuple[str, ...]
    warnings: tuple[str, ...]
    approved: bool
    seconds: int | None
    spoken: str
    voicemail: tuple[HeardPart, ...]
    written: str
    length: TextLength | None
    longest: TextLength | None
    example: Example
    language: str
    most_seconds: int = MOST_SECONDS


@dataclass(frozen=True)
class DiffPart:
    """Words that are the "same", "removed" or "added" in the newer of two texts."""

    kind: str
    words: str


@dataclass(frozen=True)
class Version:
    """A version of a text with what became of it. `changes`: against the one before; empty for the first."""

    pk: int
    number: int
    state: str
    is_in_force: bool
    is_used: bool
    text: str
    deeds: tuple[str, ...]
    changes: tuple[DiffPart, ...]


@dataclass(frozen=True)
class Editor:
    """All that the page shows. `seen`: fingerprints of the draft and of the text in force."""

    script: Script
    language: str
    language_name: str
    is_call: bool
    is_text: bool
    tabs: tuple[LanguageTab, ...]
    other_languages: tuple[tuple[str, str], ...]
    draft: ScriptText | None
    in_force: ScriptText | None
    draft_seen: str
    in_force_seen: str
    may_approve: bool
    text: str
    voice: str
    measured: Measured
    versions: tuple[Version, ...]

    @property
    def judged(self) -> ScriptText | None:
        """The version that the deeds on the page are about."""
        return self.draft or self.in_force


def read_editor(
    script: Script, language: str, user: User, *, written: str | None = None, voice: str = "", made_up: bool
) -> Editor:
    """The page for a person; a constant number of queries. `script` with its texts.

    `written`, `voice`: what stands in the form, if it is not what is stored. `made_up`: fill the variables in
    from a made-up visit, not from the next real one.
    """
    texts = _read_texts(script, language)
    draft = next((text for text in texts if not text.is_published), None)
    in_force = next((text for text in texts if text.is_published), None)
    shown = draft or in_force
    text = written if written is not None else (shown.text if shown else "")
    channels, config = channels_of(script), read_shared_settings().config
    approved = shown.approved_warnings if shown and shown.text == text else []
    tabs = list_tabs(script, also=language)
    known = {tab.code for tab in tabs}
    return Editor(
        script=script,
        language=language,
        language_name=name_language(language),
        is_call=Channel.VOICE in channels,
        is_text=Channel.SMS in channels,
        tabs=tuple(tabs),
        other_languages=tuple(one for one in list_languages(language) if one[0] not in known),
        draft=draft,
        in_force=in_force,
        draft_seen=fingerprint_text(draft),
        in_force_seen=fingerprint_text(in_force),
        may_approve=shown is not None and may_approve(shown, user),
        text=text,
        voice=voice or (shown.voice if shown else VOICES.get(language, "")),
        measured=measure_words(text, language, channels, approved, config, made_up=made_up),
        versions=tuple(_describe_versions(texts, config)),
    )


def measure_words(
    text: str,
    language: str,
    channels: frozenset[Channel],
    approved: Sequence[str],
    config: PracticeConfig,
    *,
    made_up: bool,
) -> Measured:
    """What was found in a text, and how one visit hears and reads it. `approved`: codes of warnings."""
    names, pronunciations = list_said_names(config), config.pronunciations
    verdict = judge_words(text, language, channels, names, pronunciations)
    example = _find_example(language, names.locations, names.providers, made_up=made_up)
    is_call, is_text = Channel.VOICE in channels, Channel.SMS in channels
    spoken = _fill(text, language, example, pronunciations) if is_call else ""
    written = _write(text, language, example) if is_text else ""
    return Measured(
        refusals=_say(verdict.refusals),
        warnings=_say(verdict.warnings),
        approved=not verdict.find_unapproved(approved),
        seconds=verdict.seconds,
        spoken=spoken,
        voicemail=tuple(split_for_voicemail(spoken, language)),
        written=written,
        length=measure_text(written) if is_text else None,
        longest=verdict.longest.length if verdict.longest else None,
        example=example,
        language=language,
    )


def split_for_voicemail(spoken: str, language: str) -> list[HeardPart]:
    """A call's words as a voicemail keeps them: the beginning may be lost, and no key can be pressed."""
    lost, kept, keys = "", "", ""
    for sentence in SENTENCE.findall(spoken):
        if keys or names_a_key(sentence, language):
            keys += sentence
            continue
        for word in WORD.findall(sentence):
            if not kept and estimate_seconds(lost + word, language) <= SECONDS_LOST:
                lost += word
            else:
                kept += word
    parts = (HeardPart("lost", lost), HeardPart("kept", kept), HeardPart("keys", keys))
    return [part for part in parts if part.words]


def compare_words(before: str, after: str) -> list[DiffPart]:
    """What a newer text changes, word by word."""
    old, new = (re.findall(r"\S+\s*", text) for text in (before, after))
    parts: list[DiffPart] = []
    for deed, i, j, k, m in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if deed == "equal":
            parts.append(DiffPart("same", "".join(new[k:m])))
            continue
        parts += [DiffPart("removed", "".join(old[i:j]))] if j > i else []
        parts += [DiffPart("added", "".join(new[k:m]))] if m > k else []
    return parts


def _read_texts(script: Script, language: str) -> list[ScriptText]:
    """All versions of a language, the newest first, each with `is_used`."""
    texts: QuerySet[ScriptText] = script.texts.filter(language=language).order_by("-version")
    used = Exists(CallRecord.objects.filter(script_text=OuterRef("pk")))
    people = ("written_by", "approved_by", "published_by")
    found: list[ScriptText] = list(texts.select_related(*people).annotate(is_used=used))
    for text in found:
        text.script = script
    return found


def _describe_versions(texts: Sequence[ScriptText], config: PracticeConfig) -> list[Version]:
    location = next(iter(config.locations.values()), None)
    zone = location.zone if location else ZoneInfo("UTC")
    in_force = next((text for text in texts if text.is_published), None)
    return [
        Version(
            pk=text.pk,
            number=text.version,
            state=text.state,
            is_in_force=text is in_force,
            is_used=bool(text.is_used),  # type: ignore[attr-defined] # annotated in _read_texts()
            text=text.text,
            deeds=tuple(_list_deeds(text, zone)),
            changes=tuple(compare_words(before.text, text.text)) if before else (),
        )
        for text, before in zip(texts, [*texts[1:], None], strict=False)
    ]


def _list_deeds(text: ScriptText, zone: ZoneInfo) -> list[str]:
    """Who did what with it, and when."""
    deeds = (
        (_("written by %(who)s, %(when)s"), _("written %(when)s"), text.written_by, text.written_at),
        (_("approved by %(who)s, %(when)s"), _("approved %(when)s"), text.approved_by, text.approved_at),
        (_("published by %(who)s, %(when)s"), _("published %(when)s"), text.published_by, text.published_at),
    )
    return [
        (by if who else alone) % {"who": name_person(who), "when": day_and_clock(moment.astimezone(zone))}
        for by, alone, who, moment in deeds
        if moment
    ]


def _say(findings: Sequence[Finding]) -> tuple[str, ...]:
    return tuple(finding.sentence for finding in findings)


def _fill(text: str, language: str, example: Example, pronunciations: Pronunciations) -> str:
    say_as = pronunciations.get(language, NOTHING_TO_SAY_AS)
    return speak(text, fill_variables(example.appointment, language, say_as=say_as))


def _write(text: str, language: str, example: Example) -> str:
    return speak(text, choose_letters(text, fill_variables(example.appointment, language, is_text=True)))


def _find_example(
    language: str, locations: Sequence[Location], providers: Sequence[Provider], *, made_up: bool
) -> Example:
    """The next visit of a patient who speaks the language; else, or if wanted, a made-up one."""
    ahead = Appointment.objects.filter(
        status=Appointment.Status.BOOKED, starts_at__gt=timezone.now(), contact__language=language
    )
    found = ahead.select_related("contact", "location", "provider").order_by("starts_at", "pk")
    real = None if made_up else found.first()
    if real:
        when = day_and_clock(real.wall_start)
        return Example(real, True, f"{real.contact.full_name}, {when}")
    appointment = Appointment(
        contact=Contact(first_name="María" if language == "es" else "Marie" if language == "fr" else "Maria"),
        location=locations[0] if locations else make_up_location(),
        provider=providers[0] if providers else Provider(name="Dr. S. Chen"),
        local_start=_in_a_week(timezone.now()),
    )
    return Example(appointment, False, "")


def _in_a_week(now: datetime) -> datetime:
    """A wall time."""
    return (now + timedelta(days=7)).replace(hour=15, minute=15, second=0, microsecond=0, tzinfo=None)
