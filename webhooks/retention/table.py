"""The one table of kinds of data: how long each is kept, what of it is never deleted, and what deletes it.

docs/operations.md ("How long data is kept") and the page show it. A test holds that every table of ours is
in it. The settings are days; 0 means for ever.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from contacts.models import AuditEntry, ContactLogEntry, NumberLook
from webhooks.retention import events, imports, people, visits

Delete = Callable[[Sequence[Any]], int]


@dataclass(frozen=True)
class RetentionKind:
    """A kind of data. `setting`: of the days it is kept; "" if each row says itself when it ends.

    `find`: the rows that may go, given the moment before which they are old; `delete`: deletes those of these
    ids, locked, in the caller's transaction, and returns how many rows went; None: `find`'s rows themselves.
    `is_left`: these rows stay, and only what belongs to them goes; `most`: of that, so many rows at once, and
    the next ones in another transaction; 0: all. `count`: how many rows would go; None: what `find` finds.
    `stays`: what is never deleted. `tables`: labels of the models whose rows go.
    """

    code: str
    title: Promise
    setting: str
    find: Callable[[datetime], QuerySet[Any]]
    tables: tuple[str, ...]
    stays: Promise | str = ""
    delete: Delete | None = None
    is_left: bool = False
    most: int = 0
    count: Callable[[datetime], int] | None = None

    @property
    def days(self) -> int:
        """For how many days it is kept; 0: for ever, or until the row itself ends."""
        return int(getattr(settings, self.setting)) if self.setting else 0


# In this order: what refers to something goes before it.
KINDS = (
    RetentionKind(
        "events",
        gettext_lazy("Messages from Robotalker, as they came"),
        "KEEP_EVENT_DAYS",
        events.find_old_events,
        ("webhooks.WebhookEvent", "webhooks.EventDismissal"),
        gettext_lazy(
            "What waits for a person, belongs to a call without a result, or is kept for a dispute."
        ),
        events.delete_events,
    ),
    RetentionKind(
        "visits",
        gettext_lazy("Appointments with their reminders, calls, stories and worklist"),
        "KEEP_VISIT_DAYS",
        visits.find_old_visits,
        (
            "contacts.Appointment",
            "contacts.AppointmentChange",
            "reminders.Reminder",
            "reminders.CallRecord",
            "reminders.CallCompanion",
            "reminders.FollowUp",
            "reminders.FollowUpDeed",
            "reminders.EvidenceLook",
            "reminders.EvidenceHold",
            "reminders.AbsenceVisit",
        ),
        gettext_lazy(
            "What isn't finished, or is still on the worklist, and whatever is kept for a dispute. Reports "
            "keep their figures."
        ),
        visits.delete_visits,
    ),
    RetentionKind(
        "loose_follow_ups",
        gettext_lazy("Entries of the worklist about nobody"),
        "KEEP_VISIT_DAYS",
        visits.find_loose_follow_ups,
        ("reminders.FollowUp", "reminders.FollowUpDeed"),
        gettext_lazy("What is still on the worklist."),
        visits.delete_follow_ups,
    ),
    RetentionKind(
        "batches",
        gettext_lazy("Campaigns at Robotalker"),
        "KEEP_VISIT_DAYS",
        visits.find_empty_batches,
        ("reminders.CallBatch",),
        gettext_lazy("Those of calls that are kept."),
    ),
    RetentionKind(
        "texts",
        gettext_lazy("Texts from patients"),
        "KEEP_VISIT_DAYS",
        visits.find_old_received,
        ("reminders.ReceivedText",),
        gettext_lazy("What nobody has read yet."),
    ),
    RetentionKind(
        "staff_texts",
        gettext_lazy("Texts that staff wrote"),
        "KEEP_VISIT_DAYS",
        visits.find_old_staff_texts,
        ("reminders.StaffText",),
        gettext_lazy("What isn't sent yet."),
    ),
    RetentionKind(
        "tests",
        gettext_lazy("Test calls"),
        "KEEP_TEST_DAYS",
        visits.find_old_tests,
        ("reminders.TestCall",),
        gettext_lazy("What was learnt of Robotalker by them."),
        visits.delete_tests,
    ),
    RetentionKind(
        "consent",
        gettext_lazy("The consent ledger"),
        "KEEP_CONSENT_DAYS",
        people.find_numbers_with_old_entries,
        ("contacts.ConsentEntry", "reminders.OptOutConfirmation"),
        gettext_lazy("Whatever an opt-out or a consent in force rests on, however old."),
        people.delete_entries,
        is_left=True,
        count=people.count_needless_entries,
    ),
    RetentionKind(
        "imports",
        gettext_lazy("What imported lists changed, and their rows that were rejected"),
        "KEEP_IMPORT_DAYS",
        imports.find_old_batches,
        (
            "contacts.ImportPart",
            "contacts.ImportProblem",
            "contacts.ImportChange",
            "contacts.ImportedRecords",
            "contacts.OverwrittenValues",
            "contacts.KeptByUndo",
            "contacts.RejectedRow",
        ),
        gettext_lazy(
            "The list's name, when it came and its counts. Such an import can't be undone any more."
        ),
        imports.delete_details,
        is_left=True,
        most=imports.MOST_DETAILS,
        count=imports.count_details,
    ),
    RetentionKind(
        "number_looks",
        gettext_lazy("Who saw which number in full"),
        "KEEP_AUDIT_DAYS",
        lambda before: NumberLook.objects.filter(at__lt=before),
        ("contacts.NumberLook",),
    ),
    RetentionKind(
        "audit",
        gettext_lazy("The audit trail"),
        "KEEP_AUDIT_DAYS",
        lambda before: AuditEntry.objects.filter(at__lt=before),
        ("contacts.AuditEntry",),
    ),
    RetentionKind(
        "admin_log",
        gettext_lazy("The admin's own log"),
        "KEEP_AUDIT_DAYS",
        lambda before: LogEntry.objects.filter(action_time__lt=before),
        ("admin.LogEntry",),
    ),
    RetentionKind(
        "contact_log",
        gettext_lazy("Who took a person's data, and who erased it"),
        "KEEP_AUDIT_DAYS",
        lambda before: ContactLogEntry.objects.filter(at__lt=before),
        ("contacts.ContactLogEntry",),
    ),
    RetentionKind(
        "contacts",
        gettext_lazy("People without an appointment"),
        "KEEP_VISIT_DAYS",
        people.find_old_contacts,
        ("contacts.Contact", "contacts.ContactId", "contacts.ContactMerge", "contacts.DistinctPair"),
        gettext_lazy("Whoever doesn't want calls or texts, and whoever something else that is kept names."),
        people.delete_contacts,
    ),
    RetentionKind(
        "numbers",
        gettext_lazy("Numbers that nobody has"),
        "KEEP_VISIT_DAYS",
        people.find_old_numbers,
        ("contacts.PhoneNumber",),
        gettext_lazy("Whichever has opted out, or has anything in the consent ledger."),
    ),
    RetentionKind(
        "sessions",
        gettext_lazy("Logins that have ended"),
        "",
        lambda now: Session.objects.filter(expire_date__lt=now),
        ("sessions.Session",),
    ),
)


@dataclass(frozen=True)
class KeptOtherwise:
    """A kind of data that has its own way to go, or stays. `words`: how long, for the page."""

    title: Promise
    words: Promise
    tables: tuple[str, ...]


OTHERWISE = (
    KeptOtherwise(
        gettext_lazy("Lists that wait to be imported, or failed"),
        gettext_lazy("Uploaded lists a day, those that came by themselves or failed 30 days."),
        ("contacts.ImportFile",),
    ),
    KeptOtherwise(
        gettext_lazy("Lists in a watched folder"),
        gettext_lazy("30 days, unless whoever looks after Callboard set another time."),
        ("contacts.WatchedFile",),
    ),
    KeptOtherwise(
        gettext_lazy("What other systems were told, and each attempt"),
        gettext_lazy("400 days, unless whoever looks after Callboard set another time."),
        ("webhooks.OutgoingEvent", "webhooks.OutgoingDelivery", "webhooks.DeliveryAttempt"),
    ),
    KeptOtherwise(
        gettext_lazy("The “no” of people who were erased"),
        gettext_lazy("For ever: it is a digest that nobody can tell the number by."),
        ("contacts.ErasedOptOut",),
    ),
    KeptOtherwise(
        gettext_lazy("Figures of reports"),
        gettext_lazy("For ever: they name nobody."),
        ("reminders.CallCount", "reminders.VisitCount", "reminders.ResultCount", "reminders.FrozenCounts"),
    ),
    KeptOtherwise(
        gettext_lazy("Which lists were imported"),
        gettext_lazy("For ever, without the lists' rows."),
        ("contacts.ImportBatch",),
    ),
    KeptOtherwise(
        gettext_lazy("What the practice set up: locations, campaigns, scripts, logins, keys"),
        gettext_lazy("Until somebody changes it."),
        (
            "contacts.ApiToken", "contacts.ClosedDay", "contacts.Location", "contacts.OpeningHours",
            "contacts.Provider",
            "contacts.StaffLanguage", "contacts.SourceAnswers", "contacts.WatchedCalendar",
            "contacts.WatchedFolder", "reminders.Absence",
            "reminders.AssumptionTrial", "reminders.Campaign",
            "reminders.CampaignVersion", "reminders.LiveCheck",
            "reminders.SavedFilter", "reminders.Pronunciation",
            "reminders.Script", "reminders.ScriptText", "reminders.Step", "reminders.TextTemplate",
            "webhooks.CalendarFeed", "webhooks.OutgoingEndpoint",
        ),
    ),
    KeptOtherwise(
        gettext_lazy("What the programs note for themselves"),
        gettext_lazy("A row or a few at a time. Results of tasks aren't kept."),
        (
            "reminders.DatabaseIdentity", "reminders.Heartbeat", "reminders.ListedNumber",
            "reminders.ReportMark", "reminders.SendingSwitch", "webhooks.RetentionRun",
        ),
    ),
)  # fmt: skip
