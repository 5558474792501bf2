"""The reports that there are, with the words of their pages."""

from collections.abc import Callable
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from reminders.reports.call_reports import (
    report_caller_ids,
    report_days,
    report_locations,
    report_scripts,
    report_steps,
    report_times,
)
from reminders.reports.scope import Scope
from reminders.reports.tables import Report
from reminders.reports.visit_reports import report_attendance, report_funnel, report_saved


class ReportKind(NamedTuple):
    """One page. `code` stands in its address; `counts`: what is counted and by which day, in a sentence."""

    code: str
    name: Promise
    title: Promise
    counts: Promise
    read: Callable[[Scope], Report]


OF_CALLS = _("Calls and texts of reminders by the day on which they went out. Test calls don't count.")
OF_VISITS = _("Visits by the day on which they are booked, with every call and text about them.")
REPORTS = {
    kind.code: kind
    for kind in (
        ReportKind("days", _("By day"), _("How calls and texts ended, by day"), OF_CALLS, report_days),
        ReportKind("steps", _("By step"), _("How calls and texts ended, by step"), OF_CALLS, report_steps),
        ReportKind(
            "locations",
            _("By location"),
            _("How calls and texts ended, by location"),
            OF_CALLS,
            report_locations,
        ),
        ReportKind(
            "scripts", _("By script"), _("How calls and texts ended, by script"), OF_CALLS, report_scripts
        ),
        ReportKind(
            "times",
            _("Best time"),
            _("When people answer"),
            _("Calls that ended, by the hour at the location: the share that a person answered."),
            report_times,
        ),
        ReportKind("attendance", _("No-shows"), _("Confirmed and not come"), OF_VISITS, report_attendance),
        ReportKind("funnel", _("Funnel"), _("From due to arrived"), OF_VISITS, report_funnel),
        ReportKind(
            "caller-ids",
            _("Caller IDs"),
            _("Which of our numbers people answer"),
            _("Calls that ended, by the number that patients saw: the share that a person answered."),
            report_caller_ids,
        ),
        ReportKind(
            "saved",
            _("Saved"),
            _("What reminders saved"),
            _("Confirmations and slots given up, by the day on which patients did it."),
            report_saved,
        ),
    )
}
