"""What staff fill in to import a list: the file, and the clock of each location that is new."""

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


class UploadForm(forms.Form):
    """A list from the practice's computer."""

    file = forms.FileField(
        label=_("The list"),
        help_text=_("CSV, as your practice system exports it. Nothing is imported before you have seen it."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv"}),
        error_messages={"required": _("Choose the file first."), "empty": _("The file is empty.")},
    )
    source = forms.CharField(
        label=_("Where it comes from"),
        initial=DEFAULT_SOURCE,
        max_length=60,
        validators=[RegexValidator(r"^[\w.-]+$", _("Use letters, digits, dots and dashes only."))],
        help_text=_("Use the same word each time: appointments are recognised by it and their id."),
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
    """A time zone for each location that is new; one left empty keeps its rows out."""

    def __init__(self, locations: Sequence[str], data: MultiValueDict[str, Any] | None = None) -> None:
        super().__init__(data)
        self.locations = list(locations)
        for place, location in enumerate(self.locations):
            self.fields[f"zone-{place}"] = forms.ChoiceField(
                label=location,
                required=False,
                choices=[("", _("Not yet: leave its rows out")), *list_zones("")[1:]],
            )
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True

    @property
    def zones(self) -> dict[str, str]:
        """Location -> zone, for those that were chosen."""
        chosen = self.cleaned_data if self.is_bound and self.is_valid() else {}
        named = {name: chosen.get(f"zone-{place}") for place, name in enumerate(self.locations)}
        return {name: zone for name, zone in named.items() if zone}
