"""Steps and filters of a campaign in plain words, for the pages of managers."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from django.utils.text import capfirst, get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.templatetags.display import clock
from reminders.models import Step
from reminders.models.campaigns import StepChannel
from reminders.rules.schedule import Timing, TimingKind

MINUTE = timedelta(minutes=1)
WAYS = {
    StepChannel.VOICE: gettext_lazy("Call"),
    StepChannel.SMS: gettext_lazy("Send a text message"),
    StepChannel.PREFERRED: gettext_lazy("Call or text, as the patient prefers,"),
}
WHO = {
    Step.Audience.UNCONFIRMED: gettext_lazy("to whoever has not confirmed"),
    Step.Audience.EVERYONE: gettext_lazy("to everyone"),
    Step.Audience.CONFIRMED: gettext_lazy("to whoever has confirmed"),
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
OF_THE_TIME = frozenset({"timing_kind", "days", "at", "elapsed"})


class Change(NamedTuple):
    """What changed, and how it was and is, in words."""

    what: str
    before: str
    after: str


def describe_step(step: Step) -> str:
    """Such as "Call 2 days before at 10:00, to whoever has not confirmed"."""
    way, who = WAYS.get(StepChannel(step.channel)), WHO.get(Step.Audience(step.audience))
    return _("%(way)s %(when)s, %(who)s") % {"way": way, "when": describe_time(step), "who": who}


def describe_details(step: Step) -> list[str]:
    """The rest of what it says: its tries, what follows them, and what happens if it is too late."""
    tries = ngettext("%(count)d try", "%(count)d tries", step.max_tries) % {"count": step.max_tries}
    wait = describe_duration(step.retry_wait)
    lines = [
        tries
        if step.max_tries == 1
        else _("%(tries)s, at least %(wait)s apart") % {"tries": tries, "wait": wait}
    ]
    if step.retry_at_another_time and step.max_tries > 1:
        lines.append(_("tries again at another time of day"))
    if step.retry_voicemail and step.max_tries > 1:
        lines.append(_("tries again after a voicemail"))
    if step.fallback_script:
        lines.append(_("if nobody answers, sends “%(script)s” as a text") % {"script": step.fallback_script})
    if step.if_late == Step.IfLate.SEND_NOW:
        lines.append(_("if booked too late for it, goes out at once"))
    if step.if_never_in_time == Step.IfNeverInTime.BRING_FORWARD:
        lines.append(_("if it can never be in time, goes out earlier"))
    lines.append(_("not within %(time)s of the visit") % {"time": describe_duration(step.stop_before)})
    return lines


def describe_time(step: Step) -> str:
    """When it is due, such as "2 days before at 10:00"."""
    try:
        timing = step.timing
    except ValueError:
        return _("at no time, since its time is not complete")
    return _describe_timing(timing)


def describe_duration(length: timedelta) -> str:
    """Such as "1 hour 30 minutes"."""
    hours, minutes = divmod(length // MINUTE, 60)
    parts = []
    if hours:
        parts.append(ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours})
    if minutes or not hours:
        parts.append(ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes})
    return " ".join(parts)


def describe_filter(name: str, wanted: Sequence[Any]) -> str:
    """One of a snapshot's filters: `wanted` are pairs of key and name, or kinds."""
    every = {"locations": _("every location"), "providers": _("every provider"), "kinds": _("every kind")}
    names = [one[1] if isinstance(one, list) else str(one) for one in wanted]
    return get_text_list(names, _("and")) if names else every[name]


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
        return describe_duration(value)
    display = getattr(step, f"get_{name}_display", None)
    return str(display() if display else value)


def _describe_timing(timing: Timing) -> str:
    if timing.at is None:
        return _("%(time)s before") % {"time": describe_duration(timing.elapsed)}
    words = {"at": clock(timing.at), "count": timing.days}
    if timing.days == 0:
        return _("on the day at %(at)s") % words
    if timing.kind == TimingKind.OPEN_DAYS_BEFORE:
        return (
            ngettext(
                "%(count)d open day before at %(at)s", "%(count)d open days before at %(at)s", timing.days
            )
            % words
        )
    return ngettext("%(count)d day before at %(at)s", "%(count)d days before at %(at)s", timing.days) % words
