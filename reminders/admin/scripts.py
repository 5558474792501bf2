"""Scripts. A text that was used in a call can't be changed: a new version is added instead.

The page shows how long each text gets as a text message, and which letters cost more (product rule 40).
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Exists, Max, OuterRef, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.admin.history import ClinicAdmin
from contacts.languages import name_language
from reminders.admin.text_lengths import describe_length, describe_refusal, warn_of_long_texts
from reminders.desk.rechecks import recheck_script
from reminders.models import CallRecord, Script, ScriptText, Step
from reminders.wording.sms_length import (
    find_longest_first_name,
    is_sent_as_text,
    measure_longest,
    measure_script,
)


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

    def clean(self) -> dict[str, Any]:
        """Refuse a text too long to be sent, where a step sends this script as a text message."""
        cleaned = super().clean() or {}
        text, language = cleaned.get("text"), cleaned.get("language")
        if text and language and self.has_changed() and self.instance.script_id:
            longest = measure_longest(text, language)
            if longest.is_refused and is_sent_as_text(self.instance.script):
                self.add_error("text", describe_refusal(longest))
        return cleaned

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
    fields = ("name", "as_text_message")
    readonly_fields = ("as_text_message",)
    inlines = (ScriptTextInline,)

    @admin.display(description=_("length as a text message"))
    def as_text_message(self, script: Script) -> str:
        """For each language: with a name of 20 letters, and with the longest first name of a patient."""
        if script._state.adding:
            return gettext("Shown once it is saved.")
        if Step.objects.filter(script=script).exists() and not is_sent_as_text(script):
            return gettext("No step sends this script as a text message, so its length is not counted.")
        lines = [
            (name_language(longest.language), describe_length(longest.length), longest.example)
            for longest in measure_script(script)
        ]
        if name := find_longest_first_name():
            lines += [
                (
                    gettext("%(language)s, for the longest first name of a patient")
                    % {"language": name_language(longest.language)},
                    describe_length(longest.length),
                    longest.example,
                )
                for longest in measure_script(script, name)
            ]
        return format_html_join("", "<p><strong>{}</strong>: {}<br>{}</p>", lines) if lines else "-"

    def save_related(
        self, request: HttpRequest, form: ModelForm[Script], formsets: Any, change: bool
    ) -> None:
        super().save_related(request, form, formsets, change)
        if is_sent_as_text(form.instance):
            warn_of_long_texts(self, request, [form.instance])
        recheck_script(form.instance.pk)


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
