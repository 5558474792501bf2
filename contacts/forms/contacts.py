"""Forms for a contact: details and numbers, opt-out, opt-in."""

import json
import zoneinfo
from collections.abc import Callable
from datetime import date
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column, Layout, Row
from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.http import QueryDict
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from contacts.audit.contact_changes import read_contact_details, record_contact_edit
from contacts.database.clock import read_database_clock
from contacts.duplicates import Lookalike, find_lookalikes
from contacts.languages import list_languages
from contacts.models import ConsentEntry, Contact, PhoneNumber
from contacts.names import NotAName, read_first_name, read_last_name
from contacts.number_faults import NotANumber, NumberFlaw
from contacts.numbers import ParsedNumber, national_format, parse_number
from contacts.own_numbers import is_own_number
from contacts.people import change_phone, get_or_create_number, lock_people
from contacts.zones import AREA

ASKED_ABOUT = "anyway"  # a field of the form's data: contacts who were shown as alike, and are somebody else
SHOWN = "shown"  # a hidden field: what the form showed, as JSON
EARLIEST_BIRTH = date(1900, 1, 1)
ZONES = [
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
    "America/Puerto_Rico",
    "Europe/London",
    "Europe/Berlin",
]


def list_zones(also: str) -> list[Any]:
    """Time zones to choose from: common ones first, then all by name, including `also`."""
    named = {zone for zone in zoneinfo.available_timezones() if AREA.match(zone)}
    rest = sorted((named | {also}) - {*ZONES, ""})
    return [
        ("", _("Same as the appointment's location")),
        (_("Common"), [(zone, zone) for zone in ZONES]),
        (_("All"), [(zone, zone) for zone in rest]),
    ]


class NumberField(forms.CharField):
    """A number as people write it. Cleans to a ParsedNumber, or None if empty."""

    default_error_messages = {
        "extension": _(
            "Reminders can't dial the extension %(extension)s. "
            "Remove it, or enter a number that can be called directly."
        )
    }

    def __init__(self, **kwargs: Any) -> None:
        attributes = {"type": "tel", "autocomplete": "off", "inputmode": "tel"}
        super().__init__(required=False, max_length=40, widget=forms.TextInput(attrs=attributes), **kwargs)

    def clean(self, value: Any) -> ParsedNumber | None:
        raw = super().clean(value)
        if not raw:
            return None
        try:
            parsed = parse_number(raw, settings.PHONE_REGION)
        except NotANumber as error:
            raise forms.ValidationError(str(error), code="not_a_number") from None
        if parsed.extension:
            message = self.error_messages["extension"]
            raise forms.ValidationError(message, code="extension", params={"extension": parsed.extension})
        return parsed


class PersonNameForm(forms.ModelForm[Contact]):
    """Reads a person's names as lists are read; also the form of the admin."""

    def clean_first_name(self) -> str:
        return _read_name(read_first_name, self.cleaned_data["first_name"])

    def clean_last_name(self) -> str:
        return _read_name(read_last_name, self.cleaned_data["last_name"])


