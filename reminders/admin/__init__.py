"""The admin of reminders: what is owed, what was sent, and what came of it."""

from reminders.admin import (
    calls,
    campaigns,
    follow_ups,
    listed_numbers,
    operations,
    places,
    reminders,
    scripts,
)

__all__ = [
    "calls",
    "campaigns",
    "follow_ups",
    "listed_numbers",
    "operations",
    "places",
    "reminders",
    "scripts",
]
