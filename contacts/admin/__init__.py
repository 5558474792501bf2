"""The admin of contacts, appointments, locations, imports and API tokens. History is read-only."""

from contacts.admin import api_tokens, appointments, imports, people, person_records, practice, watching

__all__ = ["api_tokens", "appointments", "imports", "people", "person_records", "practice", "watching"]
