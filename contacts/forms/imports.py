"""Forms to import a list: the file, and the time zone of each new location."""

from collections.abc import Sequence
from typing import Any, cast

from crispy_forms.helper import FormHelper
from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import RegexValidator
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from contacts.forms.contacts import list_zones
from contacts.imports.doubts import list_sources
from contacts.imports.files import describe_too_large

DEFAULT_SOURCE = "csv"
NEW = ""  # choice of a source that isn't known yet


def describe_source(source: str) -> dict[str, str]:
    """The data of an UploadForm in which that source is chosen."""
    return {"source": source} if source in list_sources() else {"source": NEW, "new_source": source}


class UploadForm(forms.Form):
    """The file to import and its source."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("A CSV file from your practice system. You see a preview before anything is imported."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv"}),
        error_messages={"required": _("Choose a file."), "empty": _("The file is empty.")},
    )
    source = forms.ChoiceField(
        label=_("Source"),
        required=False,
        initial=DEFAULT_SOURCE,
        help_text=_("The system that the list comes from: patients and appointments are matched by its ids."),
    )
    new_source = forms.CharField(
        label=_("Name of a new source"),
        required=False,
        max_length=60,
        validators=[RegexValidator(r"^[\w.-]+$", _("Use letters, digits, dots and dashes only."))],
        help_text=_("Only for the first list of another system."),
    )

    helper = FormHelper()
    helper.form_tag = False
    helper.disable_csrf = True

    def __init__(self, *args: Any, **fields: Any) -> None:
        super().__init__(*args, **fields)
        known = list_sources() or [DEFAULT_SOURCE]
        source = cast(forms.ChoiceField, self.fields["source"])
        source.choices = [*((name, name) for name in known), (NEW, _("a new source: its name is below"))]
        if DEFAULT_SOURCE not in known:
            source.initial = known[0]

    def clean(self) -> dict[str, Any]:
        """A new source is named; one that is written is meant, whatever was chosen beside it."""
        cleaned = super().clean() or {}
        if cleaned.get("new_source"):
            cleaned["source"] = cleaned["new_source"]
        elif cleaned.get("source") == NEW and "new_source" not in self.errors:
            self.add_error("new_source", _("Enter the name of the new source."))
        return cleaned

    def clean_file(self) -> UploadedFile[Any]:
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if (file.size or 0) > settings.IMPORT_MAX_BYTES:
            raise forms.ValidationError(describe_too_large(settings.IMPORT_MAX_BYTES))
        return file


class ZoneForm(forms.Form):
    """A time zone for each new location. Rows of a location without one are not imported."""

    def __init__(self, locations: Sequence[str], data: MultiValueDict[str, Any] | None = None) -> None:
        super().__init__(data)
        self.locations = list(locations)
        for index, location in enumerate(self.locations):
            self.fields[f"zone-{index}"] = forms.ChoiceField(
                label=location,
                required=False,
                choices=[("", _("Not yet (don't import its rows)")), *list_zones("")[1:]],
            )
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True

    @property
    def zones(self) -> dict[str, str]:
        """Time zone by location name, for the locations where one was chosen."""
        chosen = self.cleaned_data if self.is_bound and self.is_valid() else {}
        named = {name: chosen.get(f"zone-{index}") for index, name in enumerate(self.locations)}
        return {name: zone for name, zone in named.items() if zone}
