"""Base classes of the admin: times by the practice's clock, and history that can't be edited."""

from collections.abc import Callable
from datetime import UTC, tzinfo
from typing import Any, TypeVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse
from django.utils import timezone

from contacts.models import Location

ModelT = TypeVar("ModelT", bound=Model)
PER_PAGE = 50


def read_practice_zone() -> tzinfo:
    """The clock of the first location by name; UTC where there is none."""
    location = Location.objects.first()
    return location.zone if location else UTC


class ClinicAdmin(admin.ModelAdmin[ModelT]):
    """Shows times, and filters by day, by the practice's clock."""

    list_per_page = PER_PAGE
    show_full_result_count = False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return _by_the_clock(lambda: super(ClinicAdmin, self).changelist_view(request, extra_context))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        return _by_the_clock(
            lambda: super(ClinicAdmin, self).changeform_view(request, object_id, form_url, extra_context)
        )


class HistoryAdmin(ClinicAdmin[ModelT]):
    """Read-only: history can't be added, changed or deleted."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ModelT | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ModelT | None = None) -> bool:
        return False


class HistoryInline(admin.TabularInline[Any, Any]):
    """Read-only history rows on the page of the object they belong to."""

    extra = 0
    can_delete = False
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def _by_the_clock(view: Callable[[], HttpResponse]) -> HttpResponse:
    with timezone.override(read_practice_zone()):
        response = view()
        if isinstance(response, SimpleTemplateResponse):
            response.render()  # now, since Django would render it after the override has ended
        return response
