"""The admin of reminders: what was promised, what was sent, and what came of it."""

from reminders.admin import calls, campaigns, followups, listing, places, promises, running, scripts

__all__ = ["calls", "campaigns", "followups", "listing", "places", "promises", "running", "scripts"]
