"""How a body names a contact, a location or a provider, and finding the row that is meant."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError

from contacts.models import Contact
from contacts.people import find_by_external_ids
from reminders.api.bodies import StrictSerializer
from reminders.api.fields import Text, Whole
from reminders.api.problems import ApiProblem, FieldError, ProblemCode

SOURCE_LENGTH, ID_LENGTH = 60, 120


class ContactReference(StrictSerializer):
    """A contact: by `id`, or by `source` and `external_id`."""

    id = Whole(required=False)
    source = Text(required=False, allow_blank=True, max_length=SOURCE_LENGTH)  # type: ignore[assignment]
    external_id = Text(required=False, allow_blank=True, max_length=ID_LENGTH)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if "id" not in given and not (given.get("source") and given.get("external_id")):
            raise ValidationError(_("Give the id, or source and external_id."), code="required")
        return given


class NamedReference(StrictSerializer):
    """A location or a provider: by `id` or by `name`."""

    id = Whole(required=False)
    name = Text(required=False, max_length=120)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if not given:
            raise ValidationError(_("Give the id or the name."), code="required")
        return given


def find_contact(reference: dict[str, Any]) -> Contact:
    """The contact that is meant, by an id of a contact who was merged with them too. Raises ApiProblem."""
    source, external_id = reference.get("source"), reference.get("external_id")
    known = find_by_external_ids(source, [external_id]).get(external_id) if source and external_id else None
    if known and reference.get("id", known.pk) == known.pk:
        reference = {"id": known.pk}
    found: Contact = find_referenced(Contact.objects.filter(erased_at=None), reference, "#/contact")
    return found


def find_referenced(rows: "QuerySet[Any]", reference: dict[str, Any], pointer: str) -> Any:
    """The row that all that is given means. Raises ApiProblem."""
    found = rows.filter(**reference).first()
    if found is None:
        error = FieldError("not_found", _("There is none like this."), pointer=pointer)
        raise ApiProblem(ProblemCode.INVALID, errors=[error])
    return found
