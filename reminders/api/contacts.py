"""Contacts: list, find, read, add and change, by the form of the contact's page and so by its rules."""

from collections.abc import Collection, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.contact_search import find_contacts
from contacts.duplicates import Lookalike
from contacts.forms.contacts import ContactForm
from contacts.imports.three_way import CONTACT_VALUES
from contacts.merging import take_other_id
from contacts.models import ApiScope, Contact, ContactId
from contacts.models.people import Preference
from contacts.people import find_by_external_ids, lock_people
from reminders.api.bodies import StrictSerializer, read_json_body, read_parameters
from reminders.api.fields import E164, ExternalId, MomentField, Text, Whole
from reminders.api.problems import ApiProblem, FieldError, ProblemCode, refuse_field
from reminders.api.references import ID_LENGTH, SOURCE_LENGTH
from reminders.api.views import (
    IF_MATCH,
    IF_NONE_MATCH,
    MOST_LISTED,
    USUALLY_LISTED,
    ApiView,
    PageParameters,
    acting_user,
    answer_row,
    check_if_match,
    choose_order,
    find_row,
    list_page,
    names_version,
    require_if_match,
)
from reminders.desk.rechecks import recheck_contact
from reminders.desk.reported_contacts import KEPT_HERE, ContactReport

# The form's names of what has another name here.
FORM_NAMES = {"phone": "number", "other_phone": "other_number"}
NAMES = {name: ours for ours, name in FORM_NAMES.items()}
LOOKS_ALIKE = "looks_alike"
QUESTIONS = [(LOOKS_ALIKE, "A contact with the same name and number is here already.")]
OF_THE_FORM = ("first_name", "last_name", "language", "preferred_channel", "time_zone", *FORM_NAMES)


