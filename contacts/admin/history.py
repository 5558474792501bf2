"""Base classes of the admin: times by the practice's clock, and history that can't be edited."""

from collections.abc import Callable
from copy import copy
from datetime import UTC, tzinfo
from functools import wraps
from typing import Any, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.contrib.auth.models import User
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.db.models import (
    BinaryField,
    CharField,
    DateField,
    DateTimeField,
    JSONField,
    Model,
    QuerySet,
    TextField,
    TimeField,
)
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import SimpleTemplateResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext

from contacts.admin.searching import WHOLE, FoundRows, find_rows
from contacts.audit.trail import PageUse, note_action
from contacts.audit.words import ACTION, ADMIN
from contacts.contact_search import MOST_FOUND
from contacts.deep_pages import DeepPaginator
from contacts.forms.times import ClockInput, DayAndClockField, DayAndClockInput, DayInput, TimeOfDay
from contacts.large_tables import list_values
from contacts.models import Location
from contacts.parameters import DayField
from contacts.searches import is_search_key, recall_search, remember_search

ModelT = TypeVar("ModelT", bound=Model)
PER_PAGE = 50
MOST_IN_TRAIL = 1000  # rows that an action was done to; of more, the trail has one entry that names none
# Without Django's calendar and clock, which go by the server's zone and tell everybody how far off it is.
FIELDS_OF_TIMES: Any = {
    DateField: {"form_class": DayField, "widget": DayInput},
    TimeField: {"form_class": TimeOfDay, "widget": ClockInput},
    DateTimeField: {"form_class": DayAndClockField, "widget": DayAndClockInput},
}


def read_practice_zone() -> tzinfo:
    """The clock of the first location by name; UTC where there is none."""
    location = Location.objects.first()
    return location.zone if location else UTC


class InlineRows(BaseInlineFormSet[Any, Any, Any]):
    """Django's own, but each row has the object that it belongs to, which else is read again for each."""

    def _construct_form(self, i: int, **options: Any) -> Any:
        form = super()._construct_form(i, **options)  # type: ignore[misc] # Django's, untyped
        setattr(form.instance, self.fk.name, self.instance)
        return form


class SearchedList(ChangeList):
    """A list whose search text is in the session; its address has the text's key (contacts/searches.py)."""

    searches_by_post = True  # for admin/search_form.html
    is_forgotten: bool | None = None  # whether the session has no text for the key; None: not looked up yet

    def __init__(self, request: HttpRequest, *arguments: Any, **named: Any) -> None:
        super().__init__(request, *arguments, **named)
        if not self.is_popup:
            self.title = capfirst(str(self.opts.verbose_name_plural))

    def get_filters(self, request: HttpRequest) -> Any:
        """A year too large for a date is answered as what is no year; Django's own list fails."""
        try:
            return super().get_filters(request)
        except (OverflowError, ValueError) as error:
            raise IncorrectLookupParameters(error) from error

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """Asked for again by an action and for each filter's counts. No rows if the search was forgotten."""
        if self.is_forgotten is None:
            key, self.query = self.query, recall_search(request.session, self.query)
            self.is_forgotten = bool(key and not self.query)
            if self.is_forgotten:
                messages.warning(request, gettext("This search is no longer known here. Search again."))
        rows = super().get_queryset(request, exclude_parameters)
        return rows.none() if self.is_forgotten else rows


class KnownValuesFilter(admin.AllValuesFieldListFilter):
    """A filter by the values that a column of a large table has."""

    def __init__(
        self,
        field: Any,
        request: HttpRequest,
        params: Any,
        model: type[Model],
        model_admin: admin.ModelAdmin[Any],
        field_path: str,
    ) -> None:
        super().__init__(field, request, params, model, model_admin, field_path)
        self.lookup_choices = list_values(model, field_path)  # type: ignore[assignment] # as Django's own


