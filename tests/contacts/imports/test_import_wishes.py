"""How patients want to be reminded, in imported lists; languages; odd numbers (product rules 41 and 50)."""

import pytest

from contacts.imports.words import combine_wishes, is_as_strict, join_wishes, read_preference
from contacts.models import Contact, ImportProblem
from contacts.models.people import Preference
from tests.contacts.imports.example_lists import AISHA, import_rows, make_downtown, only_appointment

# the cell, what it means
PREFERENCES = [
    ("", ""),
    ("Call", "voice"),
    ("Phone", "voice"),
    ("Home Phone", "voice"),
    ("Llamada", "voice"),
    ("téléphone", "voice"),
    ("Text", "sms"),
    ("SMS", "sms"),
    ("Text Message", "sms"),
    ("Mensaje de texto", "sms"),
    ("texto", "sms"),
    ("Text only", "sms_only"),
    ("Do not call", "sms_only"),
    ("Call only", "voice_only"),
    ("No texts", "voice_only"),
    ("Never", "never"),
    ("None", "never"),
    ("Do Not Contact", "never"),
    ("no contactar", "never"),
    ("Jamais", "never"),
]


@pytest.mark.parametrize(("cell", "meant"), PREFERENCES)
def test_a_preference_is_understood_as_practice_systems_write_it(cell: str, meant: str) -> None:
    assert read_preference(cell) == meant
    assert meant in ("", *Preference.values)


# prefers, do not contact, do not call, text ok: together
TOGETHER = [
    ("", False, False, None, ""),
    ("sms", False, False, True, "sms"),
    ("voice", False, False, True, "voice"),
    ("", False, False, True, ""),  # texts are allowed, not preferred
    ("", False, False, False, "voice_only"),
    ("sms", False, False, False, "voice_only"),
    ("", False, True, None, "never"),  # nobody wrote that texts are all right
    ("", False, True, True, "sms_only"),
    ("sms", False, True, None, "sms_only"),
    ("voice", False, True, None, "never"),
    ("sms_only", False, False, None, "sms_only"),
    ("sms_only", False, False, False, "never"),
    ("voice_only", False, True, True, "never"),
    ("sms", True, False, True, "never"),
    ("never", False, False, True, "never"),
]


@pytest.mark.parametrize(("prefers", "no_contact", "no_calls", "texts_ok", "meant"), TOGETHER)
def test_of_several_columns_what_forbids_more_counts(
    prefers: str, no_contact: bool, no_calls: bool, texts_ok: bool | None, meant: str
) -> None:
    wish = combine_wishes(prefers, no_contact=no_contact, no_calls=no_calls, texts_ok=texts_ok)
    assert wish == meant


@pytest.mark.parametrize(
    ("wish", "held", "as_strict"),
    [
        ("sms", "voice", True),
        ("never", "sms_only", True),
        ("voice", "never", False),
        ("sms_only", "voice_only", False),
        ("sms", "sms_only", False),
    ],
)
def test_a_wish_is_as_strict_if_it_forbids_all_that_the_other_does(
    wish: str, held: str, as_strict: bool
) -> None:
    assert is_as_strict(wish, held) == as_strict


def read_notes(column: str) -> list[str]:
    return list(ImportProblem.objects.filter(column=column).values_list("problem", flat=True))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("columns", "wish"),
    [
        ({"Preferred Contact Method": "Text"}, "sms"),
        ({"Contact Method": "SMS", "Do Not Call": "Y"}, "sms_only"),
        ({"DNC": "TRUE"}, "never"),
        ({"Do Not Contact": "yes"}, "never"),
        ({"Text OK": "No"}, "voice_only"),
        ({"TxtMsgOk": "1", "Do not call": "x"}, "sms_only"),
        ({"Medio de contacto": "Mensaje"}, "sms"),
        ({"Reminder method": ""}, "voice"),
        ({}, "voice"),
    ],
)
def test_a_new_patients_wish_is_imported(columns: dict[str, str], wish: str) -> None:
    make_downtown()
    import_rows(AISHA | columns)
    assert only_appointment().contact.preferred_channel == wish
    again = import_rows(AISHA | columns)
    assert again.counts["contacts_unchanged"] == 1


