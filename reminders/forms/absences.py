"""The form about a provider who is away."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.forms.small_tables import SmallTableField
from contacts.languages import SHIPPED_LANGUAGES, name_language
from contacts.models import Location, Provider
from contacts.parameters import DayField
from reminders.desk.absence_previews import AbsencePlan
from reminders.models import Absence
from reminders.wording.absence_texts import WORDS, find_unknown_variables

Deed = Absence.Deed
TELL_BY_TEXT, TELL_MYSELF = "text", "myself"
LONGEST_TEMPLATE = 320  # with the names of variables; how long each text is, is judged once it is filled in


class AbsenceForm(forms.Form):
    """Who is away and when, what happens with the visits, and in which words the patients are told."""

    provider = SmallTableField(
        Provider.objects.all(),
        label=gettext_lazy("Who is away?"),
        empty_label=gettext_lazy("Choose a provider"),
        error_messages={"required": gettext_lazy("Choose a provider.")},
    )
    day = DayField(
        label=gettext_lazy("On which day?"),
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": gettext_lazy("Choose a day."),
            "invalid": gettext_lazy("Enter a valid date."),
        },
    )
    location = SmallTableField(
        Location.objects.all(),
        label=gettext_lazy("Location"),
        required=False,
        empty_label=gettext_lazy("All locations"),
    )
    deed = forms.ChoiceField(
        label=gettext_lazy("What happens with the visits?"),
        choices=Deed.choices,
        initial=Deed.CANCEL,
        widget=forms.RadioSelect,
    )
    to_provider = SmallTableField(
        Provider.objects.all(),
        label=gettext_lazy("To which provider?"),
        required=False,
        empty_label=gettext_lazy("Choose a provider"),
    )
    to_day = DayField(
        label=gettext_lazy("To which day?"),
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": gettext_lazy("Enter a valid date.")},
    )
    tell = forms.ChoiceField(
        label=gettext_lazy("How do the patients learn of it?"),
        choices=[
            (TELL_BY_TEXT, gettext_lazy("By text; who can’t be texted is put on the worklist")),
            (TELL_MYSELF, gettext_lazy("I tell them myself")),
        ],
        initial=TELL_BY_TEXT,
        widget=forms.RadioSelect,
    )

    def __init__(
        self, data: QueryDict | None = None, *, initial: dict[str, Any] | None = None, may_text: bool
    ) -> None:
        """`may_text`: whether this person may write texts."""
        super().__init__(data and _follow_deed(data), initial=initial)
        away, instead = self.fields["provider"], self.fields["to_provider"]
        if isinstance(away, SmallTableField) and isinstance(instead, SmallTableField):
            instead.rows = away.rows
        place = self.fields["location"]
        self.locations: Sequence[Location] = place.rows if isinstance(place, SmallTableField) else []
        deed = (initial or {}).get("deed", Deed.CANCEL)
        for language in SHIPPED_LANGUAGES:
            self.fields[f"words_{language}"] = forms.CharField(
                label=name_language(language),
                required=False,
                max_length=LONGEST_TEMPLATE,
                initial=WORDS.get(deed, WORDS[Deed.CANCEL])[language],
                widget=forms.Textarea({"rows": 3}),
            )
        if not may_text:
            self.fields["tell"].choices = [(TELL_MYSELF, gettext_lazy("I tell them myself"))]  # type: ignore[attr-defined]
            self.fields["tell"].initial = TELL_MYSELF
        for field in self.fields.values():
            is_radio = isinstance(field.widget, forms.RadioSelect)
            is_select = isinstance(field.widget, forms.Select)
            look = "form-check-input" if is_radio else "form-select" if is_select else "form-control"
            field.widget.attrs.setdefault("class", look)

    @property
    def word_fields(self) -> list[forms.BoundField]:
        return [self[f"words_{language}"] for language in SHIPPED_LANGUAGES]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        deed, provider, day = found.get("deed"), found.get("provider"), found.get("day")
        if day and day < timezone.now().date() - timedelta(days=1):
            self.add_error("day", _("That day has passed."))
        if deed == Deed.OTHER_PROVIDER and not found.get("to_provider") and "to_provider" not in self.errors:
            self.add_error("to_provider", _("Choose a provider."))
        if deed == Deed.OTHER_PROVIDER and provider and found.get("to_provider") == provider:
            self.add_error("to_provider", _("Choose another provider than the one who is away."))
        if deed == Deed.OTHER_DAY and not found.get("to_day") and "to_day" not in self.errors:
            self.add_error("to_day", _("Choose a day."))
        if deed == Deed.OTHER_DAY and day and found.get("to_day") == day:
            self.add_error("to_day", _("Choose another day than the one on which they are away."))
        if found.get("tell") == TELL_BY_TEXT:
            self._check_words(found)
        return found

    def _check_words(self, found: dict[str, Any]) -> None:
        for language in SHIPPED_LANGUAGES:
            name = f"words_{language}"
            words = found.get(name, "")
            if name in self.errors:
                continue
            if not words:
                self.add_error(name, _("Write something, or choose to tell them yourself."))
            elif unknown := find_unknown_variables(words):
                self.add_error(
                    name,
                    ValidationError(
                        _("%(names)s can't be filled in."),
                        params={"names": ", ".join(f"{{{one}}}" for one in unknown)},
                    ),
                )

    def make_plan(self) -> AbsencePlan:
        """What a valid form says."""
        found = self.cleaned_data
        tells = found["tell"] == TELL_BY_TEXT
        return AbsencePlan(
            provider=found["provider"],
            day=found["day"],
            location=found["location"],
            deed=found["deed"],
            to_provider=found["to_provider"] if found["deed"] == Deed.OTHER_PROVIDER else None,
            to_day=found["to_day"] if found["deed"] == Deed.OTHER_DAY else None,
            words={code: found[f"words_{code}"] for code in SHIPPED_LANGUAGES} if tells else {},
        )


def _follow_deed(data: QueryDict) -> QueryDict:
    """The form with the words of the deed that was chosen, where those of another one stand untouched."""
    words = WORDS.get(data.get("deed", ""), WORDS[Deed.CANCEL])
    filled = data.copy()
    for language in SHIPPED_LANGUAGES:
        name = f"words_{language}"
        if name not in data or str(data[name]).strip() in {of_deed[language] for of_deed in WORDS.values()}:
            filled[name] = words[language]
    return filled
