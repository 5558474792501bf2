"""Which appointments a campaign is for, and the consent it requires: each rule in Python and in SQL.

A test holds the two equal over every combination of filters.

A patient is new at a visit if none of their earlier visits is booked or took place; a cancelled visit and a
no-show don't count. That goes by the order of the visits and not by today's date, so it changes only with
the visits themselves: who has a first visit on Monday and a second on Thursday is new on Monday alone.
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from django.db.models import BooleanField, Case, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Greatest, Now

from contacts.models import Appointment, AppointmentChange, PhoneNumber
from reminders.models import Campaign, Step
from reminders.rules.consent import ENOUGH

VISITS_THAT_COUNT = (Appointment.Status.BOOKED, Appointment.Status.ARRIVED)
Patients = Campaign.Patients
What = AppointmentChange.What
CHANGES_OF_VISITS = (
    What.BOOKED,
    What.IMPORTED,
    What.MOVED,
    What.CANCELLED,
    What.REINSTATED,
    What.ARRIVED,
    What.NO_SHOW,
    What.CORRECTED,
)


def _find_earlier(contact: str, starts_at: str) -> "QuerySet[Appointment]":
    """The visits that make the patient known; the outer query's names of their contact and start."""
    return Appointment.objects.filter(
        contact=OuterRef(contact), starts_at__lt=OuterRef(starts_at), status__in=VISITS_THAT_COUNT
    )


IS_KNOWN = Exists(_find_earlier("contact", "starts_at"))  # for appointments
# For reminders: whether the patient is known, where the campaign asks; else NULL, which costs nothing.
KNOWN_WHERE_ASKED = Case(
    When(step__campaign__patients=Patients.ALL, then=Value(None)),
    default=Exists(_find_earlier("appointment__contact", "appointment__starts_at")),
    output_field=BooleanField(null=True),
)


class CampaignFilters(NamedTuple):
    """Whom a campaign is for, as values: ids of locations and providers, kinds, codes of languages.

    What is empty is for all, so it differs from one that names each. `patients`: a Campaign.Patients.
    `consent`, a Campaign.Consent, leaves no visit out: their reminders are planned, and decide() says why
    they don't go (lacks_consent()), so that consent that is recorded later counts.
    """

    locations: frozenset[int] = frozenset()
    providers: frozenset[int] = frozenset()
    kinds: frozenset[str] = frozenset()
    patients: str = Patients.ALL.value
    languages: frozenset[str] = frozenset()
    consent: str = Campaign.Consent.ANY.value


def read_filters(campaign: Campaign) -> CampaignFilters:
    """The campaign's filters as they are saved; no query where they are prefetched."""
    return CampaignFilters(
        frozenset(location.pk for location in campaign.locations.all()),
        frozenset(provider.pk for provider in campaign.providers.all()),
        frozenset(campaign.kinds),
        campaign.patients,
        frozenset(campaign.languages),
        campaign.consent,
    )


def covers(campaign: Campaign, appointment: Appointment, *, is_known: bool | None = None) -> bool:
    """Whether the campaign is for this appointment; find_covered() is the same rule for many.

    `appointment.contact` must be loaded where the campaign has languages. `is_known`: whether the patient was
    known at the visit, for a campaign that asks; None: it is looked up.
    """
    return find_excluding_filter(campaign, appointment, is_known=is_known) is None


def find_excluding_filter(
    campaign: Campaign | CampaignFilters, appointment: Appointment, *, is_known: bool | None = None
) -> str | None:
    """The first filter, by the name of its field, that leaves the appointment out; None if it is covered."""
    filters = campaign if isinstance(campaign, CampaignFilters) else read_filters(campaign)
    if filters.locations and appointment.location_id not in filters.locations:
        return "locations"
    if filters.providers and appointment.provider_id not in filters.providers:
        return "providers"
    if filters.kinds and appointment.kind not in filters.kinds:
        return "kinds"
    if filters.languages and appointment.contact.language not in filters.languages:
        return "languages"
    if filters.patients:
        known = is_known_patient(appointment) if is_known is None else is_known
        return None if known == (filters.patients == Patients.KNOWN) else "patients"
    return None


