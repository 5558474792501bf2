"""The form in which staff correct how an imported file was read."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext

from contacts.imports.errors import ImportRefused, WrongChoice
from contacts.imports.practice import ImportOptions
from contacts.imports.reading_options import (
    BEFORE_THE_ROWS,
    LAST_LINE,
    OF_THE_TABLE,
    READING_OPTIONS,
    ReadingOption,
    choose_reading,
    name_countries,
    say_choice,
)
from contacts.imports.understood import FirstRows, Understood, list_understood

SHOWN = "shown"  # digest of the answers that a preview was made with
GIVEN = "reading-given"  # names of choices that were made on an earlier page of this upload
ON_THE_PAGE = (*OF_THE_TABLE, "region")  # the zone of each new location is asked beside its name
LONGEST_CHOICE = 200  # characters
BUTTONS = ("check", "apply", "download_changes", "download_rejected")  # names of the preview's buttons


class ReadingForm(forms.Form):
    """How the file is read: a field for each choice that its kind has.

    A choice counts only if somebody changes it: what is posted as it was shown stays as it was.
    """

    def __init__(self, understood: Understood, refused: ImportRefused | None = None) -> None:
        super().__init__()
        self.understood = understood
        self.chosen, self.remembered = dict(understood.chosen), dict(understood.remembered)
        for option in READING_OPTIONS:
            if option.name in ON_THE_PAGE and (option.name in understood.takes or option.name == "region"):
                self.fields[f"reading-{option.name}"] = self._make_field(option)
        self.wrong = refused.choice if isinstance(refused, WrongChoice) else ""

    def _make_field(self, option: ReadingOption) -> forms.Field:
        shown = self.shown(option.name)
        if option.name == "header_line":
            return forms.IntegerField(
                label=str(option.label),
                required=False,
                min_value=1,
                max_value=LAST_LINE,
                initial=shown,
                widget=forms.NumberInput(attrs={"class": "form-control", "inputmode": "numeric"}),
            )
        return forms.ChoiceField(
            label=str(option.label),
            required=False,
            choices=[("", self._say_recognised(option.name)), *self._list_choices(option)],
            initial=shown,
            widget=forms.Select(attrs={"class": "form-select"}),
        )

    def shown(self, name: str) -> str:
        """The value that the field of a choice shows, "" for as recognised."""
        value = self.chosen.get(name) or self.remembered.get(name, "")
        if name == "header_line":
            return value or str(self.understood.header_line or "")
        return value

    def _say_recognised(self, name: str) -> str:
        """“As recognised”, and what that is unless somebody chose something else."""
        found = getattr(self.understood, name)
        if not found or name in self.chosen or name in self.remembered:
            return gettext("As recognised")
        return gettext("As recognised: %(what)s") % {"what": say_choice(name, found)}

    def _list_choices(self, option: ReadingOption) -> list[tuple[str, Any]]:
        if option.words:
            return list(option.words.items())
        if option.name == "region":
            return sorted(name_countries().items(), key=lambda each: each[1])
        names = list(self.understood.sheets)
        chosen = self.shown("sheet")
        return [(name, name) for name in [*names, *([chosen] if chosen not in (*names, "") else [])]]

    @property
    def rows(self) -> list[tuple[forms.BoundField, str, str, bool]]:
        """Each field with its name, the value that it shows, and whether it is what was chosen wrongly."""
        names = [name.removeprefix("reading-") for name in self.fields]
        return [(self[f"reading-{name}"], name, self.shown(name), name == self.wrong) for name in names]

    @property
    def given(self) -> list[str]:
        """The names of the choices that were made for this file."""
        return [name for name in self.chosen if name in BEFORE_THE_ROWS]

    @property
    def kept_as_shown(self) -> dict[str, str]:
        """What read_reading() reads if nobody touches the form."""
        return {name: self.shown(name).strip() for name in self.given if f"reading-{name}" in self.fields}


def read_reading(data: MultiValueDict[str, Any]) -> dict[str, str]:
    """The choices that staff made on the page, by name; "" takes one back that is remembered.

    A field that was left as it was shown is no choice, unless it was made on an earlier page.
    """
    given = data.getlist(GIVEN)
    chosen = {}
    for name in ON_THE_PAGE:
        value = str(data.get(f"reading-{name}", "")).strip()[:LONGEST_CHOICE]
        was = str(data.get(f"was-{name}", "")).strip()
        if f"reading-{name}" in data and (name in given or value != was):
            chosen[name] = value
    return chosen


def choose_valid(options: ImportOptions, given: Mapping[str, str]) -> ImportOptions:
    """Return the options with those of the choices that can be; for the page that says which one can't."""
    for name, value in given.items():
        try:
            options = choose_reading(options, {name: value})
        except ImportRefused:
            continue
    return options


def list_posted(data: MultiValueDict[str, Any], *besides: str) -> list[tuple[str, str]]:
    """What else was posted, for hidden fields, so that a page that doesn't ask for it again loses nothing.

    `besides`: starts of the names that the page has fields for.
    """
    asked = ("csrfmiddlewaretoken", "content", SHOWN, *BUTTONS, "reading-", "was-", *besides)
    return [
        (name, str(value)) for name, values in data.lists() if not name.startswith(asked) for value in values
    ]


def describe_reading(
    understood: Understood, first_rows: FirstRows, refused: ImportRefused | None = None
) -> dict[str, Any]:
    """What the part of a page needs that shows how a file was read; open if it must be corrected."""
    return {
        "understood_lines": list_understood(understood),
        "first_rows": first_rows,
        "reading_form": ReadingForm(understood, refused),
        "reading_is_open": refused is not None or bool(understood.dropped),
        "refused": refused,
    }