class ContactFields(serializers.Serializer[Contact]):
    """A contact as it is shown."""

    id = serializers.IntegerField()
    source = serializers.CharField(help_text="The system that it came from; empty: it was added here.")  # type: ignore[assignment]
    external_id = serializers.CharField(help_text="Its id in that system.")
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    language = serializers.CharField(help_text="ISO 639-1.")
    preferred_channel = serializers.ChoiceField(Preference.choices)
    time_zone = serializers.CharField(help_text="IANA; empty: that of the appointment's location.")
    phone = serializers.CharField(source="phone.e164", default=None, allow_null=True, help_text="E.164.")
    other_phone = serializers.CharField(
        source="other_phone.e164", default=None, allow_null=True, help_text="E.164."
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class KeptContactFields(serializers.Serializer[Any]):
    """A value that stays as staff have it, since your system says what it said before."""

    field = serializers.ChoiceField([(name, name) for name in CONTACT_VALUES])
    note = serializers.CharField()


class ChangedContact(ContactFields):
    """The contact, and what stays in it as staff have it."""

    kept = KeptContactFields(many=True)


class ContactBody(StrictSerializer):
    """A contact as another system has it. What is left out of a change stays."""

    source = Text(required=False, allow_blank=True, max_length=SOURCE_LENGTH)  # type: ignore[assignment]
    external_id = ExternalId(required=False, allow_blank=True, max_length=ID_LENGTH)
    first_name = Text(max_length=120)
    last_name = Text(required=False, allow_blank=True, max_length=120)
    language = Text(required=False, max_length=8, help_text="ISO 639-1; en if it is left out.")
    preferred_channel = serializers.ChoiceField(Preference.choices, required=False)
    time_zone = Text(
        required=False, allow_blank=True, max_length=64, help_text="IANA, if the patient told it."
    )
    phone = E164(required=False, allow_null=True, help_text="Reminders go to it.")
    other_phone = E164(required=False, allow_null=True)
    confirm = serializers.ListField(
        child=serializers.ChoiceField(QUESTIONS),
        required=False,
        max_length=1,
        help_text="The codes of a “confirmation_needed” problem, to go on all the same.",
    )


class ContactParameters(PageParameters):
    """Filters of the list. What names a person is searched for by POST, and stands in no address."""

    updated_since = MomentField(required=False)
    source = Text(required=False, max_length=SOURCE_LENGTH)  # type: ignore[assignment]


class ContactSearch(StrictSerializer):
    """What to look for; all that is given has to fit."""

    phone = E164(required=False, help_text="One of their numbers.")
    text = Text(
        required=False, max_length=200, help_text="Beginnings of names or of the id, or the end of a number."
    )
    source = Text(required=False, max_length=SOURCE_LENGTH)  # type: ignore[assignment]
    external_id = Text(required=False, max_length=ID_LENGTH)
    cursor = Text(required=False, max_length=40)
    limit = Whole(required=False, default=USUALLY_LISTED, max_value=MOST_LISTED)


class ContactPage(serializers.Serializer[Any]):
    """A part of the list."""

    results = ContactFields(many=True)
    next_cursor = serializers.CharField(allow_null=True, help_text="null: there are no more.")


class Contacts(ApiView):
    """All contacts."""

    scopes = {"GET": ApiScope.READ_CONTACTS, "POST": ApiScope.WRITE_CONTACTS}
    takes_parameters = True

    @extend_schema(operation_id="listContacts", parameters=[ContactParameters], responses=ContactPage)
    def get(self, request: Request) -> Response:
        """List contacts, in the order in which they were added; with updated_since, changed."""
        wanted = read_parameters(request, ContactParameters)
        rows = shown_contacts()
        if "source" in wanted:
            rows = rows.filter(source=wanted["source"])
        if "updated_since" in wanted:
            rows = rows.filter(updated_at__gte=wanted["updated_since"])
        return list_page(
            rows,
            ContactFields,
            cursor=wanted.get("cursor", ""),
            limit=wanted["limit"],
            order=choose_order(wanted),
        )

    @extend_schema(operation_id="addContact", request=ContactBody, responses={201: ContactFields})
    def post(self, request: Request) -> Response:
        """Add a contact. One with the same source and external_id is a conflict."""
        body = read_json_body(request, ContactBody)
        confirmed = body.pop("confirm", ())
        with transaction.atomic():
            contact = Contact(language="en")
            save_contact(request, contact, body, confirmed)
            ContactReport(contact, dict.fromkeys(CONTACT_VALUES, "") | body).remember()
        return answer_contact(request, contact.pk, 201)


class FoundContacts(ApiView):
    """Looking for contacts by what must not stand in an address."""

    scopes = {"POST": ApiScope.READ_CONTACTS}

    @extend_schema(operation_id="searchContacts", request=ContactSearch, responses=ContactPage)
    def post(self, request: Request) -> Response:
        """Find contacts by number, name or id."""
        wanted = read_json_body(request, ContactSearch)
        rows = find_contacts(wanted.get("text", "")).select_related("other_phone")
        if "phone" in wanted:
            rows = rows.filter(Q(phone__e164=wanted["phone"]) | Q(other_phone__e164=wanted["phone"]))
        exactly: dict[str, Any] = {name: wanted[name] for name in ("source", "external_id") if name in wanted}
        if len(exactly) == 2:  # also by the id of a contact who was merged with them
            known = find_by_external_ids(exactly["source"], [exactly["external_id"]])
            exactly = {"pk__in": [one.pk for one in known.values()]}
        return list_page(
            rows.filter(**exactly), ContactFields, cursor=wanted.get("cursor", ""), limit=wanted["limit"]
        )


class OneContact(ApiView):
    """A contact by its id here."""

    scopes = {"GET": ApiScope.READ_CONTACTS, "PATCH": ApiScope.WRITE_CONTACTS}

    @extend_schema(operation_id="readContact", parameters=[IF_NONE_MATCH], responses=ContactFields)
    def get(self, request: Request, pk: int) -> Response:
        """Read a contact."""
        return answer_contact(request, pk)

    @extend_schema(
        operation_id="changeContact", parameters=[IF_MATCH], request=ContactBody, responses=ChangedContact
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change a contact. If-Match is required. A new number moves the reminders ahead to it."""
        require_if_match(request)
        body = read_json_body(request, ContactBody, partial=True)
        with transaction.atomic():
            contact = lock_people([pk]).get(pk)
            if contact is None or contact.erased_at:
                raise NotFound(_("There is no such contact."))
            shown = ContactFields(contact).data
            check_if_match(request, shown)
            confirmed = body.pop("confirm", ())
            take_other_id(
                contact, body.get("source", contact.source), body.get("external_id", contact.external_id)
            )
            report = ContactReport(contact, body)
            kept = [] if names_version(request) else report.find_corrections()
            body = {name: value for name, value in body.items() if name not in kept}
            is_changed = any(shown[name] != value for name, value in body.items())
            if is_changed:
                save_contact(request, contact, body, confirmed)
            report.remember()
        if is_changed:
            recheck_contact(pk)  # after the commit, since it locks locations, which come before appointments
        notes = [{"field": name, "note": str(KEPT_HERE)} for name in kept]
        return answer_contact(request, pk, besides={"kept": notes})


def shown_contacts() -> "QuerySet[Contact]":
    """With all that ContactFields shows."""
    return Contact.objects.filter(erased_at=None).select_related("phone", "other_phone")


def answer_contact(
    request: Request, pk: int, status: int = 200, *, besides: Mapping[str, Any] | None = None
) -> Response:
    shown = ContactFields(find_row(shown_contacts(), pk=pk)).data
    return answer_row(request, shown, status, besides=besides)


def save_contact(
    request: Request, contact: Contact, body: dict[str, Any], confirmed: Collection[str]
) -> None:
    """Save what is sent, by the rules of the contact's page. Raises ApiProblem; then nothing is saved."""
    for name in ("source", "external_id"):
        setattr(contact, name, body.get(name, getattr(contact, name)))
    other = ContactId.objects.filter(source=contact.source, external_id=contact.external_id).first()
    if contact.external_id and other and other.contact_id != contact.pk:
        raise refuse_taken_id()
    if contact.external_id and not contact.source:
        raise refuse_field("#/source", "required", _("Give the system that the external_id is of."))
    form = ContactForm(write_form_data(contact, body), instance=contact)
    if not form.is_valid():
        raise ApiProblem(ProblemCode.INVALID, errors=list_form_errors(form))
    alike = [] if LOOKS_ALIKE in confirmed else [one for one in form.find_lookalikes() if one.is_likely]
    if alike:
        raise ask_about_lookalikes(alike)
    try:
        with transaction.atomic():
            form.save_person(by=acting_user(request))
    except IntegrityError:
        raise refuse_taken_id() from None


def refuse_taken_id() -> ApiProblem:
    detail = _("Another contact has this source and external_id. Search for it, and change that one.")
    return ApiProblem(
        ProblemCode.CONFLICT, detail, errors=[FieldError("taken", detail, pointer="#/external_id")]
    )


def ask_about_lookalikes(alike: Collection[Lookalike]) -> ApiProblem:
    """One person entered twice is called twice. Relatives who share a number are not asked about here."""
    ids = ", ".join(str(one.contact.pk) for one in alike)
    detail = _("Contacts who look the same are here already: %(ids)s.") % {"ids": ids}
    error = FieldError(LOOKS_ALIKE, detail, pointer="#/first_name")
    go_on = _("Change one of them, or send it again with this code in “confirm” if it is somebody else.")
    return ApiProblem(ProblemCode.CONFIRMATION_NEEDED, go_on, errors=[error], confirm=[LOOKS_ALIKE])


def write_form_data(contact: Contact, body: dict[str, Any]) -> dict[str, Any]:
    """The contact as its form has it, with what is sent in its place; what the API doesn't know stays."""
    form, shown = ContactForm(instance=contact), ContactFields(contact).data
    data = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    data |= {FORM_NAMES.get(name, name): body.get(name, shown[name]) for name in OF_THE_FORM}
    return {name: "" if value is None else value for name, value in data.items()}


def list_form_errors(form: ContactForm) -> list[FieldError]:
    """The form's errors by the names that they have here."""
    return [
        FieldError(
            str(error.code or "invalid"),
            message,
            pointer=f"#/{NAMES.get(name, name)}".removesuffix("/__all__"),
        )
        for name, errors in form.errors.as_data().items()
        for error in errors
        for message in error.messages
    ]
