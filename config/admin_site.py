"""The admin's own pages: its names, and what they don't work out."""

from typing import Any, cast

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _


class ClinicAdminSite(AdminSite):
    site_header = site_title = "Callboard"
    index_title = _("Settings and records")
    enable_nav_sidebar = False  # the first page leads everywhere, and lists need the width

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """Read where a page shows it: each page asks for it, and only the first one does."""
        read = super().get_app_list
        return cast("list[dict[str, Any]]", SimpleLazyObject(lambda: read(request, app_label)))
