"""Every table that holds something about a person: how to find it, and what an erasure takes out of it.

Exports (contacts/exporting.py) and erasures (contacts/erasing.py) go by this list alone. The tables of the
other apps are known here by name only, since contacts imports none of them. A test holds that no table that
refers to a contact or a number is missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db.models import F, Func, JSONField, Model, Q, QuerySet

ERASED_WORDS = "(erased)"
OF_NUMBER = ("number__contacts", "number__other_contacts")
OF_VISIT = ("appointment__contact",)
OF_CALL = ("reminder__appointment__contact", "companions__reminder__appointment__contact")
# What a call's last look saw stays (reminders/deciding/stored_decisions.py), but for the number.
WITHOUT_SEEN_NUMBER = Func(
    F("decision"),
    template="jsonb_set(%(expressions)s, '{seen,number}', '\"\"', false)",
    output_field=JSONField(),
)


@dataclass(frozen=True)
class PersonTable:
    """A table by its label.

    `paths`: lookups from a row to the contact. `blanked`: columns that an erasure fills with these values;
    `deleted`: it deletes the rows; `by_number`: it blanks only rows of numbers that are erased themselves.
    `withheld`: columns that no export has.
    """

    label: str
    paths: tuple[str, ...]
    blanked: Mapping[str, Any] = field(default_factory=dict)
    deleted: bool = False
    by_number: bool = False
    withheld: tuple[str, ...] = ()

    @property
    def model(self) -> type[Model]:
        return apps.get_model(self.label)

    def find_rows(self, contact_id: int) -> QuerySet[Any]:
        """The rows about this contact, by primary key."""
        about = Q()
        for path in self.paths:
            about |= Q(**{path: contact_id})
        # through a subquery: a call is found by several paths, and its row can still be locked or updated
        ids = self.model._default_manager.filter(about).order_by().values("pk")
        return self.model._default_manager.filter(pk__in=ids).order_by("pk")


def _about_a_call(path: str) -> tuple[str, ...]:
    return tuple(f"{path}__{rest}" for rest in OF_CALL)


# In the order in which rows are locked: a stored event first, as its application does.
PERSON_TABLES = (
    PersonTable(
        "webhooks.WebhookEvent", _about_a_call("call"), blanked={"body": b"", "error": "", "passed_over": ""}
    ),
    PersonTable("webhooks.EventDismissal", _about_a_call("event__call"), blanked={"reason": ERASED_WORDS}),
    PersonTable(
        "contacts.Contact", ("pk",), withheld=("search_text", "name_key")
    ),  # erased by erasing.py itself
    PersonTable("contacts.PhoneNumber", ("contacts", "other_contacts")),  # the same
    PersonTable("contacts.ContactId", ("contact",), deleted=True),
    PersonTable("contacts.ContactMerge", ("survivor",), blanked={"was": {}}),
    PersonTable("contacts.DistinctPair", ("one", "other"), deleted=True),
    PersonTable("contacts.ContactLogEntry", ("contact",)),
    PersonTable("contacts.NumberLook", OF_NUMBER),
    PersonTable("contacts.AuditEntry", ("contact_key",), blanked={"changes": {}, "note": ""}),
    PersonTable("contacts.ConsentEntry", OF_NUMBER, blanked={"evidence": ""}, by_number=True),
    PersonTable(
        "contacts.Appointment",
        ("contact",),
        blanked={"kind": "", "source": "", "external_id": "", "file_values": {}},
    ),
    PersonTable("contacts.AppointmentChange", OF_VISIT),
    PersonTable(
        "contacts.ImportChange",
        ("contact", *OF_VISIT),
        blanked={"about": ERASED_WORDS, "old": {}, "new": {}},
    ),
    PersonTable("contacts.OverwrittenValues", ("contact", *OF_VISIT), blanked={"before": {}, "after": {}}),
    PersonTable("contacts.KeptByUndo", ("contact", *OF_VISIT), blanked={"about": ERASED_WORDS}),
    PersonTable("reminders.Reminder", OF_VISIT),
    PersonTable(
        "reminders.CallRecord",
        OF_CALL,
        blanked={
            "variables": {},
            "text": ERASED_WORDS,
            "detail": "",
            "robotalker_id": "",
            "decision": WITHOUT_SEEN_NUMBER,
        },
    ),
    PersonTable("reminders.CallCompanion", ("reminder__appointment__contact", *_about_a_call("call"))),
    PersonTable("reminders.EvidenceLook", _about_a_call("call")),
    PersonTable("reminders.EvidenceHold", _about_a_call("call"), blanked={"reason": ERASED_WORDS}),
    PersonTable("reminders.FollowUp", ("contact",), blanked={"detail": "", "note": ""}),
    PersonTable("reminders.FollowUpDeed", ("follow_up__contact",), blanked={"note": "", "was": {}}),
    PersonTable("reminders.AbsenceVisit", OF_VISIT, blanked={"words": "", "answer_before": {}}),
    PersonTable(
        "reminders.TestCall",
        OF_NUMBER,
        blanked={
            "message": ERASED_WORDS,
            "text": ERASED_WORDS,
            "variables": {},
            "detail": "",
            "exchange": [],
            "robotalker_id": "",
            "code_hash": "",
        },
        by_number=True,
        withheld=("code_hash",),
    ),
    PersonTable(
        "reminders.OptOutConfirmation",
        tuple(f"entry__{path}" for path in OF_NUMBER),
        blanked={"text": ERASED_WORDS, "detail": "", "robotalker_id": ""},
        by_number=True,
    ),
    PersonTable(
        "reminders.StaffText",
        OF_NUMBER,
        blanked={"text": ERASED_WORDS, "detail": "", "robotalker_id": ""},
        by_number=True,
    ),
    PersonTable("reminders.ReceivedText", OF_NUMBER, blanked={"text": ERASED_WORDS}, by_number=True),
    PersonTable("reminders.ListedNumber", OF_NUMBER, deleted=True, by_number=True),
)
# Columns that lead from a row to a number, of the tables that belong to numbers.
NUMBER_COLUMN = {
    "contacts.ConsentEntry": "number",
    "reminders.TestCall": "number",
    "reminders.OptOutConfirmation": "entry__number",
    "reminders.StaffText": "number",
    "reminders.ReceivedText": "number",
    "reminders.ListedNumber": "number",
}
# Tables that refer to a contact or a number through another table, and say nothing about the person.
SAYS_NOTHING: dict[str, str] = {
    "reminders.AssumptionTrial": "a try of an assumption, by a test call to a number of the staff",
}
