"""Scripts and their versions, to look at: they are written and published on their page at the front desk.

The page shows how long each text gets as a text message, and which letters cost more (product rule 40).
"""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet, prefetch_related_objects
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.admin.history import HistoryAdmin, HistoryInline
from contacts.languages import name_language
from reminders.models import CallRecord, Pronunciation, Script, ScriptText, Step
from reminders.wording.sms_length import (
    find_longest_first_name,
    is_sent_as_text,
    measure_script,
    read_said_names,
)
from reminders.wording.sms_length_words import describe_length


def mark_used(texts: QuerySet[ScriptText]) -> QuerySet[ScriptText]:
    """Annotates `is_used`: whether a call was ever made with this text."""
    return texts.annotate(is_used=Exists(CallRecord.objects.filter(script_text=OuterRef("pk"))))


class ScriptTextInline(HistoryInline):
    model = ScriptText
    fields = readonly_fields = (
        "language",
        "version",
        "state",
        "is_used",
        "voice",
        "text",
        "written_by",
        "written_at",
        "approved_by",
        "approved_at",
        "published_by",
        "published_at",
    )
    verbose_name_plural = _("texts by language and version; the highest published version is used")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        texts = super().get_queryset(request).select_related("written_by", "approved_by", "published_by")
        return mark_used(texts)

    @admin.display(description=_("used"), boolean=True)
    def is_used(self, text: ScriptText) -> bool:
        return bool(text.is_used)  # type: ignore[attr-defined] # annotated above


@admin.register(Script)
class ScriptAdmin(HistoryAdmin[Script]):
    list_display = ("name", "channel")
    search_fields = ("name", "texts__text")
    fields = readonly_fields = ("name", "channel", "page", "as_text_message")
    inlines = (ScriptTextInline,)

    @admin.display(description=_("write and publish"))
    def page(self, script: Script) -> str:
        return format_html('<a href="{}">{}</a>', reverse("script", args=[script.pk]), _("Open its page"))

    @admin.display(description=_("length as a text message"))
    def as_text_message(self, script: Script) -> str:
        """For each language: with a name of 20 letters, and with the longest first name of a patient."""
        if not is_sent_as_text(script) and Step.objects.in_use().filter(script=script).exists():
            return gettext("No step sends this script as a text message, so its length is not counted.")
        prefetch_related_objects([script], "texts")
        names = read_said_names()
        lines = [
            (name_language(longest.language), describe_length(longest.length), longest.example)
            for longest in measure_script(script, names=names)
        ]
        if name := find_longest_first_name():
            lines += [
                (
                    gettext("%(language)s, for the longest first name of a patient")
                    % {"language": name_language(longest.language)},
                    describe_length(longest.length),
                    longest.example,
                )
                for longest in measure_script(script, name, names)
            ]
        return format_html_join("", "<p><strong>{}</strong>: {}<br>{}</p>", lines) if lines else "-"


@admin.register(ScriptText)
class ScriptTextAdmin(HistoryAdmin[ScriptText]):
    """For searching only; texts are written on their script's page."""

    list_display = ("script", "language", "version", "state", "voice", "is_used", "text")
    list_filter = ("state", "language", "script")
    list_select_related = ("script",)
    search_fields = ("script__name", "text")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScriptText]:
        return mark_used(super().get_queryset(request))

    @admin.display(description=_("used"), boolean=True)
    def is_used(self, text: ScriptText) -> bool:
        return bool(text.is_used)  # type: ignore[attr-defined] # annotated above


@admin.register(Pronunciation)
class PronunciationAdmin(HistoryAdmin[Pronunciation]):
    """To look at; they are edited at the front desk, under Scripts."""

    list_display = ("written", "spoken", "language")
    list_filter = ("language",)
    search_fields = ("written", "spoken")
