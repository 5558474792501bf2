"""The other number is called when the first can't be, where that is allowed (product rules 10, 17 and 50)."""

from typing import Any

import pytest
from django.utils import timezone

from contacts.models import Appointment, AppointmentChange, Contact, PhoneNumber, UnusableReason
from contacts.optouts import record_optout
from contacts.people import mark_number_unusable
from reminders.deciding.other_numbers import find_number_instead
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import FollowUp, Reminder
from reminders.sweeps.other_numbers import use_other_numbers
from tests.people import SARAH, make_contact, make_due_reminder, make_number

pytestmark = pytest.mark.django_db
OTHER = "+12025550142"

# The contact's columns, what is done to the first number and to the other; whether the other is called.
CASES: list[tuple[dict[str, Any], tuple[str, ...], tuple[str, ...], bool, str]] = [
    ({}, ("unusable",), (), True, "the first can't be reached"),
    ({}, (), (), False, "the first can be reached"),
    ({"other_phone_use": "never"}, ("unusable",), (), False, "it isn't wanted"),
    ({"other_phone": None}, ("unusable",), (), False, "there is none"),
    ({}, ("unusable",), ("unusable",), False, "neither can be reached"),
    ({}, ("unusable", "voice"), (), False, "a no on the first counts for the other"),
    ({}, ("unusable", "sms"), (), False, "of texts as well"),
    ({}, ("unusable",), ("voice",), False, "a no on the other"),
    ({}, ("unusable",), ("sms",), False, "of texts as well"),
    ({}, ("voice",), (), False, "a no is not being out of reach"),
    ({}, ("unusable", "none"), (), False, "no consent on the first"),
    ({}, ("unusable",), ("none",), False, "no consent on the other"),
]


def make_sarah(fields: dict[str, Any], *done: tuple[str, ...]) -> Contact:
    sarah = make_contact(**{"other_phone_use": "unreachable", "other_phone": make_number(OTHER), **fields})
    for e164, deeds in zip((SARAH, OTHER), done, strict=True):
        number = make_number(e164)
        for deed in deeds:
            if deed == "unusable":
                mark_number_unusable(number.pk, UnusableReason.INVALID_NUMBER, timezone.now())
            elif deed == "none":
                PhoneNumber.objects.filter(pk=number.pk).update(consent_basis="none")
            else:
                record_optout(number.pk, scope=deed, source="staff", at=timezone.now())
    return Contact.objects.select_related("phone", "other_phone").get(pk=sarah.pk)


@pytest.mark.parametrize(("fields", "first", "other", "is_used", "reason"), CASES)
def test_the_other_number_takes_the_place_of_one_that_can_not_be_reached(
    fields: dict[str, Any], first: tuple[str, ...], other: tuple[str, ...], is_used: bool, reason: str
) -> None:
    sarah = make_sarah(fields, first, other)
    make_due_reminder(sarah)
    instead = find_number_instead(sarah)
    assert (instead == make_number(OTHER)) == is_used, reason
    assert use_other_numbers() == is_used, reason
    sarah.refresh_from_db()
    assert sarah.phone == make_number(OTHER if is_used else SARAH), reason
    assert Appointment.objects.get().revision == (2 if is_used else 1)
    assert use_other_numbers() == 0, "and not back again"


def test_the_call_goes_to_the_other_number_the_story_says_so_and_the_worklist_is_closed() -> None:
    sarah = make_sarah({}, (), ())
    make_due_reminder(sarah)
    mark_number_unusable(sarah.phone_id or 0, UnusableReason.INVALID_NUMBER, timezone.now())
    claim = claim_due(10)
    assert open_calls(claim.reminder_ids, claim.token) == []
    assert FollowUp.objects.get().kind == "wrong_number"
    assert use_other_numbers() == 1
    assert AppointmentChange.objects.filter(what="other_number").count() == 1
    assert FollowUp.objects.get().resolution == "moved"
    assert dict(Reminder.objects.values_list("revision", "state")) == {1: "withdrawn", 2: "planned"}
    claim = claim_due(10)
    [call] = open_calls(claim.reminder_ids, claim.token)
    assert call.number.e164 == OTHER


def test_without_appointments_ahead_nothing_changes() -> None:
    sarah = make_sarah({}, ("unusable",), ())
    assert use_other_numbers() == 0
    sarah.refresh_from_db()
    assert sarah.phone == make_number(SARAH)
