"""The filters of Today."""

from django import forms
from django.utils.translation import gettext_lazy as _

from contacts.forms.small_tables import SmallTableField
from contacts.models import Location, Provider
from contacts.parameters import DayField
from reminders.pages.day import LABELS


class DayFilters(forms.Form):
    """The filters of the query string. Invalid ones are ignored, so that an old link still works."""

    day = DayField(required=False)
    location = SmallTableField(Location.objects.all(), required=False)
    provider = SmallTableField(Provider.objects.all(), required=False, empty_label=_("All providers"))
    state = forms.ChoiceField(choices=[("", ""), *LABELS.items()], required=False)
