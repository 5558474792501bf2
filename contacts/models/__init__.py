"""Models: locations, providers, contacts, numbers, appointments and imported files."""

from contacts.models.appointments import Appointment, AppointmentChange, Way
from contacts.models.imports import ImportBatch, ImportChange, ImportProblem
from contacts.models.people import ConsentEntry, Contact, PhoneNumber, UnusableReason
from contacts.models.practice import ClosedDay, Location, Provider

__all__ = [
    "Appointment",
    "AppointmentChange",
    "ClosedDay",
    "ConsentEntry",
    "Contact",
    "ImportBatch",
    "ImportChange",
    "ImportProblem",
    "Location",
    "PhoneNumber",
    "Provider",
    "UnusableReason",
    "Way",
]
