"""Forms to import a list: the file, each new location, the columns, and the answers to questions."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from crispy_forms.helper import FormHelper
from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import RegexValidator
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from contacts.forms.contacts import ZONES, NumberField, list_zones
from contacts.imports.columns import NONE_OF_THEM, WORDS, title_of
from contacts.imports.doubts import list_sources
from contacts.imports.files import describe_too_large
from contacts.imports.practice import DEFAULT_SOURCE, ImportOptions
from contacts.zones import list_zones_of

LONGEST_ANSWER = 120  # characters, of one that is written: the name of a location
KINDS_OF_FILE = (
    ".csv,.txt,.tsv,.tab,.xlsx,.xls,.xlsb,.ods,.htm,.html,.ics,.json,.ndjson,text/csv,text/calendar"
)
NEW = ""  # choice of a source that isn't known yet
NOTHING_KEPT = ImportOptions()
NO_SAMPLES: Mapping[str, str] = {}


def describe_source(source: str) -> dict[str, str]:
    """The data of an UploadForm in which that source is chosen."""
    return {"source": source} if source in list_sources() else {"source": NEW, "new_source": source}


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
        self.fields["file"].widget.attrs |= {  # read by static/callboard.js
            "data-largest": settings.IMPORT_MAX_BYTES,
            "data-too-large": describe_too_large(settings.IMPORT_MAX_BYTES),
        }
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

    @property
    def has_chosen_source(self) -> bool:
        """Whether a source was written, or another chosen than the one that the page offers first."""
        chosen = self.cleaned_data
        return bool(chosen.get("new_source") or chosen["source"] != self.fields["source"].initial)

    def clean_file(self) -> UploadedFile[Any]:
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if (file.size or 0) > settings.IMPORT_MAX_BYTES:
            raise forms.ValidationError(describe_too_large(settings.IMPORT_MAX_BYTES))
        return file


class NewLocationsForm(forms.Form):
    """Time zone, spoken name and callback number of each new location.

    Rows of a location without a zone are not imported; reminders of one without the others are held.
    """

    def __init__(
        self,
        locations: Sequence[str],
        data: MultiValueDict[str, Any] | None = None,
        *,
        kept: ImportOptions = NOTHING_KEPT,
    ) -> None:
        """`kept`: what was answered about them before."""
        super().__init__(data)
        self.locations = list(locations)
        zones = list_zones_of(settings.PHONE_REGION)
        usual = [zone for zone in ZONES if zone in zones]
        choices = [(zone, zone) for zone in [*usual, *(zone for zone in zones if zone not in usual)]]
        for index, location in enumerate(self.locations):
            self.fields[f"zone-{index}"] = forms.ChoiceField(
                label=_("Time zone"),
                required=False,
                choices=[("", _("Not yet (don't import its rows)")), *(choices or list_zones("")[1:])],
                initial=kept.zones.get(location) or (zones[0] if len(zones) == 1 else ""),
                widget=forms.Select(attrs={"class": "form-select"}),
            )
            self.fields[f"spoken-{index}"] = forms.CharField(
                label=_("Name said in calls"),
                required=False,
                max_length=160,
                initial=kept.spoken_names.get(location) or location,
                widget=forms.TextInput(attrs={"class": "form-control"}),
            )
            kept_number = kept.callback_numbers.get(location)
            number = NumberField(
                label=_("Number to call back"), initial=kept_number or settings.ROBOTALKER_FROM_NUMBER
            )
            number.widget.attrs["class"] = "form-control"
            self.fields[f"number-{index}"] = number

    @property
    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields of each location, under its name."""
        names = ("zone", "spoken", "number")
        return [
            (location, [self[f"{name}-{index}"] for name in names])
            for index, location in enumerate(self.locations)
        ]

    @property
    def zones(self) -> dict[str, str]:
        """Time zone by location name, for the locations where one was chosen."""
        return self._read("zone")

    @property
    def spoken_names(self) -> dict[str, str]:
        return self._read("spoken")

    @property
    def callback_numbers(self) -> dict[str, str]:
        """The numbers as E.164, by location name."""
        return {name: number.e164 for name, number in self._read("number").items()}

    def _read(self, name: str) -> dict[str, Any]:
        chosen = self.cleaned_data if self.is_bound and self.is_valid() else {}
        given = {location: chosen.get(f"{name}-{index}") for index, location in enumerate(self.locations)}
        return {location: value for location, value in given.items() if value}


class ColumnForm(forms.Form):
    """Which column has which meaning, where staff correct what was recognised."""

    MARK = "columns"  # posted with it, since every field may be left as recognised

    def __init__(
        self,
        labels: Sequence[str],
        chosen: Mapping[str, str],
        data: MultiValueDict[str, Any] | None = None,
        *,
        samples: Mapping[str, str] = NO_SAMPLES,
    ) -> None:
        """`samples`: some cells of each column, by its label; they stand beside it."""
        super().__init__(data)
        offered = [(label, f"{label}: {samples[label]}" if samples.get(label) else label) for label in labels]
        for name in WORDS:
            self.fields[f"column-{name}"] = forms.ChoiceField(
                label=title_of(name).capitalize(),
                required=False,
                choices=[("", _("As recognised")), (NONE_OF_THEM, _("No column")), *offered],
                initial=chosen.get(name, ""),
                widget=forms.Select(attrs={"class": "form-select"}),
            )

    @property
    def shown(self) -> dict[str, str]:
        """What read_columns() reads if nobody touches the form: a column that isn't offered isn't chosen."""
        shown = {}
        for field in self:
            choices = cast(Iterable[tuple[str, str]], cast(forms.ChoiceField, field.field).choices)
            offered = [value for value, _words in choices]
            shown[field.name.removeprefix("column-")] = field.initial if field.initial in offered else ""
        return shown


def read_columns(data: MultiValueDict[str, Any]) -> dict[str, str]:
    """The columns that staff chose on the page, by field; "" for one that is left as recognised.

    Empty if the page had no such choices, so that what is remembered of the source stays.
    """
    if ColumnForm.MARK not in data:
        return {}
    return {name: str(data.get(f"column-{name}", "")) for name in WORDS}


def read_answers(data: MultiValueDict[str, Any]) -> dict[str, str]:
    """The answers that staff gave on the page, by the key of the question; what was written counts most."""
    answers = {}
    for index, key in enumerate(data.getlist("question")):
        given = str(data.get(f"other-{index}", "")).strip() or str(data.get(f"answer-{index}", ""))
        if given:
            answers[str(key)] = given[:LONGEST_ANSWER]
    return answers
