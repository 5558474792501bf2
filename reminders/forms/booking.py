"""The forms to book and to move an appointment."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.forms.small_tables import SmallTableField
from contacts.forms.times import TimeOfDay
from contacts.models import Appointment, Contact, Location, Provider
from contacts.parameters import DayField
from contacts.templatetags.display import clock, long_day
from reminders.deciding.situations import PracticeConfig
from reminders.desk.booking_questions import FURTHEST, LONGEST_VISIT, SHORTEST_VISIT
from reminders.desk.visits_together import WantedVisit
from reminders.forms.wall_time import NoSuchTime, TimeComesTwice, read_wall_time

TWICE = [
    ("", gettext_lazy("Choose")),
    ("first", gettext_lazy("The earlier one, before the clocks go back")),
    ("second", gettext_lazy("The later one, after the clocks go back")),
]


WHEN = frozenset({"location", "provider", "day", "at", "which", "minutes"})
MOST_WEEKS = 12
MOST_OF_A_NUMBER = 8  # people who are offered besides the patient
MOST_TOGETHER = 24  # visits that are booked at once


class WhenForm(forms.Form):
    """Location, provider, and time by the location's clock. `config`: the settings as they are now.

    `cleaned_data` has `starts_at` and `ends_at` (aware).
    """

    location = SmallTableField(
        Location.objects.all(),
        label=gettext_lazy("Location"),
        empty_label=gettext_lazy("Choose"),
        error_messages={"required": gettext_lazy("Choose a location.")},
    )
    provider = SmallTableField(
        Provider.objects.all(),
        label=gettext_lazy("Provider"),
        required=False,
        empty_label=gettext_lazy("Any provider"),
    )
    day = DayField(
        label=gettext_lazy("Day"),
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": gettext_lazy("Choose a day."),
            "invalid": gettext_lazy("Enter a valid date."),
        },
    )
    at = TimeOfDay(
        label=gettext_lazy("Time"),
    )
    which = forms.ChoiceField(label=gettext_lazy("Which of the two times?"), choices=TWICE, required=False)
    minutes = forms.IntegerField(
        label=gettext_lazy("Minutes"),
        initial=30,
        min_value=SHORTEST_VISIT,
        max_value=LONGEST_VISIT,
        error_messages={
            "required": gettext_lazy("Enter how many minutes it takes."),
            "invalid": gettext_lazy("Enter whole minutes, such as 30."),
            "min_value": gettext_lazy("Enter at least 5 minutes."),
            "max_value": gettext_lazy("Enter at most 600 minutes."),
        },
    )
    comes_twice = False  # whether the time entered occurs twice that day; then the form asks for `which`

    def __init__(self, *args: Any, config: PracticeConfig, **options: Any) -> None:
        super().__init__(*args, **options)
        choice, providers = self.fields["location"], self.fields["provider"]
        if isinstance(choice, SmallTableField) and isinstance(providers, SmallTableField):
            choice.rows, providers.rows = config.copy_locations(), list(config.providers.values())
        self.locations: Sequence[Location] = choice.rows if isinstance(choice, SmallTableField) else []
        if len(self.locations) == 1:
            self.initial.setdefault("location", self.locations[0].pk)
        for field in self.fields.values():
            is_select = isinstance(field.widget, forms.Select)
            is_boxes = isinstance(field.widget, forms.CheckboxSelectMultiple)
            look = "form-check-input" if is_boxes else "form-select" if is_select else "form-control"
            field.widget.attrs.setdefault("class", look)

    def read_so_far(self) -> dict[str, Any]:
        """What is entered about time and place, as far as it is in order; before the form is sent, too."""
        if self.is_bound:
            self.is_valid()
            return self.cleaned_data
        found = {}
        for name in sorted(WHEN):
            field = self.fields[name]
            with suppress(ValidationError):
                found[name] = field.clean(field.prepare_value(self.get_initial_for_field(field, name)))
        return found

    @property
    def has_several_clocks(self) -> bool:
        return len({location.time_zone for location in self.locations}) > 1

    def clean(self) -> dict[str, Any]:
        found = self.cleaned_data
        location, day, at = found.get("location"), found.get("day"), found.get("at")
        if location and day:
            self._check_day(day, location)
        if location and day and at is not None and not WHEN.intersection(self.errors):
            found["starts_at"] = self._read_start(location, day, at)
            if found["starts_at"]:
                found["ends_at"] = found["starts_at"].astimezone(UTC) + timedelta(minutes=found["minutes"])
        return found

    def _check_day(self, day: date, location: Location) -> None:
        today = timezone.now().astimezone(location.zone).date()
        if day < today - FURTHEST:
            self.add_error("day", _("That is more than two years ago. Check the year."))
        elif day > today + FURTHEST:
            self.add_error("day", _("That is more than two years ahead. Check the year."))

    def _read_start(self, location: Location, day: date, at: time) -> datetime | None:
        try:
            return read_wall_time(
                datetime.combine(day, at), location.zone, which=self.cleaned_data.get("which", "")
            )
        except NoSuchTime:
            sentence = _(
                "In %(place)s the clocks go forward on %(day)s, so there is no %(time)s. Choose another time."
            )
        except TimeComesTwice:
            self.comes_twice = True
            sentence = _(
                "In %(place)s the clocks go back on %(day)s, so %(time)s comes twice. Choose which one below."
            )
        words = {"place": location.name, "day": long_day(day), "time": clock(at)}
        self.add_error("at", sentence % words)
        return None


def list_repetitions() -> list[tuple[int, str]]:
    """For how many weeks it can be booked."""
    words = _("Every week, %(count)d times")
    return [(1, _("Only once")), *((count, words % {"count": count}) for count in range(2, MOST_WEEKS + 1))]


class PatientField(forms.ModelChoiceField[Contact]):
    """Django's own, but that the patient isn't read again if they are `known`, by a query like its own."""

    known: Contact | None = None

    def to_python(self, value: Any) -> Contact | None:
        if self.known and str(value) == str(self.known.pk):
            return self.known
        return super().to_python(value)


class BookForm(WhenForm):
    """A new appointment."""

    contact = PatientField(
        Contact.objects.filter(erased_at=None).select_related("phone"),
        widget=forms.HiddenInput,
        error_messages={
            "required": gettext_lazy("Search for the patient by name, number or ID, and choose them."),
            "invalid_choice": gettext_lazy("That contact no longer exists. Search again."),
        },
    )
    kind = forms.CharField(
        label=gettext_lazy("Appointment type"),
        max_length=80,
        required=False,
        help_text=gettext_lazy("Not mentioned in calls or text messages."),
    )

    weeks = forms.TypedChoiceField(
        label=gettext_lazy("Repeat"), coerce=int, required=False, choices=list_repetitions
    )
    also = forms.ModelMultipleChoiceField(
        Contact.objects.none(),
        label=gettext_lazy("Right after, for others with the same number"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        """The day is today, by the clock of the first location, unless another one is given."""
        super().__init__(*args, **options)
        if self.locations:
            self.initial.setdefault("day", timezone.now().astimezone(self.locations[0].zone).date())

    def offer_household(self, chosen: Contact | None) -> None:
        """Offer to book the others of the chosen patient's number one after the other."""
        also, patient = self.fields["also"], self.fields["contact"]
        if isinstance(patient, PatientField):
            patient.known = chosen
        if isinstance(also, forms.ModelMultipleChoiceField) and chosen and chosen.phone_id:
            others = Contact.objects.filter(erased_at=None, phone=chosen.phone_id).exclude(pk=chosen.pk)
            few = others.order_by("pk").values("pk")[:MOST_OF_A_NUMBER]
            also.queryset = others.filter(pk__in=few).order_by("first_name", "pk")

    def list_visits(self) -> list[WantedVisit]:
        """All visits that a valid form is about, in order: each person's of the first week, then the next."""
        found = self.cleaned_data
        people = [found["contact"], *found["also"]]
        length = timedelta(minutes=found["minutes"])
        visits = [
            self._find_visit(contact, week, place * length)
            for week in range(found["weeks"] or 1)
            for place, contact in enumerate(people)
        ]
        return visits[:MOST_TOGETHER]

    def count_left_out(self) -> int:
        """How many visits a valid form is about beyond those of list_visits()."""
        found = self.cleaned_data
        return max((found["weeks"] or 1) * (1 + len(found["also"])) - MOST_TOGETHER, 0)

    def _find_visit(self, contact: Contact, week: int, later: timedelta) -> WantedVisit:
        found = self.cleaned_data
        wall = datetime.combine(found["day"], found["at"]) + timedelta(weeks=week) + later
        which = found["which"] or "first"
        try:
            starts_at = read_wall_time(wall, found["location"].zone, which=which)
        except NoSuchTime:
            return WantedVisit(contact, wall, None, None)
        return WantedVisit(contact, wall, starts_at, starts_at + timedelta(minutes=found["minutes"]))

    def clean(self) -> dict[str, Any]:
        found = super().clean()
        contact, starts_at = found.get("contact"), found.get("starts_at")
        if contact and starts_at and self._is_taken(contact, found["location"], starts_at):
            raise ValidationError(
                _("%(name)s already has an appointment at that location and time.")
                % {"name": contact.full_name}
            )
        return found

    @staticmethod
    def _is_taken(contact: Contact, location: Location, starts_at: datetime) -> bool:
        local = starts_at.astimezone(location.zone).replace(tzinfo=None, fold=0)
        there = Appointment.objects.filter(contact=contact, location=location, local_start=local)
        return there.exclude(status=Appointment.Status.CANCELLED).exists()


class MoveForm(WhenForm):
    """Another time or location for an appointment."""

    def __init__(self, appointment: Appointment, data: Any = None, *, config: PracticeConfig) -> None:
        self.appointment = appointment
        local = appointment.local_start
        length = appointment.ends_at - appointment.starts_at
        initial = {
            "location": appointment.location_id,
            "provider": appointment.provider_id,
            "day": local.date(),
            "at": local.time(),
            "minutes": int(length.total_seconds() // 60),
        }
        super().__init__(data, initial=initial, config=config)
        provider = self.fields["provider"]
        if appointment.provider_id and isinstance(provider, forms.ModelChoiceField):
            # a move may change the provider but not remove them
            provider.required, provider.empty_label = True, None

    def _read_start(self, location: Location, day: date, at: time) -> datetime | None:
        """An unchanged time stays as booked: then the form need not ask which of two is meant."""
        booked = self.appointment.wall_start
        same_minute = (booked.date(), booked.hour, booked.minute) == (day, at.hour, at.minute)
        if same_minute and location == self.appointment.location and not self.cleaned_data.get("which"):
            return booked
        return super()._read_start(location, day, at)
