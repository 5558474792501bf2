"""A campaign and its steps as plain sentences, in parts that a page can change where they stand.

Each part has the name of what it says, and the fields that it shows. Nothing here is said to patients.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.languages import name_language
from reminders.models import Campaign, Step
from reminders.models.campaigns import StepChannel
from reminders.rules.schedule import TimingKind, describe, spell_elapsed

SHORTEST_WAIT = timedelta(minutes=1)
CHANNELS = {
    StepChannel.VOICE: gettext_lazy("Call"),
    StepChannel.SMS: gettext_lazy("Send a text message"),
    StepChannel.PREFERRED: gettext_lazy("Call or text, as the patient prefers,"),
}
AUDIENCES = {
    Step.Audience.UNCONFIRMED: gettext_lazy("whoever has not confirmed"),
    Step.Audience.EVERYONE: gettext_lazy("everyone"),
    Step.Audience.CONFIRMED: gettext_lazy("whoever has confirmed"),
}
IF_LATE = {
    Step.IfLate.SKIP: gettext_lazy("If it is booked after that time, skip this."),
    Step.IfLate.NOW: gettext_lazy(
        "If it is booked after that time, send this at once; skip it if that is outside calling hours."
    ),
    Step.IfLate.NEXT_ALLOWED: gettext_lazy(
        "If it is booked after that time, send this as soon as calling hours allow."
    ),
}
IF_NEVER_IN_TIME = {
    Step.IfNeverInTime.SKIP: gettext_lazy(
        "If no calling hours are left between that time and the visit, skip this."
    ),
    Step.IfNeverInTime.BRING_FORWARD: gettext_lazy(
        "If no calling hours are left between that time and the visit, send this earlier, at the last time "
        "allowed before."
    ),
}
PATIENTS = {
    Campaign.Patients.ALL: gettext_lazy("new or known patients"),
    Campaign.Patients.NEW: gettext_lazy("new patients"),
    Campaign.Patients.KNOWN: gettext_lazy("known patients"),
}


@dataclass(frozen=True)
class SentencePart:
    """Some words of a sentence. `name`: what they say; `fields`: those of the campaign or step they show."""

    name: str
    words: str
    fields: tuple[str, ...]


def write_campaign(campaign: Campaign) -> list[SentencePart]:
    """Whom it is for: "every cleaning", "of new patients", "who speak Spanish", "at Downtown", "with …"."""
    kinds = _join(campaign.kinds)
    languages = _join(name_language(code) for code in campaign.languages) or _("any language")
    locations = _join(str(location) for location in campaign.locations.all()) or _("every location")
    providers = _join(str(provider) for provider in campaign.providers.all()) or _("any provider")
    parts = {
        "kinds": _("every %(kinds)s") % {"kinds": kinds} if kinds else _("every appointment"),
        "patients": _("of %(patients)s") % {"patients": PATIENTS[Campaign.Patients(campaign.patients)]},
        "languages": _("who speak %(languages)s") % {"languages": languages},
        "locations": _("at %(locations)s") % {"locations": locations},
        "providers": _("with %(providers)s") % {"providers": providers},
    }
    return [SentencePart(name, words, (name,)) for name, words in parts.items()]


def write_step(step: Step) -> list[SentencePart]:
    """What it does, when, for whom; then what follows if nobody is reached, and what if it is too late.

    Raises ValueError, as Timing does, for a step with an impossible time.
    """
    parts = [
        SentencePart("channel", str(CHANNELS[StepChannel(step.channel)]), ("channel",)),
        SentencePart("timing", describe(step.timing), ("timing_kind", "days", "at", "elapsed")),
        SentencePart("audience", str(AUDIENCES[Step.Audience(step.audience)]), ("audience",)),
        SentencePart("script", _say_script(step), ("script", "text_script")),
        SentencePart("tries", _say_tries(step), ("max_tries", "retry_wait", "retry_at_another_time")),
    ]
    if step.channel != StepChannel.SMS:
        parts.append(SentencePart("voicemail", _say_voicemail(step), ("retry_voicemail",)))
        parts.append(SentencePart("fallback", _say_fallback(step), ("fallback_script",)))
    if step.timing_kind != TimingKind.AFTER_BOOKING:
        parts.append(SentencePart("late", str(IF_LATE[Step.IfLate(step.if_late)]), ("if_late",)))
    never = IF_NEVER_IN_TIME[Step.IfNeverInTime(step.if_never_in_time)]
    parts.append(SentencePart("never_in_time", str(never), ("if_never_in_time",)))
    parts.append(SentencePart("stop_before", _say_end(step.stop_before), ("stop_before",)))
    return parts


def _say_script(step: Step) -> str:
    if step.channel == StepChannel.PREFERRED and step.text_script:
        words = _("with “%(script)s”, or “%(text)s” by text message.")
        return words % {"script": step.script, "text": step.text_script}
    return _("with “%(script)s”.") % {"script": step.script}


def _say_tries(step: Step) -> str:
    more, is_text = step.max_tries - 1, step.channel == StepChannel.SMS
    if not more:
        none = _("If it can't be delivered, don't try again.")
        return none if is_text else _("If nobody is reached, don't call again.")
    wait = _("after %(wait)s") % {"wait": spell_elapsed(max(step.retry_wait, SHORTEST_WAIT))}
    if step.retry_at_another_time:
        wait = _("in the other half of the day")
    if is_text:
        words = ngettext(
            "If it can't be delivered, try once more %(wait)s.",
            "If it can't be delivered, try up to %(more)d more times, each %(wait)s.",
            more,
        )
    else:
        words = ngettext(
            "If nobody is reached, call once more %(wait)s.",
            "If nobody is reached, call up to %(more)d more times, each %(wait)s.",
            more,
        )
    return words % {"more": more, "wait": wait}


def _say_voicemail(step: Step) -> str:
    if step.retry_voicemail and step.max_tries > 1:
        return _("Call again after a voicemail, too.")
    return _("After a voicemail, don't call again.")


def _say_fallback(step: Step) -> str:
    if step.fallback_script is None:
        return _("Then send nothing more.")
    return _("Then send the text message “%(script)s”.") % {"script": step.fallback_script}


def _say_end(stop_before: timedelta) -> str:
    if end := spell_elapsed(stop_before):
        return _("Nothing goes out in the last %(time)s before the visit.") % {"time": end}
    return _("Nothing goes out once the visit has begun.")


def _join(names: Iterable[str]) -> str:
    """The names with "or" before the last, "" for none."""
    return str(get_text_list(list(names), _("or")))
