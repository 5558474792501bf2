"""The admin of reminders: what was promised, what was sent, and what came of it."""

from reminders.admin import calls, campaigns, followups, places, scripts
from reminders.admin import listed_numbers as listing
from reminders.admin import operations as running
from reminders.admin import reminders as promises

__all__ = ["calls", "campaigns", "followups", "listing", "places", "promises", "running", "scripts"]
