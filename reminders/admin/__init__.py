"""The admin of reminders: what was promised, what was sent, and what came of it."""

from reminders.admin import calls, campaigns, followups, promises, running, scripts

__all__ = ["calls", "campaigns", "followups", "promises", "running", "scripts"]
