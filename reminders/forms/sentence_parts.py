"""Sentences whose parts are changed where they stand: the fields of each part, and what no part shows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reminders.wording.campaign_sentences import SentencePart

LABELS = {
    "kinds": gettext_lazy("Kinds of visit"),
    "patients": gettext_lazy("Patients"),
    "languages": gettext_lazy("Languages"),
    "locations": gettext_lazy("Locations"),
    "providers": gettext_lazy("Providers"),
    "consent": gettext_lazy("Consent"),
    "channel": gettext_lazy("How"),
    "timing": gettext_lazy("When"),
    "audience": gettext_lazy("Who gets it"),
    "script": gettext_lazy("What is said"),
    "tries": gettext_lazy("If nobody is reached"),
    "voicemail": gettext_lazy("After a voicemail"),
    "fallback": gettext_lazy("After the last call"),
    "late": gettext_lazy("Booked too late"),
    "never_in_time": gettext_lazy("No calling hours left"),
    "stop_before": gettext_lazy("The last moment"),
    "example_location": gettext_lazy("Location"),
    "example_time": gettext_lazy("Day and time"),
    "example_booked": gettext_lazy("Booked"),
}


FIELDS_OF = {"kinds": ("kinds", "other_kinds")}  # where a part has other fields than its sentence shows


@dataclass(frozen=True)
class PartView:
    """A part of a sentence with the fields that change it, and what is wrong with them."""

    part: SentencePart
    fields: Sequence[forms.BoundField]
    errors: Sequence[str]
    is_open: bool = False

    @property
    def label(self) -> str:
        return str(LABELS[self.part.name])

    @property
    def kernel(self) -> str:
        return _("not clear yet") if self.errors else self.part.kernel


def view_parts(parts: Iterable[SentencePart], form: forms.Form) -> list[PartView]:
    """The parts with their fields. The first with an error is open."""
    views: list[PartView] = []
    asked = getattr(form, "asked", form.fields)
    for part in parts:
        names = [name for name in FIELDS_OF.get(part.name, part.fields) if name in asked]
        if not names:
            continue
        errors = [str(error) for name in names for error in form.errors.get(name, [])]
        is_open = bool(errors) and not any(view.is_open for view in views)
        views.append(PartView(part, [form[name] for name in names], errors, is_open))
    return views


def list_hidden(form: forms.Form, parts: Iterable[PartView]) -> list[tuple[str, str]]:
    """The entries of the fields that no part shows, so that they are there when they are asked for again."""
    shown = {bound.name for view in parts for bound in view.fields}
    entries = cast(QueryDict, form.data)
    return [
        (html_name, value)
        for name in form.fields
        if name not in shown
        for html_name in _name_inputs(form[name])
        for value in entries.getlist(html_name)
    ]


def write_form(form: forms.Form) -> MultiValueDict[str, Any]:
    """The initial values of an unbound form, as a browser posts them."""
    entries: MultiValueDict[str, Any] = MultiValueDict()
    for bound in form:
        value, widget = bound.value(), bound.field.widget
        if isinstance(widget, forms.MultiWidget):
            pieces = widget.decompress(value) or []
            for name, piece in zip(_name_inputs(bound), pieces, strict=True):
                entries[name] = "" if piece is None else str(piece)
        elif isinstance(widget, forms.CheckboxInput):
            if value:
                entries[bound.html_name] = "on"
        elif isinstance(widget, forms.CheckboxSelectMultiple):
            entries.setlist(bound.html_name, [str(one) for one in value or ()])
        else:
            shown = widget.format_value(value)
            entries[bound.html_name] = str((shown[0] if isinstance(shown, list) else shown) or "")
    return entries


def _name_inputs(bound: forms.BoundField) -> list[str]:
    widget = bound.field.widget
    if isinstance(widget, forms.MultiWidget):
        return [bound.html_name + name for name in cast(Any, widget).widgets_names]
    return [bound.html_name]