@pytest.mark.django_db
def test_a_way_that_reminders_do_not_go_is_noted_and_ignored() -> None:
    make_downtown()
    import_rows(AISHA | {"Contact method": "Email"})
    assert only_appointment().contact.preferred_channel == "voice"
    assert read_notes("Contact method") == ["This isn't a way in which reminders are sent, so it is ignored."]


@pytest.mark.django_db
def test_a_list_changes_a_preference_but_never_lifts_what_is_forbidden_here() -> None:
    make_downtown()
    import_rows(AISHA | {"Contact method": "Call"})
    import_rows(AISHA | {"Contact method": "Text"})
    assert only_appointment().contact.preferred_channel == "sms"
    Contact.objects.update(preferred_channel="never")
    import_rows(AISHA | {"Contact method": "Text"})
    assert only_appointment().contact.preferred_channel == "never"
    assert read_notes("Contact method") == [
        "Here this patient's wish is “never contact by machine”, which forbids more than the file. It stays."
    ]
    import_rows(AISHA | {"Contact method": ""})
    assert only_appointment().contact.preferred_channel == "never"


@pytest.mark.django_db
def test_of_two_rows_of_one_patient_the_stricter_wish_counts() -> None:
    make_downtown()
    later = AISHA | {"id": "A2", "time": "10:30 AM", "Contact method": "Text"}
    import_rows(AISHA | {"Contact method": "Never"}, later)
    assert only_appointment().contact.preferred_channel == "never"


@pytest.mark.django_db
def test_of_several_languages_the_first_we_speak_is_taken_and_noted() -> None:
    make_downtown()
    import_rows(AISHA | {"language": "Hmong/Spanish"})
    assert only_appointment().contact.language == "es"
    assert read_notes("Language") == [
        "Several languages are given. Reminders to this patient are in Spanish."
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("odd", ["000-000-0000", "1-900-555-0100", "(911) 234-5678", "+881 6 1234 56789"])
def test_instead_of_a_number_that_is_never_dialled_the_other_one_is_used(odd: str) -> None:
    make_downtown()
    import_rows(AISHA | {"mobile": odd, "home": "(202) 555-0177"})
    contact = only_appointment().contact
    assert contact.phone is not None
    assert contact.phone.e164 == "+12025550177"
    assert contact.other_phone is None
    [note] = read_notes("Mobile")
    assert note.endswith("The other number in the row is used.")


# said first, said by another row or later, what both forbid together
JOINED = [
    ("sms_only", "voice_only", "never"),
    ("voice_only", "sms_only", "never"),
    ("sms", "sms_only", "sms_only"),
    ("never", "voice", "never"),
    ("voice", "sms", "sms"),
]


@pytest.mark.parametrize(("held", "wish", "joined"), JOINED)
def test_two_wishes_together_forbid_what_either_does(held: str, wish: str, joined: str) -> None:
    assert join_wishes(wish, held) == joined


@pytest.mark.django_db
def test_of_two_rows_of_one_patient_what_either_forbids_counts() -> None:
    """Seen: of "text only" and "call only" the second was lost, so that a call went out."""
    make_downtown()
    later = AISHA | {"id": "A2", "time": "10:30 AM", "Contact method": "Call only"}
    import_rows(AISHA | {"Contact method": "Text only"}, later)
    assert only_appointment().contact.preferred_channel == "never"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("held", "said"), [("voice_only", "Text only"), ("sms_only", "Call only"), ("sms", "Never")]
)
def test_a_no_that_is_new_in_the_file_joins_the_one_that_staff_recorded(held: str, said: str) -> None:
    """Seen: it was dropped, or only listed where staff had changed the wish (product rule 45)."""
    make_downtown()
    import_rows(AISHA | {"Contact method": "Call"})
    Contact.objects.update(preferred_channel=held)
    import_rows(AISHA | {"Contact method": said})
    assert only_appointment().contact.preferred_channel == "never"
    Contact.objects.update(preferred_channel="voice")
    again = import_rows(AISHA | {"Contact method": said})
    assert only_appointment().contact.preferred_channel == "voice", "the file says nothing new"
    assert again.counts["changed"] == 0
