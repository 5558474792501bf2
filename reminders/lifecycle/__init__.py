"""Changing the state of calls and reminders, and locking the rows for it."""
