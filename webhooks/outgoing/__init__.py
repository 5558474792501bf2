"""Doors that lead out to other systems: signed webhooks, the same events as CSV, and calendar feeds."""
