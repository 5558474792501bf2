"""Models: locations, providers, contacts, numbers, appointments, imported and watched files, API tokens."""

from contacts.models.api_tokens import ApiScope, ApiToken
from contacts.models.appointments import Appointment, AppointmentChange, Way
from contacts.models.audit import AuditEntry
from contacts.models.imports import (
    ImportBatch,
    ImportChange,
    ImportedRecords,
    ImportFile,
    ImportPart,
    ImportProblem,
    KeptByUndo,
    OverwrittenValues,
    RejectedRow,
    SourceAnswers,
)
from contacts.models.people import ConsentEntry, Contact, PhoneNumber, UnusableReason
from contacts.models.person_records import (
    ContactId,
    ContactLogEntry,
    ContactMerge,
    DistinctPair,
    ErasedOptOut,
    NumberLook,
)
from contacts.models.practice import ClosedDay, Location, OpeningHours, Provider
from contacts.models.staff import StaffLanguage
from contacts.models.watching import (
    CalendarFault,
    FolderFault,
    WatchedCalendar,
    WatchedFile,
    WatchedFolder,
)

__all__ = [
    "ApiScope",
    "ApiToken",
    "Appointment",
    "AppointmentChange",
    "AuditEntry",
    "CalendarFault",
    "ClosedDay",
    "ConsentEntry",
    "Contact",
    "ContactId",
    "ContactLogEntry",
    "ContactMerge",
    "DistinctPair",
    "ErasedOptOut",
    "FolderFault",
    "ImportBatch",
    "ImportChange",
    "ImportFile",
    "ImportPart",
    "ImportProblem",
    "ImportedRecords",
    "KeptByUndo",
    "Location",
    "NumberLook",
    "OpeningHours",
    "OverwrittenValues",
    "PhoneNumber",
    "Provider",
    "RejectedRow",
    "SourceAnswers",
    "StaffLanguage",
    "UnusableReason",
    "WatchedCalendar",
    "WatchedFile",
    "WatchedFolder",
    "Way",
]
