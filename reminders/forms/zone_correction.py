"""The form to correct the time zone of a location."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.forms.contacts import list_zones
from contacts.models import Location


class ZoneCorrectionForm(forms.Form):
    """Another zone for a location. `seen`: the zone that it had when the form was shown."""

    time_zone = forms.ChoiceField(
        label=gettext_lazy("Right time zone"),
        error_messages={
            "required": gettext_lazy("Choose a time zone."),
            "invalid_choice": gettext_lazy("That is not a time zone. Choose one from the list."),
        },
    )
    seen = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(self, location: Location, data: Any = None) -> None:
        self.location = location
        super().__init__(data, initial={"time_zone": location.time_zone, "seen": location.time_zone})
        field = self.fields["time_zone"]
        field.widget.attrs["class"] = "form-select"
        if isinstance(field, forms.ChoiceField):
            field.choices = list_zones(location.time_zone)[1:]  # without "as the location's"

    def clean_time_zone(self) -> str:
        zone = str(self.cleaned_data["time_zone"])
        if zone == self.location.time_zone:
            raise forms.ValidationError(_("That is the time zone it has already."))
        return zone
