"""The filters of reports."""

from django import forms

from contacts.parameters import DayField


class ReportDays(forms.Form):
    """The first and the last day of the query string. Invalid ones are ignored."""

    since = DayField(required=False)
    until = DayField(required=False)
