"""Steps and filters of a campaign in plain words, for the pages of managers."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from django.utils.text import capfirst, get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.clock_habits import write_clock
from contacts.languages import name_language
from reminders.models import Campaign, Step
from reminders.rules.schedule import describe, spell_elapsed
from reminders.wording.campaign_sentences import PATIENTS, SentencePart, write_step

FILTER_LABELS = {
    "kinds": gettext_lazy("Kinds"),
    "patients": gettext_lazy("Patients"),
    "languages": gettext_lazy("Languages"),
    "locations": gettext_lazy("Locations"),
    "providers": gettext_lazy("Providers"),
    "consent": gettext_lazy("Consent"),
}
# The fields of a step that are told apart in its history, besides when it is due.
LABELS = {
    "channel": gettext_lazy("How"),
    "audience": gettext_lazy("For whom"),
    "if_late": gettext_lazy("If booked too late for it"),
    "if_never_in_time": gettext_lazy("If it can never be in time"),
    "stop_before": gettext_lazy("No call within"),
    "max_tries": gettext_lazy("Tries"),
    "retry_wait": gettext_lazy("Wait before the next try"),
    "retry_voicemail": gettext_lazy("Try again after a voicemail"),
    "retry_at_another_time": gettext_lazy("Try again at another time of day"),
    "script": gettext_lazy("What is said"),
    "text_script": gettext_lazy("What is written"),
    "fallback_script": gettext_lazy("Then by text message"),
}
EVERY = {
    "locations": gettext_lazy("every location"),
    "providers": gettext_lazy("every provider"),
    "kinds": gettext_lazy("every kind"),
    "languages": gettext_lazy("every language"),
}
IN_SHORT = frozenset({"channel", "timing", "audience"})  # the parts of a step that say the most
OF_THE_TIME = frozenset({"timing_kind", "days", "at", "elapsed"})


class Change(NamedTuple):
    """What changed, and how it was and is, in words."""

    what: str
    before: str
    after: str


def describe_step(step: Step) -> str:
    """What it does, when and for whom, such as "Call whoever has not confirmed 2 days before at 10:00"."""
    return " ".join(part.words for part in _write_parts(step) if part.name in IN_SHORT)


def describe_details(step: Step) -> list[str]:
    """The rest of what it says: its words, its tries, what follows them, and what if it is too late."""
    return [capfirst(part.words) for part in _write_parts(step) if part.name not in IN_SHORT]


def describe_time(step: Step) -> str:
    """When it is due, such as "2 days before at 10:00"."""
    try:
        return describe(step.timing, write_clock)
    except ValueError:
        return _("at no time, since its time is not complete")


def describe_filter(name: str, wanted: Any) -> str:
    """One of a snapshot's filters: pairs of key and name, languages, kinds, which patients or consent."""
    if name == "patients":
        return str(PATIENTS[Campaign.Patients(wanted)])
    if name == "consent":
        return str(Campaign.Consent(wanted).label)
    names = [one[1] if isinstance(one, list) else str(one) for one in wanted]
    if name == "languages":
        names = [name_language(code) for code in names]
    return get_text_list(names, _("and")) if names else str(EVERY[name])


def _write_parts(step: Step) -> list[SentencePart]:
    try:
        return write_step(step)
    except ValueError:
        return [SentencePart("timing", capfirst(describe_time(step)), ())]


def describe_change_of_step(
    label: str, before: Step, after: Step, was: Mapping[str, Any], now: Mapping[str, Any]
) -> list[Change]:
    """What differs between two versions of a step; `was` and `now`: their values in the snapshots."""
    changes = []
    if any(was.get(name) != now.get(name) for name in OF_THE_TIME):
        changes.append(
            Change(_("%(step)s, when") % {"step": label}, describe_time(before), describe_time(after))
        )
    for name in dict.fromkeys([*was, *now]):
        if name in OF_THE_TIME or name in ("id", "position") or was.get(name) == now.get(name):
            continue
        what = LABELS.get(name) or capfirst(str(getattr(Step._meta.get_field(name), "verbose_name", name)))
        words = _("%(step)s, %(what)s") % {"step": label, "what": str(what)[:1].lower() + str(what)[1:]}
        changes.append(Change(words, _describe_value(before, name), _describe_value(after, name)))
    return changes


def _describe_value(step: Step, name: str) -> str:
    value = getattr(step, name, None)
    if value is None or value == "":
        return _("nothing")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, timedelta):
        return spell_elapsed(value) or _("nothing")
    display = getattr(step, f"get_{name}_display", None)
    return str(display() if display else value)
