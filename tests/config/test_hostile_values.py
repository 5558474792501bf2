"""No value in an address or a form makes a page fail, whoever wrote it.

Which parameters a page reads is found out by watching it read them, so a new page, or a new parameter of one,
is tried without being listed here. Every hostile value is tried in all of them at once, and one or two in
each alone, the others being as they should: a form looks at two fields together only when each is in order.
"""

import ast
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from contacts.models import ImportBatch, WatchedCalendar
from contacts.parameters import read_row_id, read_row_ids
from reminders.models import Campaign, FollowUp, Script
from reminders.rules.assumptions import BY_CODE
from tests.office import make_call
from tests.people import make_appointment, make_contact, make_due_reminder, make_location
from tests.sandbox_server import ROOT

pytestmark = pytest.mark.django_db

HOSTILE = ["²", "-1", "9" * 30, "9" * 5_000, "0001-01-01", "9999-12-31", "1\x00", "%_\\'\"😀" + "a" * 10_000]
DAYS = ("0001-01-01", "9999-12-31")
FEW = 6  # parameters; a page that reads more is slow, and its fields are alike
IN_LISTS = ("²", "-1", "9" * 30, "", "\x00", "9999", "0")
NOT_OURS = {"csrfmiddlewaretoken"}
NOT_PAGES = (
    "admin",
    "api/v1",
    "hooks",
    "healthz",
    "metrics",
    "readyz",
    "static",
)  # the admin's lists and the endpoint: below
ACCEPTED = {200, 204, 301, 302, 303, 304, 400, 403, 404, 405, 409, 422}
READS = ("__getitem__", "get", "getlist", "__contains__", "pop", "setdefault")


