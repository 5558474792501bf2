"""No column of any table is forgotten when a person is erased, or when their data is taken.

The walk goes through every column of words of every table, so a table that is added later fails here until
somebody has said what an erasure does with it (product rule 64).
"""

import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import BinaryField, CharField, Field, JSONField, Model, TextField
from django.test import Client
from django.utils import timezone

from contacts import kept_mentions
from contacts.consent_ledger import ledger_open
from contacts.exporting import write_person
from contacts.imports.practice import ImportOptions
from contacts.imports.stored_files import store_file
from contacts.imports.three_way import memory_key
from contacts.kept_mentions import OVERLAP, _is_named, find_files_naming
from contacts.list_search import MOST_PLACES, ListSearch
from contacts.mentions import MENTION_COLUMNS, PersonWords, list_mentions, read_words
from contacts.models import Contact, ContactMerge, ImportBatch, ImportFile, RejectedRow
from contacts.person_tables import PERSON_TABLES
from contacts.roles import MANAGER
from reminders.desk.erasing import erase_person
from reminders.models import FollowUp
from tests.people import make_contact, make_number, make_user
from tests.reminders.admin.test_admin import make_one_of_each_model
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db
NUMBER = "+12025550142"
WORDS = PersonWords(
    frozenset({("Quintessa", "Abernathy")}), frozenset({"PMS-77X", "1234"}), frozenset({NUMBER})
)
# Columns that erasures look at in ways of their own.
APART = {
    "contacts.RejectedRow": {"cells", "problem"},
    "contacts.ImportFile": {"content"},
    "webhooks.WebhookEvent": {"body"},
    "sessions.Session": {"session_data"},
    # what is blanked by contacts/erasing.py itself
    "contacts.PhoneNumber": {"e164", "time_zones"},
    "contacts.Contact": {
        "first_name", "last_name", "time_zone", "source", "external_id", "file_values", "search_text",
    },
}  # fmt: skip
# Tables whose words are about the practice, its staff, its texts for everybody, or programs.
OF_THE_PRACTICE = {
    "contacts.ApiToken", "contacts.Provider", "contacts.WatchedFolder", "contacts.WatchedFile",
    "contacts.WatchedCalendar", "contacts.ImportPart", "contacts.ImportedRecords", "contacts.ErasedOptOut",
    "contacts.StaffLanguage",
    "reminders.Script", "reminders.ScriptText", "reminders.Pronunciation", "reminders.CampaignVersion",
    "reminders.CallBatch", "reminders.Heartbeat", "reminders.DatabaseIdentity", "reminders.CallCount",
    "reminders.TextTemplate", "webhooks.OutgoingEndpoint", "webhooks.CalendarFeed",
    "auth.Permission", "auth.Group", "auth.User",
    "account.EmailAddress",
    "account.EmailConfirmation",
    "mfa.Authenticator", "contenttypes.ContentType",
}  # fmt: skip
# Columns that hold codes, languages, zones, digests, names of systems, or numbers of the practice.
NO_WORDS = {
    "language", "time_zone", "source", "sha256", "digest", "public_id", "from_number", "reason", "keys",
    "missing_language", "amd_result", "key_pressed", "voice", "purpose", "content_type", "kind", "column",
    "columns", "reading", "counts", "assumption", "kinds", "languages", "session_key", "object_id",
    "passed_over",
    "confirmed",
    "why_by_phone", "error_code",
}  # fmt: skip
NAMES_OF_THE_PRACTICE = {
    "contacts.Location": {
        "name", "spoken_name", "region", "caller_id", "callback_number", "open_weekdays", "country",
        "subdivision", "open_holidays",
    },
    "reminders.Campaign": {"name"},
    "reminders.AbsenceVisit": {"refusal", "confirmed", "why_by_phone"},
    "reminders.SavedFilter": {"name", "state"},
    "reminders.LiveCheck": {"name"},
    "contacts.AuditEntry": {"what", "by_name", "address", "about"},
    "reminders.ListedNumber": {"error"},
}  # fmt: skip


