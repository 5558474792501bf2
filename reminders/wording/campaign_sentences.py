"""A campaign and its steps as plain sentences, in parts that a page can change where they stand.

Each part has the name of what it says, and the fields that it shows. The words of it that a choice changes
stand between asterisks in the sentences below. Nothing here is said to patients.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.clock_habits import write_clock
from contacts.languages import name_language
from reminders.models import Campaign, Step
from reminders.models.campaigns import StepChannel
from reminders.rules.schedule import TimingKind, describe, spell_elapsed

SHORTEST_WAIT = timedelta(minutes=1)
CHANNELS = {
    StepChannel.VOICE: gettext_lazy("Call"),
    StepChannel.SMS: gettext_lazy("Text"),
    StepChannel.PREFERRED: gettext_lazy("Call or text, as the patient prefers,"),
}
AUDIENCES = {
    Step.Audience.UNCONFIRMED: gettext_lazy("whoever has not confirmed"),
    Step.Audience.EVERYONE: gettext_lazy("everyone"),
    Step.Audience.CONFIRMED: gettext_lazy("whoever has confirmed"),
}
IF_LATE = {
    Step.IfLate.SKIP: gettext_lazy("If it is booked after that time, *skip this*."),
    Step.IfLate.NOW: gettext_lazy(
        "If it is booked after that time, *send this at once; skip it if that is outside calling hours*."
    ),
    Step.IfLate.NEXT_ALLOWED: gettext_lazy(
        "If it is booked after that time, *send this as soon as calling hours allow*."
    ),
}
IF_NEVER_IN_TIME = {
    Step.IfNeverInTime.SKIP: gettext_lazy(
        "If no calling hours are left between that time and the visit, *skip this*."
    ),
    Step.IfNeverInTime.BRING_FORWARD: gettext_lazy(
        "If no calling hours are left between that time and the visit, *send this earlier, at the last time "
        "allowed before*."
    ),
}
PATIENTS = {
    Campaign.Patients.ALL: gettext_lazy("new or known patients"),
    Campaign.Patients.NEW: gettext_lazy("new patients"),
    Campaign.Patients.KNOWN: gettext_lazy("known patients"),
}
CONSENTS = {
    Campaign.Consent.ANY: gettext_lazy("*whether or not they agreed to it*"),
    Campaign.Consent.AGREED: gettext_lazy("*only if they agreed to it*"),
    Campaign.Consent.WRITTEN: gettext_lazy("*only if they agreed to it in writing*"),
}


@dataclass(frozen=True)
class SentencePart:
    """Some words of a sentence, of which a choice changes `kernel`. `before`, `after`: the rest, with blanks.

    `name`: what they say; `fields`: those of the campaign or step they show.
    """

    name: str
    kernel: str
    fields: tuple[str, ...]
    before: str = ""
    after: str = ""

    @property
    def words(self) -> str:
        return f"{self.before}{self.kernel}{self.after}"


def mark_part(name: str, sentence: object, /, *fields: str, **values: object) -> SentencePart:
    """The part of a sentence with asterisks around its kernel; its field has its name, if none is given."""
    before, kernel, after = (piece % values if values else piece for piece in str(sentence).split("*"))
    return SentencePart(name, kernel, fields or (name,), before, after)


def write_campaign(campaign: Campaign) -> list[SentencePart]:
    """Whom it is for, as it is saved."""
    return write_filters(
        kinds=sorted(campaign.kinds),
        patients=campaign.patients,
        languages=campaign.languages,
        consent=campaign.consent,
        locations=[str(location) for location in campaign.locations.all()],
        providers=[str(provider) for provider in campaign.providers.all()],
    )


def write_filters(
    *,
    kinds: Sequence[str],
    patients: str,
    languages: Sequence[str],
    consent: str,
    locations: Sequence[str],
    providers: Sequence[str],
) -> list[SentencePart]:
    """Whom filters mean: "every cleaning", "of new patients", "who speak Spanish", "at Downtown", "with …",
    "only if they agreed to it".

    `languages` are codes, `patients` is a Campaign.Patients, `consent` a Campaign.Consent, the others names.
    """
    spoken = [name_language(code) for code in languages]
    return [
        mark_part("kinds", _("every *%(kinds)s*"), kinds=_join(kinds) or _("appointment")),
        mark_part("patients", _("of *%(patients)s*"), patients=PATIENTS[Campaign.Patients(patients)]),
        mark_part("languages", _("who speak *%(languages)s*"), languages=_join(spoken) or _("any language")),
        mark_part("locations", _("at *%(locations)s*"), locations=_join(locations) or _("every location")),
        mark_part("providers", _("with *%(providers)s*"), providers=_join(providers) or _("any provider")),
        mark_part("consent", CONSENTS[Campaign.Consent(consent)]),
    ]


def write_step(step: Step) -> list[SentencePart]:
    """What it does, for whom, when; then what follows if nobody is reached, and what if it is too late.

    Raises ValueError, as Timing does, for a step with an impossible time.
    """
    parts = [
        SentencePart("channel", str(CHANNELS[StepChannel(step.channel)]), ("channel",)),
        SentencePart("audience", str(AUDIENCES[Step.Audience(step.audience)]), ("audience",)),
        SentencePart("timing", describe(step.timing, write_clock), ("timing_kind", "days", "at", "elapsed")),
        _say_script(step),
        _say_tries(step),
    ]
    if step.channel != StepChannel.SMS:
        parts += [_say_voicemail(step), _say_fallback(step)]
    if step.timing_kind != TimingKind.AFTER_BOOKING:
        parts.append(mark_part("late", IF_LATE[Step.IfLate(step.if_late)], "if_late"))
    never = IF_NEVER_IN_TIME[Step.IfNeverInTime(step.if_never_in_time)]
    return [*parts, mark_part("never_in_time", never, "if_never_in_time"), _say_end(step.stop_before)]


def _say_script(step: Step) -> SentencePart:
    if step.channel == StepChannel.PREFERRED and step.text_script:
        words = _("with *“%(script)s”, or “%(text)s” by text message*.")
        return mark_part("script", words, "script", "text_script", script=step.script, text=step.text_script)
    return mark_part("script", _("with *“%(script)s”*."), "script", "text_script", script=step.script)


def _say_tries(step: Step) -> SentencePart:
    more, is_text = step.max_tries - 1, step.channel == StepChannel.SMS
    wait = _("after %(wait)s") % {"wait": spell_elapsed(max(step.retry_wait, SHORTEST_WAIT))}
    if step.retry_at_another_time:
        wait = _("in the other half of the day")
    if not more:
        none = _("If it can't be delivered, *don't try again*.")
        words = none if is_text else _("If nobody is reached, *don't call again*.")
    elif is_text:
        words = ngettext(
            "If it can't be delivered, *try once more %(wait)s*.",
            "If it can't be delivered, *try up to %(more)d more times, each %(wait)s*.",
            more,
        )
    else:
        words = ngettext(
            "If nobody is reached, *call once more %(wait)s*.",
            "If nobody is reached, *call up to %(more)d more times, each %(wait)s*.",
            more,
        )
    fields = ("max_tries", "retry_wait", "retry_at_another_time")
    return mark_part("tries", words, *fields, more=more, wait=wait)


def _say_voicemail(step: Step) -> SentencePart:
    if step.retry_voicemail and step.max_tries > 1:
        return mark_part("voicemail", _("After a voicemail, *call again, too*."), "retry_voicemail")
    return mark_part("voicemail", _("After a voicemail, *don't call again*."), "retry_voicemail")


def _say_fallback(step: Step) -> SentencePart:
    if step.fallback_script is None:
        return mark_part("fallback", _("Then *send nothing more*."), "fallback_script")
    words = _("Then *send the text message “%(script)s”*.")
    return mark_part("fallback", words, "fallback_script", script=step.fallback_script)


def _say_end(stop_before: timedelta) -> SentencePart:
    if end := spell_elapsed(stop_before):
        words = _("Nothing goes out *in the last %(time)s before the visit*.")
        return mark_part("stop_before", words, time=end)
    return mark_part("stop_before", _("Nothing goes out *once the visit has begun*."))


def _join(names: Iterable[str]) -> str:
    """The names with "or" before the last, "" for none."""
    return str(get_text_list(list(names), _("or")))