class Reading:
    """The names that a page looks up in the address and in the form."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for method in READS:
            monkeypatch.setattr(QueryDict, method, self._wrap(getattr(QueryDict, method)))

    def _wrap(self, read: Callable[..., Any]) -> Callable[..., Any]:
        def reading(asked: QueryDict, name: Any, *others: Any) -> Any:
            if isinstance(name, str):
                self.names.add(name)
            return read(asked, name, *others)

        return reading


@pytest.fixture
def clinic(db: None) -> dict[str, object]:
    """A row of each kind that pages are about, and values that forms accept."""
    location = make_location()
    reminder = make_due_reminder(make_contact(), location=location)
    call = make_call(reminder)
    visit = make_appointment(location=location, starts_at=timezone.now() + timedelta(days=2))
    tomorrow = (timezone.now() + timedelta(days=1)).date()
    return {
        "contact": visit.contact_id,
        "location": location.pk,
        "provider": visit.provider_id,
        "day": tomorrow.isoformat(),
        "at": "9:30",
        "minutes": "30",
        "step": reminder.step_id,
        "number": visit.contact.phone_id,
        "call": call.pk,
        "reminder": reminder.pk,
        "appointment": visit.pk,
        "batch": ImportBatch.objects.create(
            file_name="list.csv", source="a", applied_at=timezone.now(), state="done"
        ).pk,
        "calendar": WatchedCalendar.objects.create(
            name="Rooms", address="https://calendar.example/secret.ics", source="rooms"
        ).pk,
        "follow_up": FollowUp.objects.create(
            kind="missed", contact=visit.contact, appointment=visit, due_at=timezone.now()
        ).pk,
    }


def list_patterns(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from list_patterns(pattern, route)
        elif not route.lstrip("^").startswith(NOT_PAGES):
            yield route, pattern


PAGES = {str(pattern.name): pattern for _, pattern in list_patterns()}


def find_argument(route: str, name: str, clinic: dict[str, object]) -> object:
    if name == "language":
        return "en"
    if name == "kind":
        return "attendance"
    if name == "code":
        return next(iter(BY_CODE))
    rows: list[tuple[str, Any]] = [
        ("contacts/", clinic["contact"]),
        ("imports/calendars/", clinic["calendar"]),
        ("imports/", clinic["batch"]),
        ("appointments/", clinic["appointment"]),
        ("locations/", clinic["location"]),
        ("reminders/", clinic["reminder"]),
        ("calls/", clinic["call"]),
        ("worklist/", clinic["follow_up"]),
        ("texts/", clinic["number"]),
        ("people/", User.objects.values_list("pk", flat=True).last()),
        ("campaigns/", Campaign.objects.values_list("pk", flat=True).first()),
        ("scripts/", Script.objects.values_list("pk", flat=True).first()),
    ]
    return next((pk for start, pk in rows if route.startswith(start) and name == "pk"), 1)


def ask(office: Client, method: str, address: str, values: dict[str, object]) -> HttpResponse:
    """The answer; what the page changed is taken back."""
    with transaction.atomic():
        answer: HttpResponse = getattr(office, method)(
            address, {name: str(one) for name, one in values.items()}
        )
        transaction.set_rollback(True)
    return answer


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", sorted(PAGES))
def test_no_value_makes_a_page_fail(
    office: Client, clinic: dict[str, object], monkeypatch: pytest.MonkeyPatch, name: str, method: str
) -> None:
    pattern = PAGES[name]
    route = next(route for route, found in list_patterns() if found is pattern)
    arguments = {one: find_argument(route, one, clinic) for one in pattern.pattern.converters}
    address = reverse(name, kwargs=arguments)
    reading = Reading()
    reading.watch(monkeypatch)
    if ask(office, method, address, {}).status_code == 405:
        return
    ask(office, method, address, clinic)
    tried: set[str] = set()
    while untried := sorted(reading.names - tried - NOT_OURS):
        trials = [dict.fromkeys(untried, value) for value in HOSTILE]
        for place, parameter in enumerate(untried):
            alone = [HOSTILE[place % len(HOSTILE)], DAYS[place % len(DAYS)]]
            trials += [{parameter: value} for value in (alone if len(untried) <= FEW else [alone[place % 2]])]
        for trial in trials:
            answer = ask(office, method, address, {**clinic, **trial})
            assert answer.status_code in ACCEPTED, trial
        tried |= set(untried)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("pk", ["0", "9" * 18, "9" * 19, "9" * 40])
def test_no_number_in_a_path_makes_a_page_fail(office: Client, clinic: object, pk: str, method: str) -> None:
    for name, pattern in PAGES.items():
        if "pk" in pattern.pattern.converters:
            others = {one: "en" for one in pattern.pattern.converters if one == "language"}
            others |= {one: pk for one in pattern.pattern.converters if one in ("pk", "number", "other")}
            answer = ask(office, method, reverse(name, kwargs=others), {})
            assert answer.status_code in ACCEPTED, name


@pytest.mark.parametrize("model", sorted(admin.site._registry, key=str))
def test_no_value_makes_a_list_of_the_admin_fail(office: Client, clinic: object, model: type[Any]) -> None:
    listed = admin.site._registry[model]
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    names = ["p", "o", "q", "all", "id__exact", "pk__in"]
    filters: list[Any] = list(listed.list_filter)
    names += [one.parameter_name for one in filters if hasattr(one, "parameter_name")]
    names += [
        f"{listed.date_hierarchy}__{part}" for part in ("year", "month", "day") if listed.date_hierarchy
    ]
    together = [dict.fromkeys(names, value) for value in IN_LISTS]
    alone = [{name: IN_LISTS[place % len(IN_LISTS)]} for place, name in enumerate(names, len(address))]
    for asked in [*together, *alone]:
        answer = office.get(address, asked)
        assert answer.status_code in ACCEPTED, asked
    for pk in ("²", "9" * 30, "0", "x%00"):
        assert office.get(f"{address}{pk}/change/").status_code in ACCEPTED, pk


def find_names_read() -> set[str]:
    """The names that views look up themselves, as their source has them."""
    names = set()
    for file in [*ROOT.glob("*/views/*.py"), *ROOT.glob("config/sign_in/*.py")]:
        for node in ast.walk(ast.parse(Path(file).read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Attribute(attr="GET" | "POST"), attr="get" | "getlist"),
                    args=[ast.Constant(value=str(name)), *_],
                ):
                    names.add(name)
    return names


def test_the_values_cover_what_views_read(
    office: Client, clinic: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Watching sees what the source says; else the test above would try nothing and pass."""
    reading = Reading()
    reading.watch(monkeypatch)
    for name, pattern in PAGES.items():
        if name == "logout":  # the client would not be let in again
            continue
        route = next(route for route, found in list_patterns() if found is pattern)
        arguments = {one: find_argument(route, one, clinic) for one in pattern.pattern.converters}  # type: ignore[arg-type]
        for method in ("get", "post"):
            ask(office, method, reverse(name, kwargs=arguments), clinic)  # type: ignore[arg-type]
    unseen = find_names_read() - reading.names
    assert unseen <= GATED, "read by a view, but by none of these requests"


# `who` and `password`: on the lock, of a desk that is locked (test_shared_desks.py).
# Behind a button's `deed` or a pair of contacts, and only compared, as text, with what the page showed
# (`cancel` is read by read_row_id, `confirm` holds codes, `visit` keys of lines); `now` only behind a
# `status`, `then` only where a contact was added.
GATED = {
    "over",
    "paused_at",
    "shown",
    "now",
    "token",
    "cancel",
    "then",
    "content",
    "confirm",
    "visit",
    "who",
    "password",
}

IDS = [("1", 1), ("007", 7), ("²", None), ("٣", None), ("-1", None), ("", None), ("1.0", None), (" 1", None)]


@pytest.mark.parametrize(
    ("text", "pk"), [*IDS, ("9" * 18, 10**18 - 1), ("9" * 19, None), (5, 5), (None, None)]
)
def test_an_id_is_digits_that_fit(text: object, pk: int | None) -> None:
    assert read_row_id(text) == pk


def test_a_list_of_ids_passes_over_what_is_none() -> None:
    assert read_row_ids("1, 2,²,,x,-3,4") == [1, 2, 4]
