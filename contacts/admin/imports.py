"""Imported files and the problems in them."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from contacts.admin.history import HistoryAdmin, HistoryInline
from contacts.models import ImportBatch, ImportChange, ImportFile, ImportPart, ImportProblem, SourceAnswers


class ProblemInline(HistoryInline):
    model = ImportProblem
    fields = ("line", "weight", "column", "value", "problem", "remedy")
    readonly_fields = fields


@admin.register(ImportBatch)
class ImportBatchAdmin(HistoryAdmin[ImportBatch]):
    list_display = ("made_at", "file_name", "source", "state", "how", "by", "row_counts")
    list_filter = ("state", "how", "source")
    list_select_related = ("by",)
    search_fields = ("file_name", "sha256")
    date_hierarchy = "made_at"
    inlines = (ProblemInline,)

    @admin.display(description=_("rows"))
    def row_counts(self, batch: ImportBatch) -> str:
        return ", ".join(f"{count} {word}" for word, count in batch.counts.items() if count)


@admin.register(ImportFile)
class ImportFileAdmin(HistoryAdmin[ImportFile]):
    """Files that aren't imported yet; what is in them isn't shown here."""

    list_display = ("batch",)
    list_select_related = ("batch",)
    exclude = ("content",)


@admin.register(ImportPart)
class ImportPartAdmin(HistoryAdmin[ImportPart]):
    list_display = ("batch", "counts")
    list_select_related = ("batch",)


@admin.register(ImportProblem)
class ImportProblemAdmin(HistoryAdmin[ImportProblem]):
    list_display = ("batch", "line", "weight", "column", "problem", "remedy")
    list_filter = ("weight", "column")
    list_select_related = ("batch",)
    search_fields = ("problem", "column", "batch__file_name")


@admin.register(SourceAnswers)
class SourceAnswersAdmin(HistoryAdmin[SourceAnswers]):
    list_display = ("source", "updated_at")
    search_fields = ("source",)


@admin.register(ImportChange)
class ImportChangeAdmin(HistoryAdmin[ImportChange]):
    list_display = ("batch", "line", "what", "about", "old", "new")
    list_filter = ("what",)
    list_select_related = ("batch",)
    raw_id_fields = ("appointment", "contact")
    search_fields = ("about", "batch__file_name")