def list_columns_of_words() -> Iterator[tuple[type[Model], Field[Any, Any]]]:
    kinds = (CharField, TextField, JSONField, BinaryField, ArrayField)
    for model in apps.get_models():
        for column in model._meta.concrete_fields:
            if isinstance(column, kinds) and not column.choices:
                yield model, column


def test_every_column_of_words_is_looked_at_or_is_not_about_patients() -> None:
    tables = {table.label: table for table in PERSON_TABLES}
    forgotten = []
    for model, column in list_columns_of_words():
        label, name = model._meta.label, column.name
        table = tables.get(label)
        is_blanked = table is not None and (table.deleted or name in table.blanked) and not table.by_number
        is_known = (
            is_blanked
            or name in MENTION_COLUMNS.get(label, ())
            or name in APART.get(label, set()) | NAMES_OF_THE_PRACTICE.get(label, set())
            or label in OF_THE_PRACTICE
            or name in NO_WORDS
            or (table is not None and table.by_number and name in table.blanked)
        )
        if not is_known:
            forgotten.append(f"{label}.{name}")
    assert forgotten == []


def plant(contact: Contact) -> set[str]:
    """A word about the person in every column that may mention one; the labels of those tables."""
    make_one_of_each_model(0)
    planted = set()
    with ledger_open():
        for label, columns in MENTION_COLUMNS.items():
            model = apps.get_model(label)
            rows = model._default_manager.exclude(pk=contact.pk if model is Contact else None)
            assert rows.exists() or label in ("admin.LogEntry", "reminders.SendingSwitch"), label
            for place, column in enumerate(columns):
                said = ("Spoke to quintessa ABERNATHY.", f"({NUMBER[2:5]}) {NUMBER[5:8]}-{NUMBER[8:]}!")
                text = said[place % 2]
                is_json = isinstance(model._meta.get_field(column), JSONField)
                rows.update(**{column: {"x": [text, "kept"]} if is_json else text})
            planted |= {label} if rows.exists() else set()
    batch = ImportBatch.objects.create(file_name="x.csv", sha256="", source="pms", state="done")
    RejectedRow.objects.create(batch=batch, line=2, cells=["Abernathy", "Quintessa"], problem="x")
    RejectedRow.objects.create(batch=batch, line=3, cells=["Tom", "Stone", "1234"], problem="x")
    RejectedRow.objects.create(batch=batch, line=4, cells=["Tom", "Stone"], problem="stays")
    for place, body in enumerate(
        (b'{"to": "+1 202 555 0142"}', b'{"name": "Quintessa Abernathy"}', b"other")
    ):
        WebhookEvent.objects.create(
            purpose="optouts", body=body, digest=f"{place}", received_at=timezone.now()
        )
    return planted


def walk() -> str:
    """Every column of words of every table, as text."""
    found = [repr(session.get_decoded()) for session in Session.objects.all()]
    for model, column in list_columns_of_words():
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT "{column.column}" FROM "{model._meta.db_table}"')  # noqa: S608 - names of ours
            for (value,) in cursor.fetchall():
                raw = bytes(value) if isinstance(value, memoryview) else value
                if model is ImportFile and column.name == "content" and raw[:1] == b"x":
                    raw = zlib.decompress(raw)
                found.append(f"{model._meta.label}.{column.name}: {raw!r}")
    return "\n".join(found)


CANARY = re.compile(r"quintessa|abernathy|202\D*555\D*0142|PMS-77X", re.IGNORECASE)


@pytest.fixture
def quintessa() -> Contact:
    return make_contact(
        "Quintessa", number=NUMBER, last_name="Abernathy", source="pms", external_id="PMS-77X", notes="ramp"
    )


