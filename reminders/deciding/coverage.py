"""Which appointments a campaign is for: one rule, in Python for one appointment and in SQL for many.

A test holds the two equal over every combination of filters.
"""

from django.db.models import QuerySet

from contacts.models import Appointment
from reminders.models import Campaign, Step


def covers(campaign: Campaign, appointment: Appointment) -> bool:
    """Whether the campaign is for this appointment; find_covered() is the same rule for many."""
    locations = {location.pk for location in campaign.locations.all()}
    providers = {provider.pk for provider in campaign.providers.all()}
    return (
        (not locations or appointment.location_id in locations)
        and (not providers or appointment.provider_id in providers)
        and (not campaign.kinds or appointment.kind in campaign.kinds)
    )


def find_covered(step: Step, appointments: "QuerySet[Appointment]") -> "QuerySet[Appointment]":
    """Those of `appointments` that the step's campaign is for. An empty filter covers all."""
    campaign = step.campaign
    if locations := [location.pk for location in campaign.locations.all()]:
        appointments = appointments.filter(location__in=locations)
    if providers := [provider.pk for provider in campaign.providers.all()]:
        appointments = appointments.filter(provider__in=providers)
    if campaign.kinds:
        appointments = appointments.filter(kind__in=campaign.kinds)
    return appointments