def find_covered(step: Step, appointments: "QuerySet[Appointment]") -> "QuerySet[Appointment]":
    """Those of `appointments` that the step's campaign is for. An empty filter covers all."""
    return appointments.filter(build_coverage(read_filters(step.campaign)))


def build_coverage(filters: CampaignFilters) -> Q:
    """The same rule as a condition on appointments, for filters that need not be saved; empty if for all."""
    condition = Q()
    if filters.locations:
        condition &= Q(location__in=sorted(filters.locations))
    if filters.providers:
        condition &= Q(provider__in=sorted(filters.providers))
    if filters.kinds:
        condition &= Q(kind__in=sorted(filters.kinds))
    if filters.languages:
        condition &= Q(contact__language__in=sorted(filters.languages))
    if filters.patients:
        is_known = Q(IS_KNOWN)
        condition &= is_known if filters.patients == Patients.KNOWN else ~is_known
    return condition


def is_known_patient(appointment: Appointment) -> bool:
    """Whether the patient has another, earlier visit that is booked or took place. One query."""
    others = Appointment.objects.filter(contact=appointment.contact_id).exclude(pk=appointment.pk)
    return others.filter(starts_at__lt=appointment.starts_at, status__in=VISITS_THAT_COUNT).exists()


def find_later_visits(appointment_ids: Collection[int]) -> list[int]:
    """The other booked visits of the same patients, which may be for a campaign or not because of these.

    By id; none where no active campaign tells new and known patients apart.
    """
    if not Campaign.objects.filter(state=Campaign.State.ACTIVE).exclude(patients=Patients.ALL).exists():
        return []
    contacts = Appointment.objects.filter(pk__in=appointment_ids).values("contact")
    later = Appointment.objects.filter(
        contact__in=contacts, status=Appointment.Status.BOOKED, starts_at__gt=Now()
    )
    return list(later.exclude(pk__in=appointment_ids).order_by("pk").values_list("pk", flat=True))


def find_patient_change(filters: CampaignFilters) -> Combinable | None:
    """For appointments: when what the filters ask of the patient last changed; None if they ask nothing.

    That is their language, and, where new and known patients differ, their visits before this one: any of
    these that was booked, moved, cancelled or recorded. NULL where nothing did.
    """
    found: list[Combinable] = []
    if filters.languages:
        found.append(F("contact__language_at"))
    if filters.patients:
        starts = OuterRef("starts_at")
        changes = AppointmentChange.objects.filter(
            ~Q(appointment=OuterRef("pk")),
            Q(starts_before__lt=starts) | Q(starts_after__lt=starts),
            appointment__contact=OuterRef("contact"),
            what__in=CHANGES_OF_VISITS,
        )
        found.append(Subquery(changes.order_by("-at", "-pk").values("at")[:1]))
    # GREATEST passes over NULL in PostgreSQL
    return Greatest(*found) if len(found) > 1 else next(iter(found), None)


def read_unplanned_campaigns() -> list[Campaign]:
    """Active campaigns that were activated or edited since planning went through them: few or none."""
    unplanned = Campaign.objects.filter(state=Campaign.State.ACTIVE, planned_edition__lt=F("edition"))
    return list(unplanned.prefetch_related("locations", "providers"))


def is_being_planned(appointment: Appointment, unplanned: Collection[Campaign], now: datetime) -> bool:
    """Whether planning has not seen it yet, or not for one of the `unplanned` campaigns (product rule 61)."""
    if appointment.status != Appointment.Status.BOOKED or appointment.starts_at <= now:
        return False
    is_seen = appointment.planned_revision >= appointment.revision
    return not is_seen or any(covers(campaign, appointment) for campaign in unplanned)


def lacks_consent(required: str, number: PhoneNumber | None) -> bool:
    """Whether the consent that a Campaign.Consent requires is not on record; never so without a number.

    What this release doesn't know is not enough.
    """
    return number is not None and required != "" and number.consent_basis not in ENOUGH.get(required, ())


def _has_consent() -> Q:
    condition = Q(step__campaign__consent="") | Q(appointment__contact__phone=None)
    for required, bases in ENOUGH.items():
        condition |= Q(step__campaign__consent=required, appointment__contact__phone__consent_basis__in=bases)
    return condition


HAS_REQUIRED_CONSENT = _has_consent()  # for reminders
