"""Models: locations, providers, contacts, numbers, appointments, imported files, API tokens."""

from contacts.models.api_tokens import ApiScope, ApiToken
from contacts.models.appointments import Appointment, AppointmentChange, Way
from contacts.models.imports import ImportBatch, ImportProblem
from contacts.models.people import ConsentEntry, Contact, PhoneNumber, UnusableReason
from contacts.models.practice import ClosedDay, Location, Provider

__all__ = [
    "ApiScope",
    "ApiToken",
    "Appointment",
    "AppointmentChange",
    "ClosedDay",
    "ConsentEntry",
    "Contact",
    "ImportBatch",
    "ImportProblem",
    "Location",
    "PhoneNumber",
    "Provider",
    "UnusableReason",
    "Way",
]
