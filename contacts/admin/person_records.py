"""Merges of contacts, who took or erased data or saw a number, and the opt-outs of erased numbers."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from contacts.admin.columns import show_number
from contacts.admin.history import ClinicAdmin, HistoryAdmin
from contacts.models import (
    AuditEntry,
    Contact,
    ContactId,
    ContactLogEntry,
    ContactMerge,
    DistinctPair,
    ErasedOptOut,
    NumberLook,
)


def link_to_contact(contact: Contact) -> str:
    """A link to the contact's page."""
    return format_html('<a href="{}">{}</a>', reverse("contact", args=[contact.pk]), contact.full_name)


@admin.register(ContactMerge)
class ContactMergeAdmin(HistoryAdmin[ContactMerge]):
    list_display = ("at", "who_stays", "merged_id", "by")
    list_select_related = ("survivor", "by")
    search_fields = ("merged_id__exact",)
    date_hierarchy = "at"

    @admin.display(description=_("contact"))
    def who_stays(self, merge: ContactMerge) -> str:
        return link_to_contact(merge.survivor)


@admin.register(ContactLogEntry)
class ContactLogEntryAdmin(HistoryAdmin[ContactLogEntry]):
    list_display = ("at", "who", "what", "by")
    list_filter = ("what",)
    list_select_related = ("contact", "by")
    date_hierarchy = "at"

    @admin.display(description=_("contact"))
    def who(self, entry: ContactLogEntry) -> str:
        return link_to_contact(entry.contact)


@admin.register(ErasedOptOut)
class ErasedOptOutAdmin(HistoryAdmin[ErasedOptOut]):
    list_display = ("at", "voice_opted_out_at", "sms_opted_out_at", "without_consent")
    date_hierarchy = "at"


@admin.register(ContactId)
class ContactIdAdmin(HistoryAdmin[ContactId]):
    list_display = ("source", "external_id", "who")
    list_filter = ("source",)
    list_select_related = ("contact",)
    search_fields = ("external_id__exact",)

    @admin.display(description=_("contact"))
    def who(self, other: ContactId) -> str:
        return link_to_contact(other.contact)


@admin.register(DistinctPair)
class DistinctPairAdmin(ClinicAdmin[DistinctPair]):
    """Deleting one lists the two as possible duplicates again."""

    list_display = ("at", "first", "second", "by")
    list_select_related = ("one", "other", "by")

    @admin.display(description=_("contact"))
    def first(self, pair: DistinctPair) -> str:
        return link_to_contact(pair.one)

    @admin.display(description=_("other contact"))
    def second(self, pair: DistinctPair) -> str:
        return link_to_contact(pair.other)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: DistinctPair | None = None) -> bool:
        return False


@admin.register(NumberLook)
class NumberLookAdmin(HistoryAdmin[NumberLook]):
    list_display = ("at", "by", "masked")
    list_select_related = ("number", "by")
    date_hierarchy = "at"

    @admin.display(description=_("number"))
    def masked(self, look: NumberLook) -> str:
        return show_number(look.number)


@admin.register(AuditEntry)
class AuditEntryAdmin(HistoryAdmin[AuditEntry]):
    """The page of the audit trail says it in words (contacts/views/audit.py)."""

    list_display = ("at", "by_name", "kind", "what", "about", "about_id", "contact_key", "address")
    list_filter = ("kind",)
    date_hierarchy = "at"
