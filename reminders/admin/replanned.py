"""What an edit of a campaign, step or location did to reminders, and what a step never can, in words."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reminders.models import Step
from reminders.planning.owed_reminders import NeverInTime, count_never_in_time
from reminders.rules.schedule import TimingKind


def describe_replanned(
    page: admin.ModelAdmin[Any], request: HttpRequest, moved: int, skipped: int = 0
) -> None:
    """Show how many waiting reminders have a new time, and how many are now skipped; nothing for none."""
    if moved:
        words = ngettext(
            "%(count)d waiting reminder has a new time.",
            "%(count)d waiting reminders have a new time.",
            moved,
        )
        page.message_user(request, words % {"count": moved})
    if skipped:
        words = ngettext(
            "%(count)d waiting reminder won't be sent, since its new time is too late or has passed.",
            "%(count)d waiting reminders won't be sent, since their new time is too late or has passed.",
            skipped,
        )
        page.message_user(request, words % {"count": skipped}, messages.WARNING)


def describe_in_time(step: Step) -> str:
    """For how many of the upcoming appointments a step can never be in time; `campaign` must be loaded."""
    if step.timing_kind == TimingKind.AFTER_BOOKING:
        return _("each appointment that is booked or moved here from now on.")
    return describe_never_in_time(count_never_in_time(step))


def describe_never_in_time(counts: NeverInTime) -> str:
    """For how many of the upcoming appointments a step can never be in time, and what becomes of it."""
    words = {"of": counts.of, **counts._asdict()}
    parts = [
        (counts.too_late, _("%(too_late)d without a reminder, because its time is too late for them")),
        (counts.no_hours, _("%(no_hours)d without a reminder, because no calling hours are left before")),
        (
            counts.brought_forward,
            _("%(brought_forward)d with an earlier one, at the last time allowed before"),
        ),
    ]
    never = "; ".join(sentence % words for count, sentence in parts if count)
    if never:
        return _("of %(of)d upcoming appointments, %(never)s.") % {"of": counts.of, "never": never}
    every = ngettext("the %(of)d upcoming appointment.", "all %(of)d upcoming appointments.", counts.of)
    return every % words
