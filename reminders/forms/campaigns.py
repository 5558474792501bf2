"""The forms of the page that edits a campaign: whom it is for, one step, and the visit that it is shown by.

They ask the database for nothing: what can be chosen is read once for all of them (CampaignChoices).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.forms.times import ClockInput, TimeOfDay
from contacts.languages import SHIPPED_LANGUAGES, name_language
from contacts.models import Location, Provider
from reminders.campaigns.coverage_counts import VisitGroup, count_values, read_visit_groups
from reminders.campaigns.drafts import SCRIPTS, CampaignDraft
from reminders.campaigns.step_words import LABELS
from reminders.deciding.coverage import CampaignFilters
from reminders.deciding.said_names import list_said_names
from reminders.deciding.shared_settings import SharedSettings
from reminders.forms.lengths import LengthField, LengthWidget
from reminders.models import Campaign, Script, Step
from reminders.models.campaigns import MOST_TRIES, StepChannel
from reminders.rules.schedule import ELAPSED_KINDS, MOST_DAYS, TimingKind
from reminders.wording.campaign_sentences import AUDIENCES, CHANNELS
from reminders.wording.pronunciations import Pronunciations
from reminders.wording.sms_length import SaidNames

MOST_KINDS = 50
CHOOSE_ONE = {
    "required": gettext_lazy("Choose one of these."),
    "invalid_choice": gettext_lazy("Choose one of these."),
}
NO_LONGER_THERE = {"invalid_choice": gettext_lazy("One of those chosen is no longer there. Choose again.")}
UNREADABLE = {"null_characters_not_allowed": gettext_lazy("Take out the characters that can't be seen.")}
TYPED = {"hx-post": "", "hx-trigger": "input changed delay:600ms"}  # follows while somebody types


@dataclass(frozen=True)
class CampaignChoices:
    """What can be chosen on the page. `groups`: the upcoming visits, for the counts beside each choice.

    `said_names`, `pronunciations`: what scripts are judged with.
    """

    locations: Mapping[int, Location]
    providers: Mapping[int, Provider]
    scripts: Mapping[int, Script]
    groups: Sequence[VisitGroup]
    said_names: SaidNames
    pronunciations: Pronunciations

    @property
    def names(self) -> dict[str, dict[int, str]]:
        """Of locations and providers, by id, as coverage_counts.py takes them."""
        rows: dict[str, Mapping[int, Location | Provider]] = {
            "locations": self.locations,
            "providers": self.providers,
        }
        return {name: {pk: row.name for pk, row in found.items()} for name, found in rows.items()}


def read_choices(settings: SharedSettings, *, tell_known: bool) -> CampaignChoices:
    """One query, however many visits there are. `tell_known`: as read_visit_groups() takes it."""
    config = settings.config
    return CampaignChoices(
        config.locations,
        config.providers,
        settings.scripts,
        read_visit_groups(timezone.now(), tell_known=tell_known),
        list_said_names(config),
        config.pronunciations,
    )


class CampaignFiltersForm(forms.Form):
    """The campaign's name, and whom it is for. What is left empty is for all."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=Campaign._meta.get_field("name").max_length,
        widget=forms.TextInput({"class": "form-control", "autocomplete": "off"}),
        error_messages={
            "required": gettext_lazy("Enter a name."),
            "max_length": gettext_lazy("Enter at most %(limit_value)d letters."),
            **UNREADABLE,
        },
    )
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("Which kinds of visit?"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None ticked: every kind."),
        error_messages=NO_LONGER_THERE,
    )
    other_kinds = forms.CharField(
        label=gettext_lazy("Other kinds, with commas between them"),
        required=False,
        max_length=4_000,
        widget=forms.TextInput({"class": "form-control", "autocomplete": "off"}),
        error_messages={"max_length": gettext_lazy("That is too long."), **UNREADABLE},
    )
    patients = forms.ChoiceField(
        label=gettext_lazy("Which patients?"),
        required=False,
        choices=Campaign.Patients.choices,
        widget=forms.RadioSelect,
        error_messages=CHOOSE_ONE,
    )
    languages = forms.MultipleChoiceField(
        label=gettext_lazy("Who speak which languages?"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None ticked: every language."),
        error_messages=NO_LONGER_THERE,
    )
    locations = forms.TypedMultipleChoiceField(
        label=gettext_lazy("At which locations?"),
        required=False,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None ticked: every location."),
        error_messages=NO_LONGER_THERE,
    )
    providers = forms.TypedMultipleChoiceField(
        label=gettext_lazy("With which providers?"),
        required=False,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None ticked: every provider."),
        error_messages=NO_LONGER_THERE,
    )
    consent = forms.ChoiceField(
        label=gettext_lazy("Which consent must be on record?"),
        required=False,
        choices=Campaign.Consent.choices,
        widget=forms.RadioSelect,
        help_text=gettext_lazy("It is recorded for each number, on the patient's page."),
        error_messages=CHOOSE_ONE,
    )

    def __init__(self, saved: CampaignDraft, choices: CampaignChoices, data: Any = None) -> None:
        filters = saved.filters
        super().__init__(data, initial={"name": saved.name, **filters._asdict()})
        self.campaign = saved.campaign
        kinds = count_values(choices.groups, "kinds")
        kinds.pop("", None)
        languages = count_values(choices.groups, "languages")
        names = choices.names
        self.known_kinds: list[str] = sorted({*kinds, *filters.kinds}, key=str.lower)
        self._offer("kinds", {kind: kind for kind in self.known_kinds}, kinds)
        codes = {*languages, *filters.languages, *SHIPPED_LANGUAGES} - {""}
        self._offer("languages", _sort({code: name_language(code) for code in codes}), languages)
        self._offer("locations", names["locations"], count_values(choices.groups, "locations"))
        self._offer("providers", names["providers"], count_values(choices.groups, "providers"))

    def _offer(self, name: str, choices: Mapping[Any, str], counts: Counter[Any]) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(value, _with_count(words, counts[value])) for value, words in choices.items()]

    def clean_name(self) -> str:
        name = " ".join(str(self.cleaned_data["name"]).split())
        if not any(char.isalnum() for char in name):
            raise ValidationError(_("Enter a name."))
        is_new = name != self.campaign.name
        if is_new and Campaign.objects.filter(name=name).exclude(pk=self.campaign.pk).exists():
            raise ValidationError(_("Another campaign has this name. Choose another one."))
        return name

    def clean_other_kinds(self) -> list[str]:
        written = str(self.cleaned_data["other_kinds"]).split(",")
        known = {kind.lower(): kind for kind in self.known_kinds}
        kinds = [known.get(kind.lower(), kind) for one in written if (kind := " ".join(one.split()))]
        if any(len(kind) > 80 for kind in kinds):
            raise ValidationError(_("A kind has at most 80 letters."))
        if len(kinds) > MOST_KINDS:
            raise ValidationError(_("Enter at most %(most)d kinds.") % {"most": MOST_KINDS})
        return kinds

    @property
    def filters(self) -> CampaignFilters:
        """Those entered; a field with an error is for all."""
        found = self.cleaned_data
        kinds = [*found.get("kinds", ()), *found.get("other_kinds", ())]
        return CampaignFilters(
            frozenset(found.get("locations", ())),
            frozenset(found.get("providers", ())),
            frozenset(kinds),
            found.get("patients", ""),
            frozenset(found.get("languages", ())),
            found.get("consent", ""),
        )