def test_after_an_erasure_no_column_of_any_table_names_the_person(quintessa: Contact) -> None:
    planted = plant(quintessa)
    searching = Client()
    manager = make_user("rosa", role=MANAGER)
    searching.force_login(manager)
    searching.post("/contacts/", {"q": "abernathy"})
    searching.post("/contacts/", {"q": "Stone"})
    store_file(b"Name,Mobile\nQuintessa;Abernathy,x\n", "list.csv", ImportOptions(), how=ImportBatch.How.PAGE)
    kept = store_file(b"Name\nTom Stone\n", "tom.csv", ImportOptions(), how=ImportBatch.How.PAGE)
    before = walk()
    assert len(CANARY.findall(before)) > len(planted), "else the test would show nothing"
    erase_person(quintessa.pk, by=manager)
    after = walk()
    assert [line for line in after.splitlines() if CANARY.search(line)] == []
    assert "Spoke to (erased)." in after
    assert "Stone" in after
    assert list(ImportFile.objects.filter(batch__file_name__in=("list.csv", "tom.csv"))) == [kept.file]
    assert ImportBatch.objects.get(file_name="list.csv").state == ImportBatch.State.FAILED
    assert list(RejectedRow.objects.filter(line__gt=1, problem="stays").values_list("line", flat=True)) == [4]


def test_the_export_has_each_mention_and_the_files(quintessa: Contact) -> None:
    planted = plant(quintessa)
    batch = store_file(b"Mobile\n202-555-0142\n", "l.csv", ImportOptions(), how=ImportBatch.How.PAGE)
    data = json.loads("".join(write_person(quintessa.pk, timezone.now())))
    without_rows = {label for label, rows in data["mentions"].items() if not rows}
    assert planted & without_rows == set()
    assert [row["cells"] for row in data["mentions"]["contacts.RejectedRow"]] == [["Abernathy", "Quintessa"]]
    assert len(data["mentions"]["webhooks.WebhookEvent (of no call)"]) == 2
    assert batch.pk in data["files"]


def test_who_shares_the_number_keeps_what_mentions_it(quintessa: Contact) -> None:
    make_contact("Mia", number=NUMBER, notes="by 202 555 0142 only")
    erase_person(quintessa.pk, by=make_user("rosa"))
    assert Contact.objects.get(first_name="Mia").notes == "by 202 555 0142 only"


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ("Quintessa\nTom Abernathy", False),
        ("Abernathy,Quintessa,9:00", True),
        ('"ABERNATHY";"14.7.2026";"Quintessa"', True),
        ("+1 (202) 555-0142", True),
        ("001 202.555.0142", True),
        ("12025550142", True),
        ("92025550142", False),
        ("20255501420", False),
        ("id PMS-77x.", True),
        ("PMS-77XY", False),
        ("1234", True),
        ("Joquintessa Abernathyson is somebody else", True),
    ],
)
def test_a_list_names_somebody_by_number_or_id_or_both_names_in_a_line(text: str, is_named: bool) -> None:
    assert ListSearch(WORDS).is_in(text) == is_named


def test_a_workbook_and_other_letters_are_read(quintessa: Contact) -> None:
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", "<t>Abernathy</t>\n<t>Tom</t>\n<t>Quintessa</t>")
    named = [
        store_file(data, f"{place}.x", ImportOptions(), how=ImportBatch.How.PAGE).pk
        for place, data in enumerate((book.getvalue(), "Quintessa\tAbernathy".encode("utf-16")))
    ]
    for data in (b"PK\x03\x04 broken", b"\xff\xfe\x00", b"", b"Tom"):
        store_file(data, "other.x", ImportOptions(), how=ImportBatch.How.PAGE)
    assert find_files_naming(WORDS) == named


@pytest.mark.parametrize(
    ("name", "note", "is_found"),
    [
        (("Zoé", "Ångström"), "Spoke to ZOÉ  ÅNGSTRÖM.", True),
        (("Zoé", "Ångström"), "ångström; zoé", True),
        (("Zoé", "Ångström"), "Zoe Angstrom", False),
        (("伟明", "欧阳王"), "见 欧阳王, 伟明", True),
        (("伟明", "欧阳王"), "见 欧阳", False),
        (("Jo", "O'Brien-Ng"), "JO O'BRIEN-NG called", True),
        (("Jo", "O'Brien-Ng"), "O'Brien-Ng called", False),
        (("Quintessa", "Abernathy"), "call 202–555.0142", True),
        (("Quintessa", "Abernathy"), "20 visits on 25.5.5 at 01:42", False),
        (("Quintessa", "Abernathy"), "the id is pms-77X!", True),
    ],
)
def test_a_note_that_mentions_somebody_is_found_whatever_their_letters(
    name: tuple[str, str], note: str, is_found: bool
) -> None:
    words = PersonWords(frozenset({name}), WORDS.ids, WORDS.numbers)
    other = make_contact("Mia", number=None, notes=note)
    found = {label: rows for label, rows, _columns in list_mentions(words)}["contacts.Contact"]
    assert list(found) == ([other] if is_found else [])


