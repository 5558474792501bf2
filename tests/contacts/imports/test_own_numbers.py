"""A practice's own number in the place of a patient's: a call about a visit would ring at the front desk."""

import pytest
from django.test import Client

from contacts.models import Contact
from tests.contacts.imports.example_lists import AISHA, import_rows, make_downtown
from tests.people import make_user

pytestmark = pytest.mark.django_db

OWN = {
    "of the location": "202-555-0150",
    "from which it calls": "202-555-0151",
    "from which all are called": "800-555-0199",
}


@pytest.mark.parametrize("own", OWN.values(), ids=OWN)
def test_the_practices_own_number_is_no_patients(own: str) -> None:
    """(product rule 50)"""
    make_downtown(callback_number="+12025550150", caller_id="+12025550151")
    report = import_rows(AISHA | {"mobile": own})
    assert [str(one.problem) for one in report.problems] == [
        "This is the practice's own number. The appointment is imported, but there is no number to call."
    ]
    assert Contact.objects.get().phone is None


def test_another_number_of_the_patient_is_taken_in_its_place() -> None:
    make_downtown(callback_number="+12025550150")
    import_rows(AISHA | {"mobile": "(202) 555-0150", "home": "202 555 0101"})
    phone = Contact.objects.get().phone
    assert phone is not None
    assert phone.e164 == "+12025550101"


def test_it_may_be_one_that_is_entered_with_the_list_for_a_new_location() -> None:
    own = {"Downtown": "202-555-0150"}
    zones = {"Downtown": "America/New_York"}
    import_rows(AISHA | {"mobile": "2025550150"}, zones=zones, callback_numbers=own)
    assert Contact.objects.get().phone is None


def test_it_can_not_be_entered_by_hand_either(client: Client) -> None:
    make_downtown(callback_number="+12025550150")
    client.force_login(make_user())
    entered = {"first_name": "Aisha", "last_name": "Okafor", "language": "en", "preferred_channel": "default"}
    page = client.post("/contacts/new/", entered | {"number": "(202) 555-0150"}).content.decode()
    assert "practice&#x27;s own number" in page
    assert not Contact.objects.exists()
