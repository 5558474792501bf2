"""The admin of contacts, appointments, locations, imports and API tokens. History is read-only."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from contacts.admin import api_tokens, appointments, imports, people, person_records, practice, watching

__all__ = ["api_tokens", "appointments", "imports", "people", "person_records", "practice", "watching"]

admin.site.site_header = "Callboard"
admin.site.site_title = "Callboard"
admin.site.enable_nav_sidebar = False  # the first page leads everywhere, and lists need the width
admin.site.index_title = _("Settings and records")
