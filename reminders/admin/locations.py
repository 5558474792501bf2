"""Locations, their closed days, and providers, as far as campaigns and reminders depend on them.

Saving a location or a closed day replans the reminders, whose times depend on both. A location or provider
that a campaign is limited to can't be deleted, since an empty filter means everybody (product rule 29). A new
name of a location or provider makes text messages longer: those that then need more than one part are named
(product rule 40). The pages are those of contacts/admin, which doesn't know about reminders.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from contacts.admin import practice
from contacts.models import ClosedDay, Location, Provider
from reminders.desk.wake_dispatch import wake_dispatch
from reminders.models import Campaign
from reminders.planning.replanning import replan_location
from reminders.wording.sms_length import list_active_text_scripts
from reminders.wording.sms_length_words import say_long_texts

admin.site.unregister([Location, ClosedDay, Provider])


@admin.register(Location)
class LocationAdmin(practice.LocationAdmin):
    """The time zone of an existing location is corrected on its own page, which shows the effect first."""

    readonly_fields = ("correction",)

    @admin.display(description=_("correct the time zone"))
    def correction(self, location: Location) -> str:
        if location._state.adding:
            return "-"
        address = reverse("correct_zone", args=[location.pk])
        return format_html('<a href="{}">{}</a>', address, _("See what changes, and correct it"))

    def get_readonly_fields(self, request: HttpRequest, obj: Location | None = None) -> Any:
        return (*(("time_zone",) if obj else ()), *super().get_readonly_fields(request, obj))

    def save_model(
        self, request: HttpRequest, obj: Location, form: ModelForm[Location], change: bool
    ) -> None:
        """Without the zone of an existing one: it may have been corrected since the row was read."""
        if change:
            # another country clears what was entered for the one before
            with practice.following_name_of(obj, form):
                obj.save(update_fields={*form.changed_data, "subdivision", "open_holidays"})
        else:
            super().save_model(request, obj, form, change)

    def get_deleted_objects(
        self, objs: "QuerySet[Location] | Sequence[Location]", request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        deleted, counts, perms, protected = super().get_deleted_objects(objs, request)
        kept = Location.objects.exclude(pk__in=[location.pk for location in objs])
        emptied = Campaign.objects.filter(locations__in=objs).exclude(locations__in=kept)
        return deleted, counts, perms, [*protected, *_name_campaigns(emptied)]

    def save_related(
        self, request: HttpRequest, form: ModelForm[Location], formsets: Any, change: bool
    ) -> None:
        super().save_related(request, form, formsets, change)
        _replan(self, request, [form.instance])
        if "spoken_name" in form.changed_data or "callback_number" in form.changed_data:
            _warn_of_long_texts(self, request)


@admin.register(Provider)
class ProviderAdmin(practice.ProviderAdmin):
    def save_model(
        self, request: HttpRequest, obj: Provider, form: ModelForm[Provider], change: bool
    ) -> None:
        super().save_model(request, obj, form, change)
        if form.changed_data:
            _warn_of_long_texts(self, request)

    def get_deleted_objects(
        self, objs: "QuerySet[Provider] | Sequence[Provider]", request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        deleted, counts, perms, protected = super().get_deleted_objects(objs, request)
        kept = Provider.objects.exclude(pk__in=[provider.pk for provider in objs])
        emptied = Campaign.objects.filter(providers__in=objs).exclude(providers__in=kept)
        return deleted, counts, perms, [*protected, *_name_campaigns(emptied)]


@admin.register(ClosedDay)
class ClosedDayAdmin(practice.ClosedDayAdmin):
    def save_model(
        self, request: HttpRequest, obj: ClosedDay, form: ModelForm[ClosedDay], change: bool
    ) -> None:
        before = Location.objects.filter(closed_days=obj.pk) if change else Location.objects.none()
        locations = {*before, obj.location}
        super().save_model(request, obj, form, change)
        _replan(self, request, locations)

    def delete_model(self, request: HttpRequest, obj: ClosedDay) -> None:
        super().delete_model(request, obj)
        _replan(self, request, [obj.location])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ClosedDay]) -> None:
        locations = list(Location.objects.filter(closed_days__in=queryset).distinct())
        super().delete_queryset(request, queryset)
        _replan(self, request, locations)


def _name_campaigns(campaigns: "QuerySet[Campaign]") -> list[str]:
    """What stands in the way of a deletion that would leave these campaigns without a filter."""
    words = gettext("campaign “%(name)s”, which would then be for everybody")
    return [words % {"name": campaign} for campaign in campaigns.distinct()]


def _replan(page: admin.ModelAdmin[Any], request: HttpRequest, locations: Iterable[Location]) -> None:
    in_order = sorted(locations, key=attrgetter("pk"))  # each stays locked until the end of the transaction
    reports = [replan_location(location) for location in in_order]
    moved, skipped = sum(one.moved for one in reports), sum(one.skipped for one in reports)
    _describe_replanned(page, request, moved, skipped)
    wake_dispatch()


def _describe_replanned(page: admin.ModelAdmin[Any], request: HttpRequest, moved: int, skipped: int) -> None:
    """Show how many waiting reminders have a new time, and how many are now skipped; nothing for none."""
    if moved:
        words = ngettext(
            "%(count)d waiting reminder has a new time.",
            "%(count)d waiting reminders have a new time.",
            moved,
        )
        page.message_user(request, words % {"count": moved})
    if skipped:
        words = ngettext(
            "%(count)d waiting reminder won't be sent, since its new time is too late or has passed.",
            "%(count)d waiting reminders won't be sent, since their new time is too late or has passed.",
            skipped,
        )
        page.message_user(request, words % {"count": skipped}, messages.WARNING)


def _warn_of_long_texts(page: admin.ModelAdmin[Any], request: HttpRequest) -> None:
    """Warn of each text message in use that can now need more than one part (product rule 40)."""
    for words in say_long_texts(list_active_text_scripts()):
        page.message_user(request, words, messages.WARNING)
