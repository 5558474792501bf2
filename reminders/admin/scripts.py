"""Scripts. A text that was used in a call can't be changed: a new version is added instead."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Exists, Max, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from contacts.admin.history import ClinicAdmin
from reminders.models import CallRecord, Script, ScriptText


def mark_used(texts: QuerySet[ScriptText]) -> QuerySet[ScriptText]:
    """Annotates `is_used`: whether a call was ever made with this text."""
    return texts.annotate(is_used=Exists(CallRecord.objects.filter(script_text=OuterRef("pk"))))


class ScriptTextForm(forms.ModelForm[ScriptText]):
    """A text in one language, locked once used. A new one gets the next version number of its language."""

    class Meta:
        model = ScriptText
        fields = ["language", "voice", "text"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if getattr(self.instance, "is_used", False):
            for field in self.fields.values():
                field.disabled = True
            self.fields["text"].help_text = _("Already used, so it can't be changed. Add a version below.")

    def save(self, commit: bool = True) -> ScriptText:
        if self.instance._state.adding:
            same = ScriptText.objects.filter(script=self.instance.script, language=self.instance.language)
            self.instance.version = (same.aggregate(last=Max("version"))["last"] or 0) + 1
        return super().save(commit)


class ScriptTextInline(admin.StackedInline[ScriptText, Script]):
    model = ScriptText
    form = ScriptTextForm
    extra = 0
    fields = (("language", "voice", "version"), "text")
    readonly_fields = ("version",)
    verbose_name = _("text")
    verbose_name_plural = _("texts by language and version; the highest version of each language is used")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScriptText]:
        return mark_used(super().get_queryset(request))


@admin.register(Script)
class ScriptAdmin(ClinicAdmin[Script]):
    list_display = ("name",)
    search_fields = ("name", "texts__text")
    inlines = (ScriptTextInline,)


@admin.register(ScriptText)
class ScriptTextAdmin(ClinicAdmin[ScriptText]):
    """For searching only; texts are written on their script's page."""

    list_display = ("script", "language", "version", "voice", "is_used", "text")
    list_filter = ("language", "script")
    list_select_related = ("script",)
    search_fields = ("script__name", "text")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScriptText]:
        return mark_used(super().get_queryset(request))

    @admin.display(description=_("used"), boolean=True)
    def is_used(self, text: ScriptText) -> bool:
        return bool(text.is_used)  # type: ignore[attr-defined] # annotated above

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ScriptText | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ScriptText | None = None) -> bool:
        return False