def write_workbook(text: bytes) -> bytes:
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", text)
        archive.writestr("xl/other.xml", b"<t/>")
    return book.getvalue()


@pytest.mark.parametrize("named", ["Abernathy, Quintessa", "(202) 555-0142", "PMS-77x", "Zoé Ångström-Ød"])
def test_what_lies_across_two_pieces_of_a_workbook_is_found(
    named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_mentions, "PIECE", 3 * OVERLAP)
    words = PersonWords(WORDS.names | {("Zoé", "Ångström-Ød")}, WORDS.ids, WORDS.numbers)
    before = "é ".encode() * OVERLAP
    for place in range(26):
        data = before[3 * place :] + b" " * place + named.encode() + b" <t>"
        assert _is_named(ListSearch(words), ImportFile(content=write_workbook(data))), place
    assert not _is_named(ListSearch(words), ImportFile(content=write_workbook(before)))


def test_a_workbook_that_unpacks_to_more_than_a_list_counts_as_naming_everybody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kept_mentions, "MOST_UNPACKED", 1000)
    for size, is_named in ((900, False), (1000, True), (50_000_000, True)):
        file = ImportFile(content=write_workbook(b" " * size))
        assert _is_named(ListSearch(WORDS), file) is is_named, size


def test_a_list_with_the_name_in_very_many_places_counts_as_naming_them() -> None:
    assert not ListSearch(WORDS).is_in("abernathy\n" * (MOST_PLACES - 1))
    assert ListSearch(WORDS).is_in("abernathy\n" * (MOST_PLACES + 1))


ZOE = PersonWords(frozenset({("Zoé", "Abernathy")}))


@pytest.mark.parametrize(
    "data",
    [
        b'{"family": "Abernathy", "given": ["Zo\\u00e9"]}',
        '{\n "family": "Abernathy",\n "given": [\n  "Zoé"\n ]\n}'.encode(),
        b"<html>\n<td>Zo&eacute;</td>\n<td>Abernathy</td>",
        "BEGIN:VCALENDAR\r\nSUMMARY:Zo\r\n é Aber\r\n\tnathy".encode(),
        "Abernathy,Zoe\u0301\n".encode(),
        "Abernathy,Zoé".encode("utf-16-le"),
    ],
)
def test_a_name_is_found_however_the_form_of_the_file_writes_it(data: bytes) -> None:
    kept = store_file(data, "list.x", ImportOptions(), how=ImportBatch.How.PAGE)
    store_file(
        b'{"family": "Abernathy"}\n{"given": "Zo\\u00e9"}', "2", ImportOptions(), how=ImportBatch.How.PAGE
    )
    assert find_files_naming(ZOE) == [kept.pk]


def test_short_names_and_names_of_one_word_are_no_mentions() -> None:
    other = FollowUp.objects.create(
        kind="event_kept_back", reason="seems_nothing", due_at=timezone.now(), note="Al, by phone: 12 34"
    )
    al = make_contact("Al", number=None, last_name="", external_id="12 34", source="pms")
    erase_person(al.pk, by=make_user("rosa"))
    other.refresh_from_db()
    assert other.note == "Al, by phone: 12 34"
    assert make_number().e164


def test_names_that_lists_said_of_somebody_merged_with_the_person_are_found_too(quintessa: Contact) -> None:
    was = {"first_name": "Tess", "last_name": "Abernathy"}
    ContactMerge.objects.create(survivor=quintessa, merged_id=0, was=was, at=timezone.now())
    quintessa.file_values[memory_key("pms", "P9")] = {"first_name": "Tessa", "last_name": "Aber"}
    words = read_words(quintessa, ())
    assert words.names >= {("Tess", "Abernathy"), ("Tessa", "Aber"), ("Quintessa", "Abernathy")}
