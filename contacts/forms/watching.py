"""The form for a watched calendar address."""

from typing import Any, cast

from crispy_forms.helper import FormHelper
from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from contacts.imports.doubts import list_sources
from contacts.models import WatchedCalendar
from contacts.public_requests import AddressRefused, split_public_url
from contacts.watching.calendar_requests import FAULTS, as_https


class CalendarForm(forms.ModelForm[WatchedCalendar]):
    """Name, secret address, source, and how often it is fetched."""

    source = forms.CharField(
        label=_("Source"),
        max_length=60,
        validators=[RegexValidator(r"^[\w.-]+$", _("Use letters, digits, dots and dashes only."))],
        help_text=_("The system that the calendar belongs to. Use a name of its own for each calendar."),
    )

    class Meta:
        model = WatchedCalendar
        fields = ("name", "address", "source", "every", "is_on")
        widgets = {"address": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})}

    helper = FormHelper()
    helper.form_tag = False
    helper.disable_csrf = True

    def __init__(self, *args: Any, **fields: Any) -> None:
        super().__init__(*args, **fields)
        known = ", ".join(list_sources())
        source = cast(forms.CharField, self.fields["source"])
        if known:
            source.help_text = _("%(help)s Known so far: %(known)s.") % {
                "help": source.help_text,
                "known": known,
            }

    def clean_address(self) -> str:
        """The address as https; one that may not be asked is refused. The message doesn't repeat it."""
        address = as_https(self.cleaned_data["address"])
        try:
            split_public_url(address)
        except AddressRefused as refused:
            raise forms.ValidationError(
                _("%(fault)s It begins with https:// or webcal:// and is copied as it stands.")
                % {"fault": FAULTS[refused.fault].label}
            ) from None
        return address
