"""Why planning would plan a step for a visit, or not: its checks in order, in words for staff."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import Appointment
from contacts.templatetags.display import day_and_clock
from reminders.deciding.coverage import covers
from reminders.deciding.rule_words import CAMPAIGNS, CheckLine
from reminders.models import Campaign, Step
from reminders.planning.bulk_rows import OwedReminder, as_planned
from reminders.planning.owed_reminders import find_owed, read_location_clock, read_step_timing
from reminders.rules.reasons import Reason, sentence_for
from reminders.rules.rule_results import RuleResult
from reminders.rules.states import ReminderState
from reminders.rules.zones import zone_or_utc

# Why nothing is planned, where no reminder has a reason yet; other reasons are codes of reasons.Reason.
NOT_PLANNED = {
    "draft": gettext_lazy("Nothing is planned for a campaign that is a draft."),
    "paused": gettext_lazy("Nothing new is planned for a campaign that is paused."),
    "other_location": gettext_lazy("The campaign is not for this location."),
    "other_provider": gettext_lazy("The campaign is not for this provider."),
    "other_kind": gettext_lazy("The campaign is not for appointments of this type."),
    "not_booked": gettext_lazy("The visit is cancelled or already recorded."),
    "over": gettext_lazy("The visit has begun or is over."),
    "no_moment": gettext_lazy("The step has no time for this visit: look at its days and the location's."),
}


class PlanningCheck(NamedTuple):
    """One check. `objection`: why it stops the step, a code of NOT_PLANNED or Reason; "" if it doesn't."""

    code: str
    title: str
    objection: str
    seen: tuple[str, ...]


def find_owed_at(step: Step, appointment: Appointment, moment: datetime) -> OwedReminder | None:
    """What planning owes; for a campaign that was never activated, as if it were at `moment` (aware).

    `location` with its closed days, `contact.phone` and `step.campaign` must be loaded.
    """
    timing = read_step_timing(step)
    if timing and timing.since.activated is None:
        timing = timing._replace(since=replace(timing.since, activated=moment))
    return find_owed(timing, as_planned(appointment), read_location_clock(appointment.location))


def describe_planning_checks(
    step: Step, appointment: Appointment, owed: OwedReminder | None, moment: datetime
) -> tuple[CheckLine, ...]:
    """Every check's line, in the order of planning, for `owed` of find_owed_at()."""
    lines: list[CheckLine] = []
    for check in _run_checks(step, appointment, owed, moment):
        result = RuleResult.PASSED
        if check.objection:
            is_first = all(line.result == RuleResult.PASSED for line in lines)
            result = RuleResult.DECIDES if is_first else RuleResult.ALSO
        sentence = str(NOT_PLANNED.get(check.objection) or sentence_for(check.objection))
        lines.append(CheckLine(check.code, check.title, result, sentence, check.seen))
    return tuple(lines)


def _run_checks(
    step: Step, appointment: Appointment, owed: OwedReminder | None, moment: datetime
) -> Iterator[PlanningCheck]:
    campaign = step.campaign
    state = Campaign.State(campaign.state)
    yield PlanningCheck(
        "campaign_active",
        _("The campaign"),
        "" if state == Campaign.State.ACTIVE else state.value,
        (str(CAMPAIGNS[state]) % {"campaign": campaign.name},),
    )
    yield PlanningCheck(
        "campaign_covers",
        _("Which visits it is for"),
        _find_filter(campaign, appointment),
        tuple(_describe_filters(campaign, appointment)),
    )
    is_booked = appointment.status == Appointment.Status.BOOKED
    words = {"when": day_and_clock(appointment.wall_start), "status": appointment.get_status_display()}
    yield PlanningCheck(
        "visit_ahead",
        _("The visit"),
        ("" if appointment.starts_at > moment else "over") if is_booked else "not_booked",
        (_("The visit is on %(when)s. It is recorded as: %(status)s.") % words,),
    )
    objection = "no_moment"
    if owed:
        objection = owed.reason if owed.state == ReminderState.SKIPPED else ""
    yield PlanningCheck(
        "step_in_time", _("Its time"), objection, tuple(_describe_time(step, appointment, owed))
    )


def _find_filter(campaign: Campaign, appointment: Appointment) -> str:
    """Which filter leaves the visit out, the first of them; "" if the campaign is for it."""
    if covers(campaign, appointment):
        return ""
    locations, providers = list(campaign.locations.all()), list(campaign.providers.all())
    if locations and appointment.location not in locations:
        return "other_location"
    return "other_provider" if providers and appointment.provider not in providers else "other_kind"


def _describe_filters(campaign: Campaign, appointment: Appointment) -> Iterator[str]:
    filters = [
        (
            [each.name for each in campaign.locations.all()],
            appointment.location.name,
            _("It is for every location."),
            _("It is for these locations: %(these)s. The visit is at %(this)s."),
        ),
        (
            [each.name for each in campaign.providers.all()],
            appointment.provider.name if appointment.provider else _("no provider"),
            _("It is for every provider."),
            _("It is for these providers: %(these)s. The visit is with %(this)s."),
        ),
        (
            campaign.kinds,
            appointment.kind or _("no type"),
            _("It is for every type of appointment."),
            _("It is for these types: %(these)s. The visit is of type %(this)s."),
        ),
    ]
    for these, this, for_all, for_some in filters:
        yield for_some % {"these": ", ".join(these), "this": this} if these else for_all


def _describe_time(step: Step, appointment: Appointment, owed: OwedReminder | None) -> Iterator[str]:
    zone = zone_or_utc(appointment.location.time_zone)

    def when(moment: datetime) -> str:
        return day_and_clock(moment.astimezone(zone))

    if owed:
        words = {"due": when(owed.due_at), "last": when(owed.not_after)}
        yield _("It is due on %(due)s, and its last moment is %(last)s.") % words
        if owed.reason == Reason.BROUGHT_FORWARD:
            yield sentence_for(owed.reason)
    booked = _("The visit was booked or last moved on %(when)s.")
    yield booked % {"when": when(appointment.revised_at)}
    campaign = step.campaign
    if campaign.activated_at:
        yield _("The campaign was activated on %(when)s.") % {"when": when(campaign.activated_at)}
    else:
        yield _("The campaign was never active; it is judged as if it were activated at this moment.")
    yield _("The step has had this time since %(when)s.") % {"when": when(step.since)}
    if campaign.filters_since:
        filters = _("The campaign has been for these visits since %(when)s.")
        yield filters % {"when": when(campaign.filters_since)}
