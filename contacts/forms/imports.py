"""Forms to import a list: the file, and the time zone of each new location."""

from collections.abc import Sequence
from typing import Any

from crispy_forms.helper import FormHelper
from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import RegexValidator
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from contacts.forms.contacts import list_zones
from contacts.imports.files import describe_too_large

DEFAULT_SOURCE = "csv"
KINDS_OF_FILE = (
    ".csv,.txt,.tsv,.tab,.xlsx,.xls,.xlsb,.ods,.htm,.html,.ics,.json,.ndjson,text/csv,text/calendar"
)


class UploadForm(forms.Form):
    """The file to import and its source."""

    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "A list from your practice system: CSV, Excel, OpenDocument, a calendar (ICS) or FHIR. "
            "You see a preview before anything is imported."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": KINDS_OF_FILE}),
        error_messages={"required": _("Choose a file."), "empty": _("The file is empty.")},
    )
    source = forms.CharField(
        label=_("Source"),
        initial=DEFAULT_SOURCE,
        max_length=60,
        validators=[RegexValidator(r"^[\w.-]+$", _("Use letters, digits, dots and dashes only."))],
        help_text=_("Use the same name each time: appointments are matched by source and ID."),
    )

    helper = FormHelper()
    helper.form_tag = False
    helper.disable_csrf = True

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