class CampaignStepForm(forms.Form):
    """One step. `asked`: the fields that mean something with the others as they are; the rest is kept.

    After is_valid(), `step` has what was entered, as far as it is good.
    """

    channel = forms.ChoiceField(
        label=gettext_lazy("How?"),
        choices=[(code, words) for code, words in CHANNELS.items()],
        widget=forms.RadioSelect,
        error_messages=CHOOSE_ONE,
    )
    timing_kind = forms.ChoiceField(
        label=gettext_lazy("When?"), choices=Step.KINDS, widget=forms.RadioSelect, error_messages=CHOOSE_ONE
    )
    days = forms.IntegerField(
        label=gettext_lazy("How many days before"),
        required=False,
        min_value=0,
        max_value=MOST_DAYS,
        widget=forms.NumberInput({"class": "form-control", **TYPED}),
        help_text=gettext_lazy("0: on the day itself."),
        error_messages={
            "invalid": gettext_lazy("Enter a whole number of days."),
            "min_value": gettext_lazy("Enter 0 or more days."),
            "max_value": gettext_lazy("Enter at most %(limit_value)d days."),
        },
    )
    at = TimeOfDay(
        label=gettext_lazy("At what time"),
        required=False,
        widget=ClockInput({"class": "form-control", **TYPED}),
        help_text=gettext_lazy("By the clock of the visit's location."),
    )
    elapsed = LengthField(label=gettext_lazy("How long"), required=False, widget=LengthWidget(TYPED))
    audience = forms.ChoiceField(
        label=gettext_lazy("Who gets it?"),
        choices=[(code, words) for code, words in AUDIENCES.items()],
        widget=forms.RadioSelect,
        error_messages=CHOOSE_ONE,
    )
    script = forms.TypedChoiceField(label=LABELS["script"], required=False, empty_value=None)
    text_script = forms.TypedChoiceField(
        label=gettext_lazy("What is written to those who prefer texts"), required=False, empty_value=None
    )
    max_tries = forms.IntegerField(
        label=gettext_lazy("How often to try in all"),
        required=False,
        min_value=1,
        max_value=MOST_TRIES,
        widget=forms.NumberInput({"class": "form-control", **TYPED}),
        error_messages={
            "invalid": gettext_lazy("Enter a whole number."),
            "min_value": gettext_lazy("Enter at least 1."),
            "max_value": gettext_lazy("Enter at most %(limit_value)d."),
        },
    )
    retry_wait = LengthField(
        label=gettext_lazy("Time between two tries"), required=False, widget=LengthWidget(TYPED)
    )
    retry_at_another_time = forms.BooleanField(
        label=gettext_lazy("Try in the other half of the day instead, if there is time"), required=False
    )
    retry_voicemail = forms.BooleanField(
        label=gettext_lazy("Call again after a voicemail, too"), required=False
    )
    fallback_script = forms.TypedChoiceField(
        label=gettext_lazy("If no call reached anybody, then send"), required=False, empty_value=None
    )
    if_late = forms.ChoiceField(
        label=gettext_lazy("If the visit is booked or moved after the time of this step"),
        choices=Step.IfLate.choices,
        widget=forms.RadioSelect,
        error_messages=CHOOSE_ONE,
    )
    if_never_in_time = forms.ChoiceField(
        label=gettext_lazy("If no calling hours are left between its time and the visit"),
        choices=Step.IfNeverInTime.choices,
        widget=forms.RadioSelect,
        help_text=gettext_lazy("Such as 2 hours before 8:30, with calls from 9:00."),
        error_messages=CHOOSE_ONE,
    )
    stop_before = LengthField(
        label=gettext_lazy("Nothing goes out in the last"), required=False, widget=LengthWidget(TYPED)
    )

    def __init__(self, step: Step, scripts: Mapping[int, Script], data: Any = None, *, prefix: str) -> None:
        initial = {
            name: getattr(step, f"{name}_id" if name in SCRIPTS else name) for name in self.base_fields
        }
        super().__init__(data, prefix=prefix, initial=initial)
        self.step = step
        named = [(pk, script.name) for pk, script in scripts.items()]
        first = {"script": _("Choose"), "text_script": _("Choose"), "fallback_script": _("nothing more")}
        for name, words in first.items():
            field = self.fields[name]
            if isinstance(field, forms.TypedChoiceField):
                field.choices = [("", words), *named]
                field.coerce = lambda value: scripts[int(value)]
                field.widget.attrs["class"] = "form-select"
                field.error_messages = {**field.error_messages, **CHOOSE_ONE}

    @property
    def asked(self) -> set[str]:
        """By what was entered, whatever it is; called before and after it is cleaned."""
        kind, channel = self["timing_kind"].value(), self["channel"].value()
        left_out = {"days", "at"} if kind in ELAPSED_KINDS else {"elapsed"}
        if kind == TimingKind.AFTER_BOOKING:
            left_out |= {"if_late"}
        if channel != StepChannel.PREFERRED:
            left_out |= {"text_script"}
        if channel == StepChannel.SMS:
            left_out |= {"retry_voicemail", "fallback_script"}
        return set(self.fields) - left_out

    def clean(self) -> dict[str, Any]:
        asked, found = self.asked, self.cleaned_data
        for name in set(self.fields) - asked:
            self.errors.pop(name, None)
            found[name] = None if name in ("text_script", "fallback_script") else getattr(self.step, name)
        self._require(asked)
        for name in self.fields:
            if name in found and name not in self.errors:
                setattr(self.step, name, found[name])
        try:
            self.step.clean()
        except ValidationError as faults:
            for name, sentences in faults.message_dict.items():
                if name not in self.errors:
                    self.add_error(name, sentences)
        return found

    def _require(self, asked: Iterable[str]) -> None:
        """Refuse what was left empty, in words that say what to do; right after booking means at once."""
        found = self.cleaned_data
        if found.get("elapsed", 0) is None:
            found["elapsed"] = timedelta(0)
        empty = {
            "days": _("Enter how many days before."),
            "script": _("Choose what is said."),
            "max_tries": _("Enter how often to try, such as 2."),
            "retry_wait": _("Enter how long to wait, such as 1 hour."),
            "stop_before": _("Enter how long, such as 30 minutes; 0 for none."),
        }
        for name, sentence in empty.items():
            if name in asked and name not in self.errors and found.get(name) is None:
                self.add_error(name, sentence)


def _with_count(words: str, count: int) -> str:
    """A choice with how many upcoming visits there are of it."""
    return format_html('<span>{}</span><span class="choice-count">{}</span>', words, count)


def _sort(names: Mapping[Any, str]) -> dict[Any, str]:
    return dict(sorted(names.items(), key=lambda item: item[1]))
