"""The admin of the practice's book. What has happened is shown and never changed."""

from django.contrib import admin

from contacts.admin import appointments, imports, people, places

__all__ = ["appointments", "imports", "people", "places"]

admin.site.site_header = "Callboard"
admin.site.site_title = "Callboard"
admin.site.index_title = "What is behind the pages"