class ContactForm(PersonNameForm):
    """A new or existing contact."""

    number = NumberField(label=_("Phone number"), help_text=_("Reminders go to this number."))
    other_number = NumberField(label=_("Other number"))
    language = forms.ChoiceField(label=_("Language"))
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        required=False,
        help_text=_("Fill in only if they told you. It decides when we may call."),
    )

    class Meta:
        model = Contact
        fields = [
            "first_name",
            "last_name",
            "date_of_birth",
            "language",
            "preferred_channel",
            "other_phone_use",
            "time_zone",
            "notes",
        ]
        labels = {
            "date_of_birth": _("Date of birth"),
            "preferred_channel": _("Reminded by"),
            "other_phone_use": _("Use the other number"),
            "notes": _("Notes"),
        }
        error_messages = {"first_name": {"required": _("Enter a first name. Calls greet the person by it.")}}
        widgets = {
            "date_of_birth": forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
            "notes": forms.Textarea({"rows": 3}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name_optional_fields(self)
        self.fields["other_phone_use"].required = False  # it always has a value; one that isn't sent stays
        self._offer("language", list_languages(self.instance.language))
        self._offer("time_zone", list_zones(self.instance.time_zone))
        self.fields["number"].initial = _as_written(self.instance.phone)
        self.fields["other_number"].initial = _as_written(self.instance.other_phone)
        self.helper = _lay_out(
            Row(Column("first_name", css_class="col-sm-6"), Column("last_name", css_class="col-sm-6")),
            Row(Column("date_of_birth", css_class="col-sm-6")),
            "number",
            Row(
                Column("other_number", css_class="col-sm-6"), Column("other_phone_use", css_class="col-sm-6")
            ),
            Row(Column("language", css_class="col-sm-6"), Column("preferred_channel", css_class="col-sm-6")),
            "time_zone",
            "notes",
        )

    def read_values(self) -> dict[str, str]:
        """What the contact has now, by field, as the form shows it."""
        values = {name: self.get_initial_for_field(field, name) for name, field in self.fields.items()}
        return {name: "" if value is None else str(value) for name, value in values.items()}

    def name_value(self, name: str) -> str:
        """The same for people: the label of a choice."""
        field, value = self.fields[name], self.read_values()[name]
        offered: list[Any] = list(getattr(field, "choices", ()))
        return next((str(label) for one, label in offered if str(one) == value), value) or "–"

    def write_shown(self) -> str:
        """For the hidden field SHOWN of the page, by which take_over_changes() tells what others changed."""
        return json.dumps(self.read_values())

    def clean_number(self) -> ParsedNumber | None:
        return self._refuse_own("number")

    def clean_other_number(self) -> ParsedNumber | None:
        return self._refuse_own("other_number")

    def _refuse_own(self, name: str) -> ParsedNumber | None:
        """What was entered, unless it is new and one of the practice's own."""
        number: ParsedNumber | None = self.cleaned_data[name]
        if number and name in self.changed_data and is_own_number(number.e164):
            raise forms.ValidationError(str(NumberFlaw.OF_PRACTICE), code="not_a_number")
        return number

    def clean_date_of_birth(self) -> date | None:
        """Refuse a day that hasn't come, or on which nobody who lives was born."""
        born: date | None = self.cleaned_data["date_of_birth"]
        if born and not EARLIEST_BIRTH <= born <= timezone.now().date():
            raise forms.ValidationError(_("Check the date: nobody's birthday is on this day."), code="birth")
        return born

    def find_lookalikes(self) -> list[Lookalike]:
        """Who looks like the contact that this valid form would save, and wasn't asked about before.

        Of a contact who is there only those whom the edit makes alike.
        """
        asked = set(self.data.getlist(ASKED_ABOUT)) if hasattr(self.data, "getlist") else set()
        kept = self.cleaned_data
        numbers = [number.e164 for number in (kept["number"], kept["other_number"]) if number]
        found = find_lookalikes(
            kept["first_name"], kept["last_name"], numbers, kept["date_of_birth"], contact_id=self.instance.pk
        )
        before = {one.contact.pk for one in self._find_lookalikes_before()} if self.instance.pk else set()
        return [one for one in found if one.contact.pk not in before and str(one.contact.pk) not in asked]

    def _find_lookalikes_before(self) -> list[Lookalike]:
        first_name, last_name = str(self.initial["first_name"]), str(self.initial["last_name"])
        held = (self.instance.phone, self.instance.other_phone)
        numbers = [number.e164 for number in held if number]
        born: date | None = self.initial["date_of_birth"]
        return find_lookalikes(first_name, last_name, numbers, born, contact_id=self.instance.pk)

    def _offer(self, name: str, choices: list[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - mypy: its type as declared above
        field.choices = choices

    @transaction.atomic
    def save_person(self, *, by: User) -> list[int]:
        """Save the contact and numbers; returns the ids of the appointments that a new number revises."""
        contact = self.save(commit=False)
        if contact.pk:
            lock_people([contact.pk])
        was = read_contact_details(contact.pk)
        contact.other_phone = _save_number(self.cleaned_data["other_number"])
        phone = _save_number(self.cleaned_data["number"])
        if contact._state.adding:
            contact.phone = phone
        elif "language" in self.changed_data:
            contact.language_at = read_database_clock()
        contact.save()
        revised = change_phone(contact, phone, by=by)
        record_contact_edit(contact, was, by=by)
        return revised


def take_over_changes(posted: QueryDict, present: ContactForm) -> tuple[QueryDict, list[str]]:
    """An edit as it was posted, but for what others changed since its page was shown and it left alone.

    `present`: an unbound form of the contact as it is. The names of fields that both changed come second.
    """
    try:
        shown = json.loads(posted.get(SHOWN, ""))
    except (ValueError, RecursionError):  # not as the page wrote it
        return posted, []
    if not isinstance(shown, dict):
        return posted, []
    merged, both = posted.copy(), []
    for name, now in present.read_values().items():
        was, wanted = shown.get(name, now), posted.get(name, now).replace("\r\n", "\n").strip()
        if now in (was, wanted):
            continue
        if wanted == was:
            merged[name] = now
        else:
            both.append(name)
    return merged, both


def _read_name(read: Callable[[str], str], text: str) -> str:
    """Read a name as lists are read. Raises ValidationError."""
    try:
        return read(text)
    except NotAName as error:
        raise forms.ValidationError(str(error), code="not_a_name") from None


class OptOutForm(forms.Form):
    """An opt-out, however the person told the practice. `way`: the button pressed, a ConsentEntry.Source."""

    WAYS = (
        (ConsentEntry.Source.DESK, _("At the desk")),
        (ConsentEntry.Source.PHONE, _("By phone")),
        (ConsentEntry.Source.LETTER, _("By letter")),
        (ConsentEntry.Source.EMAIL, _("By email")),
        (ConsentEntry.Source.MESSAGE, _("By text message")),
    )

    scope = forms.ChoiceField(
        label=_("What do they no longer want?"),
        choices=ConsentEntry.Scope.choices,
        initial=ConsentEntry.Scope.ALL,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what they no longer want.")},
    )
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=240,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("What they said, if it may matter later."),
    )
    way = forms.ChoiceField(
        choices=WAYS,
        widget=forms.HiddenInput,
        error_messages={"required": _("Choose how they told you.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if settings.OPT_OUT_SCOPE == "channel":
            self.fields["scope"].initial = None  # staff ask, and choose
        name_optional_fields(self)
        self.helper = _lay_out("scope", "note")


class OptInForm(forms.Form):
    """An opt-in. It needs a reason, as evidence."""

    scope = forms.ChoiceField(
        label=_("What do they want again?"), choices=ConsentEntry.Scope.choices, widget=forms.RadioSelect
    )
    reason = forms.CharField(
        label=_("Who asked for it, and when?"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": _("Enter who asked for it and when. This ends a recorded opt-out.")},
    )

    helper = FormHelper()
    helper.form_tag = False

    def __init__(self, *args: Any, number: PhoneNumber, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scope = self.fields["scope"]
        assert isinstance(scope, forms.ChoiceField)  # noqa: S101 - mypy: its type as declared above
        scope.choices = list_scopes_opted_out(number)
        scope.initial = scope.choices[-1][0] if scope.choices else None


class ConsentForm(forms.Form):
    """The consent basis of a number, with how the practice knows it."""

    basis = forms.ChoiceField(
        label=_("What consent do we have for calls and text messages?"),
        choices=PhoneNumber.ConsentBasis.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose one of these.")},
    )
    evidence = forms.CharField(
        label=_("How do we know it?"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Such as who told whom and when, or where the signed form is kept."),
        error_messages={"required": _("Enter how we know it. It is kept as evidence.")},
    )

    helper = FormHelper()
    helper.form_tag = False


def name_optional_fields(form: forms.BaseForm) -> None:
    """Mark optional fields beside the label, as partials/field.html does."""
    for field in form.fields.values():
        if not field.required:
            field.label = format_html(
                '{} <span class="quiet optional">{}</span>', field.label, _("(optional)")
            )


def list_scopes_opted_out(number: PhoneNumber) -> list[tuple[str, str]]:
    """The scopes that this number has opted out of, the widest last."""
    Scope = ConsentEntry.Scope  # noqa: N806
    voice = [Scope.VOICE] if number.voice_opted_out_at else []
    sms = [Scope.SMS] if number.sms_opted_out_at else []
    both = [Scope.ALL] if voice and sms else []
    return [(scope.value, str(scope.label)) for scope in voice + sms + both]


def _lay_out(*fields: Any) -> FormHelper:
    helper = FormHelper()
    helper.form_tag = False
    helper.layout = Layout(*fields)
    return helper


def _as_written(number: PhoneNumber | None) -> str:
    return national_format(number.e164, settings.PHONE_REGION) if number else ""


def _save_number(parsed: ParsedNumber | None) -> PhoneNumber | None:
    return get_or_create_number(parsed) if parsed else None
