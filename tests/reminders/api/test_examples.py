"""The examples of docs/api.md are sent in their order, and answered as the page says."""

import re
import shlex
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from contacts.models import ApiScope, Provider
from reminders.api.contacts import LOOKS_ALIKE
from reminders.api.problems import STATUS
from reminders.desk.booking_questions import BookingQuestion
from tests.people import make_location, make_step
from tests.reminders.api.client import ApiClient

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
VARIABLE = re.compile(r"\$([A-Z]+)")


class Example(NamedTuple):
    status: int
    command: str


def find_examples() -> Iterator[Example]:
    for block in re.findall(r"```\n(# answers.*?)```", PAGE, re.DOTALL):
        for part in block.split("# answers ")[1:]:
            status, _, command = part.partition("\n")
            yield Example(int(status), command.replace("\\\n", " ").strip())


def run_curl(api: ApiClient, command: str, known: dict[str, str]) -> Any:
    """Send what curl would send. Raises KeyError for a variable that the page has not told."""
    words = shlex.split(VARIABLE.sub(lambda name: known[name[1]].replace('"', '\\"'), command))
    assert words.pop(0) == "curl"
    method, body, headers, address = "GET", None, {}, ""
    while words:
        match words.pop(0):
            case "-X":
                method = words.pop(0)
            case "-d":
                body = words.pop(0).encode()
            case "-H":
                name, _, value = words.pop(0).partition(": ")
                headers[name] = value
            case word:
                address = word
    parts = urlsplit(address)
    return api.send(method, f"{parts.path}?{parts.query}", body, **headers)


def learn(answer: Any, known: dict[str, str]) -> None:
    """Note the ids and the ETag that later examples use."""
    shown = answer.json()
    if "first_name" in shown:
        known["CONTACT"] = str(shown["id"])
    if "starts_at" in shown:
        known["APPOINTMENT"] = str(shown["id"])
    known["ETAG"] = answer.headers.get("ETag", known.get("ETAG", ""))


@pytest.mark.django_db
def test_each_example_is_answered_as_the_page_says() -> None:
    make_location(time_zone="Etc/GMT+5", open_weekdays=list(range(7)))
    Provider.objects.create(name="Dr. S. Chen")
    step = make_step()
    api = ApiClient()
    known = {
        "CALLBOARD": "http://testserver/api/v1",
        "TOKEN": api.secret,
        "STEP": str(step.pk),
        "CAMPAIGN": str(step.campaign_id),
    }
    day = str((timezone.now() + timedelta(days=9)).date())
    examples = list(find_examples())
    assert len(examples) == PAGE.count("\ncurl ") > 10
    for status, command in examples:
        answer = run_curl(api, command.replace("2027-03-04", day), known)
        assert answer.status_code == status, (command, answer.content)
        learn(answer, known)


def read_codes(heading: str) -> dict[str, str]:
    """The first two cells of each row of the first table below a heading; several codes are separated."""
    table = PAGE.split(heading)[1].split("\n\n| ")[1].split("\n\n")[0]
    found: dict[str, str] = {}
    for row in table.splitlines()[2:]:
        codes, second = (cell.strip() for cell in row.strip("|").split("|")[:2])
        found |= dict(zip(codes.split(", "), second.split(", "), strict=False))
    return {code.strip("`"): second for code, second in found.items()}


def test_the_page_lists_every_scope_every_problem_and_every_question() -> None:
    assert set(read_codes("## A token")) == set(ApiScope.values)
    assert read_codes("### Errors") == {code: str(status) for code, status in STATUS.items()} | {
        "confirmation_needed": "409"
    }
    assert set(read_codes("**Confirming.**")) == {*BookingQuestion.values, LOOKS_ALIKE}
