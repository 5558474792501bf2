"""The admin of reminders: campaigns and scripts, reminders, calls and follow-ups."""

from reminders.admin import (
    absences,
    calls,
    campaigns,
    evidence_looks,
    follow_up_deeds,
    follow_ups,
    listed_numbers,
    locations,
    operations,
    optout_confirmations,
    people,
    reminders,
    report_counts,
    scripts,
    test_calls,
    texts,
)

__all__ = [
    "absences",
    "calls",
    "campaigns",
    "evidence_looks",
    "follow_up_deeds",
    "follow_ups",
    "listed_numbers",
    "locations",
    "operations",
    "optout_confirmations",
    "people",
    "reminders",
    "report_counts",
    "scripts",
    "test_calls",
    "texts",
]
