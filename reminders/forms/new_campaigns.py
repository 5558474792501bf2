"""The forms that begin a campaign: from what, with which name, and for whom."""

from typing import Any

from django import forms
from django.db.models import Count
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from contacts.models import Appointment, Location
from reminders.campaigns.ready_made import EMPTY, READY_MADE
from reminders.models import Campaign

MOST_KINDS = 60  # the most frequent; a list has a few dozen


class NewCampaignForm(forms.Form):
    """From which ready-made campaign, or from none, and the name. What is wrong with a name is said by
    ready_made.make_ready_made()."""

    start = forms.ChoiceField(
        label=_("Begin with"),
        choices=[*((ready.key, ready.title) for ready in READY_MADE), (EMPTY, _("An empty campaign"))],
        error_messages={"required": _("Choose what to begin with.")},
    )
    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=Campaign._meta.get_field("name").max_length,
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
        help_text=_("Left empty, a ready-made campaign keeps its name."),
    )


class CampaignPeopleForm(forms.Form):
    """For which locations and kinds of visit a draft is; what is not chosen at all is for every one."""

    locations = forms.ModelMultipleChoiceField(
        label=_("Locations"),
        queryset=Location.objects.all(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: every location, also one that is added later."),
    )
    kinds = forms.MultipleChoiceField(
        label=_("Kinds of visit"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: every kind."),
    )

    def __init__(self, *args: Any, kinds: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["kinds"]
        if isinstance(field, forms.MultipleChoiceField):
            offered = sorted({*_read_kinds(), *kinds}, key=str.casefold)
            field.choices = [(kind, kind) for kind in offered]


def _read_kinds() -> list[str]:
    """The kinds of the upcoming visits."""
    ahead = Appointment.objects.filter(status=Appointment.Status.BOOKED, starts_at__gt=Now()).exclude(kind="")
    counts = ahead.order_by().values_list("kind").annotate(count=Count("pk")).order_by("-count", "kind")
    return [kind for kind, _count in counts[:MOST_KINDS]]
