"""Contacts, their numbers, and the ledger of opt-outs and consent."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from contacts.admin.columns import show_number
from contacts.admin.history import ClinicAdmin, HistoryAdmin, HistoryInline, KnownValuesFilter
from contacts.audit.contact_changes import read_contact_details, record_contact_edit
from contacts.consent import record_consent_basis
from contacts.database.clock import read_database_clock
from contacts.forms.contacts import PersonNameForm
from contacts.merging import has_history
from contacts.models import ConsentEntry, Contact, PhoneNumber


class OptedOutFilter(admin.SimpleListFilter):
    """Numbers that have opted out of calls or of texts."""

    title = _("opted out")
    parameter_name = "opted_out"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("voice", _("of calls")), ("sms", _("of text messages")), ("no", _("not opted out"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[PhoneNumber]) -> QuerySet[PhoneNumber]:
        wanted: dict[str | None, dict[str, bool]] = {
            "voice": {"voice_opted_out_at__isnull": False},
            "sms": {"sms_opted_out_at__isnull": False},
            "no": {"voice_opted_out_at__isnull": True, "sms_opted_out_at__isnull": True},
        }
        return queryset.filter(**wanted.get(self.value(), {}))


class ConsentInline(HistoryInline):
    model = ConsentEntry
    fields = ("at", "what", "scope", "basis", "source", "evidence", "by")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("by")


class PhoneNumberForm(forms.ModelForm[PhoneNumber]):
    """The consent basis can be changed, with evidence for it; the opt-out flags can't."""

    evidence = forms.CharField(
        label=_("Evidence of consent"),
        required=False,
        max_length=250,
        help_text=_("Required when you change the basis: which form, its date, where it is kept."),
    )

    class Meta:
        model = PhoneNumber
        fields = ["consent_basis"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "consent_basis" in self.changed_data and not cleaned.get("evidence"):
            raise ValidationError({"evidence": _("Enter the evidence of consent.")})
        return cleaned


@admin.register(PhoneNumber)
class PhoneNumberAdmin(ClinicAdmin[PhoneNumber]):
    """Opt-outs are recorded on the contact's page. A number is never deleted: its opt-out would be lost."""

    form = PhoneNumberForm
    list_display = ("masked", "voice_opted_out_at", "sms_opted_out_at", "unusable_since", "consent_basis")
    list_filter = (OptedOutFilter, ("unusable_since", admin.EmptyFieldListFilter), "consent_basis")
    search_fields = ("e164", "contacts__last_name")
    fields = (
        "e164",
        "voice_opted_out_at",
        "sms_opted_out_at",
        "unusable_since",
        "why_unusable",
        "time_zones",
        "created_at",
        "consent_basis",
        "evidence",
    )
    readonly_fields = fields[:-2]
    inlines = (ConsentInline,)

    @admin.display(description=_("number"), ordering="e164")
    def masked(self, number: PhoneNumber) -> str:
        return show_number(number)

    @admin.display(description=_("why it can't be used"))
    def why_unusable(self, number: PhoneNumber) -> str:
        return number.why_unusable or "-"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: PhoneNumber | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: PhoneNumber, form: Any, change: bool) -> None:
        """Only the basis can change here, and the change is recorded in the ledger."""
        if "consent_basis" in form.changed_data and isinstance(request.user, User):
            evidence = form.cleaned_data["evidence"]
            record_consent_basis(
                obj.pk, obj.consent_basis, evidence=evidence, by=request.user, at=timezone.now()
            )


@admin.register(ConsentEntry)
class ConsentEntryAdmin(HistoryAdmin[ConsentEntry]):
    list_display = ("at", "masked", "what", "scope", "basis", "source", "evidence", "by")
    list_filter = ("what", "scope", "source")
    list_select_related = ("number", "by")
    search_fields = ("number__e164", "evidence")
    date_hierarchy = "at"

    @admin.display(description=_("number"), ordering="number__e164")
    def masked(self, entry: ConsentEntry) -> str:
        return show_number(entry.number)


@admin.register(Contact)
class ContactAdmin(ClinicAdmin[Contact]):
    """Numbers are changed on the contact's page, which moves upcoming reminders to the new number.

    Whoever has a history is erased there too: deleting would take the figures, and leave the words of calls.
    """

    form = PersonNameForm
    list_display = ("full_name", "masked", "language", "preferred_channel", "time_zone", "source", "page")
    list_filter = (
        ("language", KnownValuesFilter),
        "preferred_channel",
        ("source", KnownValuesFilter),
        ("phone", admin.EmptyFieldListFilter),
    )
    list_select_related = ("phone",)
    search_fields = ("first_name", "last_name", "external_id")
    readonly_fields = ("phone", "other_phone", "source", "external_id", "page", "created_at", "updated_at")

    @admin.display(description=_("number"), ordering="phone__e164")
    def masked(self, contact: Contact) -> str:
        return show_number(contact.phone)

    @admin.display(description=_("page"))
    def page(self, contact: Contact) -> str:
        return format_html('<a href="{}">{}</a>', reverse("contact", args=[contact.pk]), _("open"))

    def save_model(self, request: HttpRequest, obj: Contact, form: Any, change: bool) -> None:
        if "language" in form.changed_data:
            obj.language_at = read_database_clock()
        was = read_contact_details(obj.pk)
        super().save_model(request, obj, form, change)
        record_contact_edit(obj, was, by=request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Contact | None = None) -> bool:
        return (obj is None or obj.erased_at is None) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Contact | None = None) -> bool:
        """Only of one without any history, and never many at once."""
        if obj is None or has_history(obj):
            return False
        return super().has_delete_permission(request, obj)
