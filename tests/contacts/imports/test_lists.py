"""Every list of tests/data/lists with what is right for it, by the page and by the command.

Most of them went wrong once, here or in other systems; the others are what LibreOffice, Google, Microsoft and
HL7 write. (product rules 42, 43, 44, 46, 47, 48, 49, 50, 51, 52 and 54)
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape
from io import StringIO

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from contacts.models import Appointment, Contact, ImportBatch, ImportChange, ImportProblem
from tests.contacts.imports.example_lists import make_downtown, run_waiting_imports
from tests.contacts.imports.reading_of_lists import LISTS, MARCH_2027
from tests.people import make_user

pytestmark = pytest.mark.django_db
Answers = dict[str, str]


@dataclass
class Case:
    """Lists that are imported one after the other, and what is right after the last of them.

    `asked`: keys of the questions that the last list leaves open; `answers`: what staff say. `booked`: each
    appointment: who, local start, last digits of the number, status. `people`: each contact with its patient
    id, where that matters; else they are as many as the names in `booked`. `rejected`, `noted`: what the
    report says, a part of each sentence; `changed`: what changed of what was there; `visits`: length and
    provider of each appointment. `refused`: a part of the sentence by which the whole file is refused.
    """

    lists: str
    booked: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    answers: Answers = field(default_factory=dict)
    rejected: list[str] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    visits: list[str] = field(default_factory=list)
    refused: str = ""


RUTH_BOOKED, KOFI_BOOKED = "Ruth Stone 2027-03-04 09:00 0111 booked", "Kofi Wood 2027-03-04 09:30 0112 booked"
WORKBOOK = ["Íñigo Núñez 2027-03-04 14:30 0111 booked", "Kofi Wood 2027-03-05 09:00 0112 cancelled"]
CASES = [
    Case("a1_new_pid.csv", [
        RUTH_BOOKED, "Kofi Wood 2027-03-05 10:00 0112 booked",
        "Mei Hill 2027-03-06 11:00 0113 booked",
    ], noted=["This isn't an id"] * 3, people=["Ruth Stone", "Kofi Wood", "Mei Hill"]),
    Case("a3_sci_pid.csv", [
        RUTH_BOOKED, "Kofi Wood 2027-03-05 10:00 0112 booked",
    ], noted=["This isn't an id"] * 2, people=["Ruth Stone", "Kofi Wood"]),
    Case("a3_sci_pid.csv a6_zero_pid_next.csv", [
        RUTH_BOOKED, "Kofi Wood 2027-03-05 10:00 0112 booked",
        "Omar Lake 2027-03-08 09:00 0117 booked",
    ], noted=["This isn't an id"], people=["Ruth Stone", "Kofi Wood", "Omar Lake"]),
    Case("a4_family_account.csv", [
        RUTH_BOOKED, "Kofi Stone 2027-03-04 10:00 0111 booked",
        "Mei Stone 2027-03-06 11:00 0113 booked",
    ]),
    Case("b1_start_ampm.csv", [
        "Ruth Stone 2027-03-04 14:30 0111 booked", "Kofi Wood 2027-03-04 13:15 0112 booked",
        "Mei Hill 2027-03-14 12:30 0113 booked",
    ], ["afternoon"], {"afternoon": "day"}, noted=["is read as 1:15 pm", "is read as 12:30 pm"]),
    Case("b2_weekday_dayfirst.csv", [
        "Ruth Stone 2027-03-20 09:00 0111 booked", "Kofi Wood 2027-03-04 10:00 0112 booked",
    ]),
    Case("b4_weekday_contradicts.csv", [RUTH_BOOKED],
         rejected=["March 4, 2027 is a Thursday, but the row says Monday"]),
    Case("b5_12h_no_ampm.csv", [
        RUTH_BOOKED, "Kofi Wood 2027-03-04 11:30 0112 booked",
        "Mei Hill 2027-03-04 13:15 0113 booked", "Omar Lake 2027-03-04 16:45 0114 booked",
    ], ["afternoon"], {"afternoon": "day"}),
    Case("b6_symbol_status.csv", [], rejected=["This status is unknown"] * 3),
    Case("b6_symbol_status.csv", [RUTH_BOOKED],
         answers={"status:%": "booked"}, rejected=["This status is unknown"] * 2),
    Case("c1_canceled_bool.csv", [
        "Ruth Stone 2027-03-04 10:00 0111 cancelled", "Kofi Wood 2027-03-04 11:00 0112 booked",
    ]),
    Case("c4_two_status.csv", [
        "Ruth Stone 2027-03-04 09:00 0111 cancelled", KOFI_BOOKED,
    ], ["column:status"], {"column:status": "Appt Status"}),
    Case("c6_two_dates.csv", [RUTH_BOOKED],
         ["column:date", "column:time"],
         {"column:date": "Appointment Date", "column:time": "Appointment Time"}),
    Case("c9_acuity.csv", [RUTH_BOOKED], ["location"], {"location": "Elm"}),
    Case("c9b_acuity_fixed.csv", [RUTH_BOOKED]),
    Case("c11_no_location.csv", [RUTH_BOOKED], ["location"], {"location": "Elm"}),
    Case("d1_raw_newline.csv", [KOFI_BOOKED], rejected=[
        "The row has 8 cells, but the header has 9.", "The row has 2 cells, but the header has 9.",
    ]),
    Case("d2_truncated.csv", [RUTH_BOOKED],
         rejected=["The row has 8 cells, but the header has 9."]),
    Case("f9_placeholder_phone.csv", [
        RUTH_BOOKED, KOFI_BOOKED,
        "Mei Hill 2027-03-04 09:45 none booked",
    ], noted=["The other number in the row is used"] * 2 + ["there is no number to call"]),
    Case("g5_oracle_dates.csv", [RUTH_BOOKED]),
    Case("g6_access.csv", ["Ruth Stone 2027-03-04 14:30 0111 booked"]),
    Case("g7_work_phone.csv", [RUTH_BOOKED]),
    Case("h2_patient_hash.csv", [RUTH_BOOKED], people=["Ruth Stone P2000"]),
    Case("h3_calendly.csv", [
        "Ruth Stone 2027-03-04 10:00 0111 cancelled", "Kofi Wood 2027-03-04 11:00 0112 booked",
    ]),
    Case("h4_cancelled01.csv", [
        "Ruth Stone 2027-03-04 09:00 0111 cancelled", KOFI_BOOKED,
    ]),
    Case("i1_suffix_title.csv", [
        "Ruth Stone Jr. 2027-03-04 09:00 0111 booked", KOFI_BOOKED,
    ]),
    Case("a4_family_account.csv a4_family_account.csv", [
        RUTH_BOOKED, "Kofi Stone 2027-03-04 10:00 0111 booked",
        "Mei Stone 2027-03-06 11:00 0113 booked",
    ], people=["Ruth Stone", "Kofi Stone", "Mei Stone"]),
    Case("c12_preamble.csv", [RUTH_BOOKED], noted=["above the header", "above the header", "a total"]),
    Case("c13_footer.csv", [RUTH_BOOKED, KOFI_BOOKED], noted=["a total"]),
    Case("d5_space_quote.csv", [RUTH_BOOKED]),
    Case("d6_semicolon_comma_names.csv", [RUTH_BOOKED, KOFI_BOOKED]),
    Case("d6b_semicolon_comma_names.csv", [RUTH_BOOKED, KOFI_BOOKED]),
    Case("d7_header_newline.csv", [  # names as the file writes them, without a comma
        "Stone Ruth 2027-03-04 09:00 0111 booked", "Wood Kofi 2027-03-04 09:30 0112 booked",
    ]),
    Case("e1_html.xls", refused="no column for: date, location"),
    Case("e3_fhir.json", ["Ruth Stone 2027-03-04 14:30 none booked"], ["location"], {"location": "Elm"},
         noted=["The row has no phone number"], people=["Ruth Stone 1"]),
    Case("e4_bom.ics", ["Ruth Stone 2027-03-04 09:30 0111 booked"], ["location"], {"location": "Elm"}),
    Case("e14_mojibake.csv", ["Renée Stöne 2027-03-04 09:00 0111 booked", KOFI_BOOKED],
         noted=["The letters of 2 cells were repaired"]),
    Case("e16_cp437.csv", ["José Peña 2027-03-04 09:00 0111 booked"]),
    Case("f2_before.csv f2_ids_excel.csv", [
        "Ruth Stone 2027-03-04 10:00 0111 booked", "Kofi Wood 2027-03-05 09:00 0112 cancelled",
    ], noted=["123: 000123", "45: 00045", "124: 000124", "46: 00046"],
       changed=[
           "moved Thu, Mar 4, 2027, 9:00 am, Ruth Stone", "cancelled Fri, Mar 5, 2027, 9:00 am, Kofi Wood",
       ],
       people=["Ruth Stone 00045", "Kofi Wood 00046"]),
    Case("f4_a.csv", ["Aisha Okafor 2027-03-04 09:00 0111 booked"]),
    Case("f4_a.csv f4_b_married_cancelled.csv", ["Aisha Okafor-Brown 2027-03-04 09:00 0111 cancelled"],
         changed=["cancelled Thu, Mar 4, 2027, 9:00 am, Aisha Okafor", "renamed Aisha Okafor"]),
    Case("f5_a.csv f5_b_merged_moved.csv", [
        "Ruth Stone 2027-03-04 14:00 0112 booked", "Ruth Stone 2027-03-11 09:00 0112 cancelled",
    ], changed=[
        "moved Thu, Mar 4, 2027, 9:00 am", "merged Ruth Stone", "cancelled Thu, Mar 11, 2027, 9:00 am",
    ],
       people=["Ruth Stone P1", "Ruth Stone P2"]),
    Case("f5_a.csv f5_b_merged_moved.csv f5_c_merged_cancelled.csv", [
        "Ruth Stone 2027-03-04 14:00 0112 cancelled", "Ruth Stone 2027-03-11 09:00 0112 cancelled",
    ], changed=["cancelled Thu, Mar 4, 2027, 2:00 pm, Ruth Stone"],
       people=["Ruth Stone P1", "Ruth Stone P2"]),
    Case("f5_a.csv f5_c_merged_cancelled.csv", [
        "Ruth Stone 2027-03-04 09:00 0111 cancelled", "Ruth Stone 2027-03-11 09:00 0112 booked",
    ], changed=["cancelled Thu, Mar 4, 2027, 9:00 am, Ruth Stone"],
       people=["Ruth Stone P1", "Ruth Stone P2"]),
    Case("f8_lines.csv", [RUTH_BOOKED, "Kofi Wood 2027-03-04 09:00 0112 booked"],
         noted=["line 2 with another provider. The first provider is kept", "line 4, which is kept"],
         visits=["60 Dr. Chen", "30 Dr. Chen"]),
    Case("g3_two_places.csv g4_oak_gone.csv", [
        "Kofi Wood 2027-03-04 09:00 0112 booked", "Mei Hill 2027-03-04 16:00 0113 booked",
    ], noted=[
        "A3: Thu, Mar 4, 2027, 4:00 pm, Mei Hill, Oak: This appointment is booked here but isn't in the file",
    ]),
    Case("g8_owasp.csv", [RUTH_BOOKED, "=Kofi -Wood 2027-03-04 09:30 0112 booked"]),
    Case("h6_a_cancelled.csv h6_b_empty_status.csv", ["Ruth Stone 2027-03-04 08:00 0111 cancelled"],
         noted=["the file gives no status, so it stays cancelled"]),
    Case("i2_cp1252_nunez.csv", ["Íñigo Núñez 2027-03-04 09:00 0111 booked", KOFI_BOOKED]),
    Case("j1_utf8.csv j2_utf8_one_bad_byte.csv", [
        "Zoë Müller 2027-03-04 09:00 0111 booked", "José Núñez 2027-03-04 09:30 0112 booked",
        "Kofi Wood 2027-03-04 09:45 0113 booked",
    ], noted=["Kofi: Letters of this cell were lost"],
       people=["Zoë Müller P1", "José Núñez P2", "Kofi Wood P3"]),
    *[Case(f"libreoffice.{kind}", WORKBOOK, noted=["above the header", "a total"])
      for kind in ("csv", "html", "ods", "xls", "xlsx")],
    Case("binary.xlsb", WORKBOOK),
    Case("errors.xls", [
        "Kofi Wood 2027-03-04 09:30 0113 booked", "Alma Reyes 2027-03-04 09:30 0114 booked",
        "Noah Brown 2027-03-04 09:30 0115 booked",
    ], rejected=["This status is unknown"] * 2),
    Case("two_sheets.xlsx", ["Ruth Stone 2027-03-02 09:00 0111 booked"], ["sheet"], {"sheet": "Tuesday"}),
    Case("empty.xlsx", refused="no sheet with cells"),
    Case("encrypted.xlsx", refused="protected by a password"),
    Case("far_cell.xlsx", refused="far too large once it is unpacked"),
    Case("google.ics", [
        "Ruth Stone 2027-03-04 09:30 0111 booked", "Kofi Wood 2027-03-08 09:30 0112 booked",
        "Kofi Wood 2027-03-16 11:00 0112 booked", "Kofi Wood 2027-03-22 09:30 0112 cancelled",
    ], noted=["1 event is outside the time", "Vacation: It lasts all day"]),
    Case("outlook.ics", [
        "Mei Hill 2027-03-04 09:30 0113 booked", "Omar Lake 2027-03-04 11:30 0117 booked",
        "Ruth Stone 2027-03-05 09:00 0111 cancelled",
    ], noted=["A later version of it is in the file"]),
    Case("bundle.json", [
        "Peter James Chalmers 2027-03-04 09:00 0111 booked", "Mei Hill 2027-03-05 09:15 0113 cancelled",
    ], noted=["examplereq: It has no start"], people=["Peter James Chalmers example", "Mei Hill"]),
]  # fmt: skip
Door = Callable[[str, Answers], str]


def import_by_command(name: str, answers: Answers) -> str:
    """Import by the command; return what it prints, the reason of a refusal last."""
    out = StringIO()
    options = [f"--answer={key}={value}" for key, value in answers.items()]
    try:
        call_command("import_appointments", str(LISTS / name), *options, stdout=out)
    except CommandError as refused:
        return f"{out.getvalue()}\n{refused}"
    return out.getvalue()


def import_by_page(client: Client, name: str, answers: Answers) -> str:
    """Upload, answer and confirm, and let a worker import it; return the preview and the page after it."""
    file = SimpleUploadedFile(name, (LISTS / name).read_bytes())
    preview = client.post(reverse("upload_import"), {"file": file, "source": "csv"}, follow=True)
    posted = {"question": list(answers)} | {
        f"answer-{at}": value for at, value in enumerate(answers.values())
    }
    for button in ("check", "apply"):
        applied = client.post(preview.redirect_chain[-1][0], posted | {button: ""}, follow=True)
    run_waiting_imports()
    return unescape(preview.content.decode() + applied.content.decode())


@pytest.fixture(params=["command", "page"])
def door(request: pytest.FixtureRequest, client: Client) -> Iterator[Door]:
    """Imports a list with answers to its questions, in March 2027, and returns what it says then."""
    with time_machine.travel(MARCH_2027, tick=False):
        if request.param == "command":
            yield import_by_command
        else:
            client.force_login(make_user())
            yield lambda name, answers: import_by_page(client, name, answers)


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join([case.lists, *case.answers]))
def test_each_list_gives_what_is_right_for_it(case: Case, door: Door) -> None:
    for name in ("Elm", "Oak"):
        make_downtown(name=name)
    *earlier, last = case.lists.split()
    for name in earlier:
        door(name, {})
    if case.asked:
        said = door(last, {})
        assert all(question in said for question in case.asked), said
        assert count_done() == len(earlier)
    said = door(last, case.answers)
    assert case.refused in said
    assert count_done() == len(earlier) + (not case.refused)
    assert list_booked() == case.booked
    names = [" ".join(each.split()[:-4]) for each in case.booked]
    assert list_people(with_ids=bool(case.people)) == (case.people or list(dict.fromkeys(names)))
    assert list_visits() == case.visits or not case.visits
    for texts, parts in zip(read_report(), (case.rejected, case.noted, case.changed), strict=True):
        assert len(texts) == len(parts), texts
        assert all(part in text for part, text in zip(parts, texts, strict=True)), texts


def test_no_list_is_forgotten() -> None:
    named = {name for case in CASES for name in case.lists.split()}
    assert named == {path.name for path in LISTS.iterdir()}


def count_done() -> int:
    return ImportBatch.objects.filter(state=ImportBatch.State.DONE).count()


def list_booked() -> list[str]:
    """Who has an appointment, when by the local clock, the end of the number, and its status."""
    found = Appointment.objects.select_related("contact__phone").order_by("pk")
    return [
        f"{each.contact.full_name} {each.local_start:%Y-%m-%d %H:%M} "
        f"{each.contact.phone.e164[-4:] if each.contact.phone else 'none'} {each.status}"
        for each in found
    ]


def list_people(*, with_ids: bool) -> list[str]:
    """Every contact by name, and by the id of the practice system."""
    people = Contact.objects.order_by("pk")
    return [f"{each.full_name} {each.external_id * with_ids}".strip() for each in people]


def list_visits() -> list[str]:
    """Minutes and provider of each appointment."""
    found = Appointment.objects.select_related("provider").order_by("pk")
    return [f"{(each.ends_at - each.starts_at).seconds // 60} {each.provider or ''}" for each in found]


def read_report() -> tuple[list[str], list[str], list[str]]:
    """What the last import rejected, noted, and changed of what was there, in the order of the lines."""
    latest = ImportBatch.objects.order_by("pk").last()
    problems = ImportProblem.objects.filter(batch=latest).order_by("line", "pk")
    rejected, noted = (
        [f"{each.value}: {each.problem}" for each in problems if each.weight == weight]
        for weight in ("rejected", "note")
    )
    changes = ImportChange.objects.filter(batch=latest).exclude(what="contact_added")
    return rejected, noted, [f"{each.what} {each.about}" for each in changes]