class LocationFilter(admin.RelatedFieldListFilter):
    """A filter by location, of those that were read for the page already."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, Any]]:
        locations: list[Location] = request.known_locations  # type: ignore[attr-defined] # by _by_the_clock()
        return [(str(location.pk), str(location)) for location in locations]


class ClinicAdmin(admin.ModelAdmin[ModelT]):
    """Shows times, and filters by day, by the practice's clock. Keeps searched names out of addresses.

    Its search is that of contacts/admin/searching.py.
    """

    list_per_page = PER_PAGE
    shown_in_words: tuple[str, ...] = ()  # columns of codes that the list shows by other names
    formfield_overrides = FIELDS_OF_TIMES
    show_full_result_count = False
    paginator = DeepPaginator

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Not by words that the list doesn't show, else looking finds out a secret, letter by letter."""
        name = lookup.partition("__")[0]
        is_known = not self._holds_words(name) or name in self._list_shown()
        return is_known and super().lookup_allowed(lookup, value, request)

    def _holds_words(self, name: str) -> bool:
        try:
            column = self.opts.get_field(name)
        except FieldDoesNotExist:
            return False
        return isinstance(column, CharField | TextField | JSONField | BinaryField) and not column.choices

    def _list_shown(self) -> set[str]:
        filters = (one[0] if isinstance(one, tuple) else one for one in self.list_filter)
        searched = (one.removesuffix(WHOLE) for one in self.search_fields)
        shown = (*filters, *self.list_display, *searched, *self.shown_in_words)
        return {one for one in shown if isinstance(one, str)}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ModelT], search_term: str
    ) -> tuple[QuerySet[ModelT], bool]:
        """Each row once, though several of its patients may be found: no row is compared with the others."""
        if not self.search_fields or not search_term:
            return queryset, False

        def find_words(names: list[str]) -> QuerySet[ModelT]:
            by_words = copy(self)
            by_words.search_fields = names  # type: ignore[misc] # the class keeps its own
            rows = self.model._default_manager.all()
            return super(ClinicAdmin, by_words).get_search_results(request, rows, search_term)[0]

        found: FoundRows | None = getattr(request, "found_rows", None)
        if found is None:
            found = find_rows(self.model, self.search_fields, search_term, find_words)
            request.found_rows = found  # type: ignore[attr-defined] # for an action, and each filter's counts
            if found.may_be_more:
                words = gettext(
                    "Only what belongs to the first %(count)d patients or numbers found is listed. "
                    "Type more to see fewer."
                )
                self.message_user(request, words % {"count": MOST_FOUND}, messages.WARNING)
        return queryset.filter(pk__in=found.keys), False

    def action_checkbox(self, row: ModelT) -> SafeString:
        """Django's own, without a template for each row, which takes a seventh of a list's time."""
        words = gettext("Choose for an action: %(row)s") % {"row": row}
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="{}">',
            *(ACTION_CHECKBOX_NAME, row.pk, words),
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelT]:
        """The page of one row shows the same rows beside it as the list."""
        rows = super().get_queryset(request)
        is_one = request.resolver_match is not None and "object_id" in request.resolver_match.kwargs
        related = self.list_select_related
        return rows.select_related(*related) if is_one and not isinstance(related, bool) else rows

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if "%00" in request.META.get("QUERY_STRING", ""):  # PostgreSQL refuses it, and no filter looks for it
            return HttpResponseRedirect(request.path)
        if (asked := _read_search(request)) is not None:
            return asked
        try:
            return _by_the_clock(
                request, lambda: super(ClinicAdmin, self).changelist_view(request, extra_context)
            )
        except OverflowError:  # a filter's number is too large for its column
            return HttpResponseRedirect(request.path)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SearchedList

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> ModelT | None:
        """None for an id that PostgreSQL refuses: with a NUL, or a number that is too large.

        And for what is no id, or is written otherwise than ours, such as +5, which Python reads as 5:
        the audit trail wouldn't tell who was opened, and one's own would be taken for somebody else's.
        """
        if "\x00" in object_id or (object_id.isdigit() and len(object_id) > 18):
            return None
        if from_field not in (None, self.opts.pk.name):
            return None
        row = super().get_object(request, object_id, from_field)
        return None if row is None or str(row.pk) != object_id else row

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if "_saveasnew" in request.POST and not self.save_as:
            raise PermissionDenied  # Django would add a row by the page that changes one
        return _by_the_clock(
            request,
            lambda: super(ClinicAdmin, self).changeform_view(request, object_id, form_url, extra_context),
        )

    def get_actions(self, request: HttpRequest) -> Any:
        """Each as it is, but the audit trail is told the rows that it is done to."""
        actions: dict[str, Any] = super().get_actions(request)
        return {name: (_told_to_trail(action), *words) for name, (action, *words) in actions.items()}


def _told_to_trail(action: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(action)
    def run(page: ClinicAdmin[Any], request: HttpRequest, chosen: QuerySet[Any]) -> Any:
        assert isinstance(request.user, User)  # noqa: S101 - the admin is for logins
        model = page.model._meta
        ids = list(chosen.order_by("pk").values_list("pk", flat=True)[: MOST_IN_TRAIL + 1])
        code = f"{ADMIN}{model.app_label}_{model.model_name}_{ACTION}{action.__name__}"
        rows = ids if len(ids) <= MOST_IN_TRAIL else [None]
        note_action(PageUse(code, request.user, model.label, rows))
        return action(page, request, chosen)

    return run


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

    formset = InlineRows
    extra = 0
    can_delete = False
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def _read_search(request: HttpRequest) -> HttpResponse | None:
    """To the same list with the key of the text that was sent; None for a request without a new text."""
    by_post = request.method == "POST" and SEARCH_VAR in request.POST
    text = (request.POST if by_post else request.GET).get(SEARCH_VAR, "")
    if not by_post and (not text or is_search_key(text)):
        return None
    parameters = (request.POST if by_post else request.GET).copy()
    parameters.pop("csrfmiddlewaretoken", None)
    parameters[SEARCH_VAR] = remember_search(request.session, text)
    if not parameters[SEARCH_VAR]:
        del parameters[SEARCH_VAR]
    return HttpResponseRedirect(f"{request.path}?{parameters.urlencode()}")


def _by_the_clock(request: HttpRequest, view: Callable[[], HttpResponse]) -> HttpResponse:
    """By the clock of the first location by name; UTC where there is none. The frame takes the locations."""
    locations = list(Location.objects.all())
    request.known_locations = locations  # type: ignore[attr-defined]
    with timezone.override(locations[0].zone if locations else UTC):
        response = view()
        if isinstance(response, SimpleTemplateResponse):
            response.render()  # now, since Django would render it after the override has ended
        return response
