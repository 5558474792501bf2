"""Lists that went wrong once, each with what is right for it, by page and by command.

The files are in tests/data/lists; a test of what columns and cells mean.
(product rules 43, 44, 46, 47, 48, 49 and 50)
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from contacts.models import Appointment, ImportBatch
from tests.contacts.imports.example_lists import make_downtown, run_waiting_imports
from tests.people import make_user

LISTS = Path(__file__).parents[2] / "data" / "lists"
pytestmark = pytest.mark.django_db


@dataclass
class Case:
    """A list and what is right for it.

    `asked`: the keys of the questions that are open; `answers`: what staff say; `booked`: for each
    appointment, in the order of the file: who, local start, number and status; `problems`: parts of reasons.
    """

    file: str
    booked: list[str]
    asked: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


RUTH, KOFI, MEI, OMAR = "0111", "0112", "0113", "0114"
CASES = [
    Case("a4_family_account", [
        "Ruth Stone 2027-03-04 09:00 0111 booked", "Kofi Stone 2027-03-04 10:00 0111 booked",
        "Mei Stone 2027-03-06 11:00 0113 booked",
    ]),
    Case("b1_start_ampm", [
        "Ruth Stone 2027-03-04 14:30 0111 booked", "Kofi Wood 2027-03-04 13:15 0112 booked",
        "Mei Hill 2027-03-14 12:30 0113 booked",
    ], ["afternoon"], {"afternoon": "day"}),
    Case("b2_weekday_dayfirst", [
        "Ruth Stone 2027-03-20 09:00 0111 booked", "Kofi Wood 2027-03-04 10:00 0112 booked",
    ]),
    Case("b4_weekday_contradicts", ["Ruth Stone 2027-03-04 09:00 0111 booked"],
         problems=["04 March 2027 is a Thursday, but the row says Monday"]),
    Case("b5_12h_no_ampm", [
        "Ruth Stone 2027-03-04 09:00 0111 booked", "Kofi Wood 2027-03-04 11:30 0112 booked",
        "Mei Hill 2027-03-04 13:15 0113 booked", "Omar Lake 2027-03-04 16:45 0114 booked",
    ], ["afternoon"], {"afternoon": "day"}),
    Case("b6_symbol_status", [], problems=["This status is unknown"] * 3),
    Case("b6_symbol_status", ["Ruth Stone 2027-03-04 09:00 0111 booked"],
         answers={"status:%": "booked"}, problems=["This status is unknown"] * 2),
    Case("c1_canceled_bool", [
        "Ruth Stone 2027-03-04 10:00 0111 cancelled", "Kofi Wood 2027-03-04 11:00 0112 booked",
    ]),
    Case("c4_two_status", [
        "Ruth Stone 2027-03-04 09:00 0111 cancelled", "Kofi Wood 2027-03-04 09:30 0112 booked",
    ], ["column:status"], {"column:status": "Appt Status"}),
    Case("c6_two_dates", ["Ruth Stone 2027-03-04 09:00 0111 booked"],
         ["column:date", "column:time"],
         {"column:date": "Appointment Date", "column:time": "Appointment Time"}),
    Case("c9_acuity", ["Ruth Stone 2027-03-04 09:00 0111 booked"], ["location"], {"location": "Elm"}),
    Case("c9b_acuity_fixed", ["Ruth Stone 2027-03-04 09:00 0111 booked"]),
    Case("c11_no_location", ["Ruth Stone 2027-03-04 09:00 0111 booked"], ["location"], {"location": "Elm"}),
    Case("d1_raw_newline", ["Kofi Wood 2027-03-04 09:30 0112 booked"], problems=[
        "The row has 8 cells, but the header has 9.", "The row has 2 cells, but the header has 9.",
    ]),
    Case("d2_truncated", ["Ruth Stone 2027-03-04 09:00 0111 booked"],
         problems=["The row has 8 cells, but the header has 9."]),
    Case("f9_placeholder_phone", [
        "Ruth Stone 2027-03-04 09:00 0111 booked", "Kofi Wood 2027-03-04 09:30 0112 booked",
        "Mei Hill 2027-03-04 09:45 none booked",
    ]),
    Case("g5_oracle_dates", ["Ruth Stone 2027-03-04 09:00 0111 booked"]),
    Case("g6_access", ["Ruth Stone 2027-03-04 14:30 0111 booked"]),
    Case("g7_work_phone", ["Ruth Stone 2027-03-04 09:00 0111 booked"]),
    Case("h2_patient_hash", ["Ruth Stone 2027-03-04 09:00 0111 booked"]),
    Case("h3_calendly", [
        "Ruth Stone 2027-03-04 10:00 0111 cancelled", "Kofi Wood 2027-03-04 11:00 0112 booked",
    ]),
    Case("h4_cancelled01", [
        "Ruth Stone 2027-03-04 09:00 0111 cancelled", "Kofi Wood 2027-03-04 09:30 0112 booked",
    ]),
    Case("i1_suffix_title", [
        "Ruth Stone Jr. 2027-03-04 09:00 0111 booked", "Kofi Wood 2027-03-04 09:30 0112 booked",
    ]),
]  # fmt: skip
Door = Callable[[Case, dict[str, str]], str]


def import_by_command(case: Case, answers: dict[str, str]) -> str:
    """Import by the command; return what it prints, the reason of a refusal last."""
    out = StringIO()
    options = [f"--answer={key}={value}" for key, value in answers.items()]
    try:
        call_command("import_appointments", str(LISTS / f"{case.file}.csv"), *options, stdout=out)
    except CommandError as refused:
        return f"{out.getvalue()}\n{refused}"
    return out.getvalue()


@pytest.fixture(params=["command", "page"])
def door(request: pytest.FixtureRequest, client: Client) -> Door:
    if request.param == "command":
        return import_by_command
    client.force_login(make_user())

    def import_by_page(case: Case, answers: dict[str, str]) -> str:
        """Upload, answer and apply; return the page that follows."""
        data = (LISTS / f"{case.file}.csv").read_bytes()
        address = reverse("upload_import")
        sent = client.post(address, {"file": SimpleUploadedFile(f"{case.file}.csv", data), "source": "csv"})
        posted = {"apply": "", "question": list(answers)}
        chosen = {f"answer-{at}": value for at, value in enumerate(answers.values())}
        applied = client.post(sent["Location"], posted | chosen)
        run_waiting_imports()
        return client.get(applied["Location"], follow=True).content.decode() + (
            client.get(sent["Location"], follow=True).content.decode()
        )

    return import_by_page


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file} {','.join(case.answers)}")
def test_each_list_gives_what_is_right_for_it(case: Case, door: Door) -> None:
    make_downtown(name="Elm")
    if case.asked:
        said = door(case, {})
        assert all(question in said for question in case.asked), said
        assert not ImportBatch.objects.exclude(state="asking").exists()
    door(case, case.answers)
    assert list_booked() == case.booked
    kept = [each.problem for each in ImportBatch.objects.get(state="done").problems.filter(weight="rejected")]
    assert len(kept) == len(case.problems)
    assert all(part in problem for part, problem in zip(case.problems, kept, strict=True)), kept


def list_booked() -> list[str]:
    """Who has an appointment, when by the local clock, the end of the number, and its status."""
    found = Appointment.objects.select_related("contact__phone").order_by("pk")
    return [
        f"{each.contact.full_name} {each.local_start:%Y-%m-%d %H:%M} "
        f"{each.contact.phone.e164[-4:] if each.contact.phone else 'none'} {each.status}"
        for each in found
    ]
