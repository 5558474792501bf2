"""Measure pages with 1,000,000 reminders and 200,000 contacts, and 100 pages of Today that ask for changes.

Lists stand beside Django's own Paginator and its own admin list of the same table, in turns.
"""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from threading import Thread
from typing import Any

import requests
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.templatetags.admin_urls import admin_urlname
from django.contrib.auth.models import User
from django.contrib.messages.storage import default_storage
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from config.frame_room import call_with_room
from config.garbage import collect_less
from contacts.admin.history import ClinicAdmin
from contacts.admin.searching import WHOLE
from contacts.contact_search import MOST_FOUND
from contacts.models import Appointment, Contact, Location, PhoneNumber
from contacts.roles import FRONT_DESK
from contacts.searches import remember_search
from reminders.models import CallRecord, Reminder
from reminders.pages.day_reading import find_visits
from tests.bench.load import LoadResult, get, send_load
from tests.bench.many_rows import make_many_rows
from tests.bench.measure import Line, Stopwatch, stopwatch, take_turns
from tests.bench.page_settings import STORAGES
from tests.bench.servers import run_web
from tests.people import make_user

SEARCHES = 9
ROUNDS = 21  # so that p95 is not the slowest of all, which counts the rows of a list
PER_PAGE = 50
OPEN_PAGES = 100
ASKS_EVERY = 2.0  # seconds; templates/reminders/today/day.html
SECONDS = 20
GRACE = 10.0  # seconds for what is still unanswered at the end
TODAY = "Today, 360 visits"
TODAY_CHANGED = f"{TODAY}, each time after a change"  # else the day is kept while no row of it changes
AIM = "aim: 100 and 250 ms"
WEB = {"Host": "callboard.example.org", "X-Forwarded-Proto": "https"}


def bench_pages(appointments: int) -> Iterator[Line]:
    """With ten reminders and two contacts for each of `appointments`."""
    make_many_rows(contacts=2 * appointments, reminders=10 * appointments)
    collect_less()  # as in the web process
    count = Reminder.objects.count()
    yield Line("rows", f"{count:,} reminders, {Contact.objects.count():,} contacts")
    desk, office = make_user("mia", role=FRONT_DESK), User.objects.create_superuser("ann")
    plain = {"ALLOWED_HOSTS": ["testserver"], "STORAGES": STORAGES, "WHITENOISE_AUTOREFRESH": True}
    with override_settings(**plain):
        yield from _bench_each_page(desk, office)
        yield from _bench_lists(office)
        yield from _bench_searches(office)
    yield from _bench_open_pages(desk)


def _bench_each_page(desk: User, office: User) -> Iterator[Line]:
    visit = Appointment.objects.filter(reminders__isnull=False).order_by("pk")[:1].get()
    of_today = find_visits(list(Location.objects.all()), None, timezone.now())[0]
    last = Contact.objects.count() // 100
    pages = {
        TODAY: (desk, "/"),
        TODAY_CHANGED: (desk, "/"),
        "calendar, a day": (desk, "/calendar/"),
        "a visit": (desk, f"/appointments/{visit.pk}/"),
        "a contact": (desk, f"/contacts/{visit.contact_id}/"),
        "booking for a patient": (desk, f"/appointments/book/?contact={visit.contact_id}"),
        "worklist": (desk, "/worklist/"),
        "texts": (desk, "/texts/"),
        "contacts": (desk, "/contacts/"),
        "contacts, the last page": (desk, f"/contacts/?page={last}"),
        "audit trail": (office, "/audit/"),
        "reports": (office, "/reports/days/"),
        "admin, first page": (office, "/admin/"),
    }
    for name, (user, address) in pages.items():
        client = Client()
        client.force_login(user)
        open_page(client, address)  # reads the settings, which are kept
        asked = _count_queries(client, address)
        with processor_time() as spent:
            times = []
            for _ in range(ROUNDS):
                if name == TODAY_CHANGED:
                    of_today.save(update_fields=["kind"])
                times.append(open_page(client, address))
        cost = f"{spent.seconds / ROUNDS * 1000:,.0f} ms of processor time, {asked} queries"
        yield Line(f"page: {name}", show_times(times), f"{AIM}; {cost}")


def _count_queries(client: Client, address: str) -> int:
    asked = []

    def run(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        asked.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(run):
        open_page(client, address)
    return len(asked)


@contextmanager
def processor_time() -> Iterator[Stopwatch]:
    """What this process and its server process of PostgreSQL spend in the block; others may be busy, too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [server] = cursor.fetchone()
    watch, began = Stopwatch(), time.process_time() + _read_spent(server)
    yield watch
    watch.seconds = time.process_time() + _read_spent(server) - began


def _read_spent(pid: int) -> float:
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, after_name[11:13])) / os.sysconf("SC_CLK_TCK")  # user and system


def open_page(client: Client, address: str) -> float:
    """The seconds it took, with room for frames as in the web process. RuntimeError unless it is a page."""
    with stopwatch() as watch:
        answer = call_with_room(lambda: client.get(address, secure=True))
    if answer.status_code != 200:
        raise RuntimeError(f"{address}: {answer.status_code}")
    return watch.seconds


def show_times(times: list[float]) -> str:
    """Median and p95."""
    return f"{median(times) * 1000:,.0f} and {sorted(times)[int(len(times) * 0.95)] * 1000:,.0f} ms"


def _bench_lists(office: User) -> Iterator[Line]:
    """Our admin's list, Django's own of the same columns, and its Paginator: first and last page."""
    for model in (Reminder, Contact):
        ours = admin.site._registry[model]
        columns = [one for one in ours.list_display if one in {f.name for f in model._meta.fields}]
        bare = _make_bare(ours, list_display=columns or ["__str__"])
        last = model._default_manager.count() // PER_PAGE
        for where, page in {"first page": 1, "last page": last}.items():
            runs = {
                "": _list(ours, office, page),
                "Django's own admin list": _list(bare, office, page),
                "Paginator alone": _paginate(model, page),
            }
            measured = take_turns(runs, ROUNDS)
            mine = measured.pop("")
            for name, theirs in measured.items():
                yield _compare_list(model, where, mine, name, theirs)


def _bench_searches(office: User) -> Iterator[Line]:
    """Searches in our admin's lists, and in Django's own of the same fields. Each list was opened before."""
    client = Client()
    client.force_login(office)
    name = Contact.objects.order_by("pk")[5].last_name
    number = Contact.objects.exclude(phone=None).select_related("phone").order_by("pk")[5].phone
    assert number is not None
    for model in (Reminder, Appointment, Contact, PhoneNumber, CallRecord):
        ours = admin.site._registry[model]
        open_page(client, reverse(admin_urlname(model._meta, SafeString("changelist"))))
        bare = _make_bare(ours, search_fields=[one.removesuffix(WHOLE) for one in ours.search_fields])
        texts = {f"a name that {MOST_FOUND} have": name, "a number": number.e164, "nobody": "zzqq"}
        for what, text in texts.items():
            runs = {"ours": _list(ours, office, 1, text), "Django's": _list(bare, office, 1, text)}
            mine, theirs = take_turns(runs, SEARCHES).values()
            yield _compare_list(model, f"a search for {what}", mine, "Django's own search", theirs)


def _make_bare(ours: admin.ModelAdmin[Model], **options: Any) -> admin.ModelAdmin[Model]:
    """Django's own admin list of the same table, with as many rows on a page."""
    options |= {"list_per_page": PER_PAGE, "list_select_related": ours.list_select_related}
    bare: admin.ModelAdmin[Model] = type("BareAdmin", (admin.ModelAdmin,), options)(ours.model, admin.site)
    return bare


def _compare_list(model: type[Model], what: str, mine: list[float], name: str, theirs: list[float]) -> Line:
    """Seconds of rounds in turns: ours, and those of what has that name."""
    ratios = sorted(a / b for a, b in zip(mine, theirs, strict=True))
    return Line(
        f"admin's list of {model._meta.verbose_name_plural}, {what}",
        show_times(mine),
        f"{name}: {show_times(theirs)}",
        f"{median(ratios):.0%} ({ratios[0]:.0%} to {ratios[-1]:.0%})",
    )


def _list(of_model: admin.ModelAdmin[Model], user: User, page: int, text: str = "") -> Callable[[], float]:
    """A list of the admin as it is opened with the text that is searched for, of which ours has a key."""
    session: dict[str, Any] = {}
    is_ours = isinstance(of_model, ClinicAdmin)
    searched = {"q": remember_search(session, text) if is_ours else text} if text else {}

    def run() -> float:
        request = RequestFactory().get("/admin/", {"p": str(page), **searched}, secure=True)
        request.user, request.session = user, session  # type: ignore[assignment]
        request._messages = default_storage(request)  # type: ignore[attr-defined] # as the middleware does
        with stopwatch() as watch:
            answer = call_with_room(lambda: _answer(of_model, request))
        if answer.status_code != 200:
            raise RuntimeError(f"{of_model}: {answer.status_code}")
        return watch.seconds

    return run


def _answer(of_model: admin.ModelAdmin[Model], request: HttpRequest) -> HttpResponse:
    answer = of_model.changelist_view(request)
    if isinstance(answer, SimpleTemplateResponse):
        answer.render()
    return answer


def _paginate(model: type[Model], page: int) -> Callable[[], float]:
    def run() -> float:
        with stopwatch() as watch:
            call_with_room(lambda: list(Paginator(model._default_manager.all(), PER_PAGE).page(page)))
        return watch.seconds

    return run


def _bench_open_pages(desk: User) -> Iterator[Line]:
    """100 pages of Today ask for changes every two seconds, while somebody opens visits."""
    client = Client()
    client.force_login(desk)
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    visits = list(Appointment.objects.order_by("pk").values_list("pk", flat=True)[:SECONDS])
    with run_web("tests.bench.page_settings", "/healthz") as port:
        _open_visits(port, cookie, visits)
        alone = _open_visits(port, cookie, visits)
        asked: list[LoadResult] = []
        asking = Thread(target=lambda: asked.append(_ask_for_changes(port, cookie)))
        asking.start()
        meanwhile = []
        while asking.is_alive():
            meanwhile += _open_visits(port, cookie, visits[:5])
        asking.join()
    [load] = asked
    kept_up = f", {len(load.unanswered)} unanswered" if load.unanswered else ""
    yield Line(
        f"{OPEN_PAGES} open pages of Today: a question for changes, p50 and p95",
        f"{load.percentile(50) * 1000:,.0f} and {load.percentile(95) * 1000:,.0f} ms{kept_up}",
        f"{len(load.latencies):,} answered, {load.refused} refused",
    )
    yield Line(
        f"a visit's page while {OPEN_PAGES} pages ask, median and p95",
        show_times(meanwhile),
        f"while none does: {show_times(alone)}",
        f"{median(meanwhile) / median(alone):.0%}",
    )


def _open_visits(port: int, cookie: str, visits: list[int]) -> list[float]:
    times = []
    for pk in visits:
        with stopwatch() as watch:
            answer = requests.get(
                f"http://127.0.0.1:{port}/appointments/{pk}/", headers={**WEB, "Cookie": cookie}, timeout=30
            )
        answer.raise_for_status()
        times.append(watch.seconds)
        time.sleep(0.05)
    return times


def _ask_for_changes(port: int, cookie: str) -> LoadResult:
    page = requests.get(f"http://127.0.0.1:{port}/", headers={**WEB, "Cookie": cookie}, timeout=60)
    found = re.search(r'data-seen="([^"]+)"', page.text)
    if not found:
        raise RuntimeError("Today says nothing of what it has")
    asks = {"Cookie": cookie, "HX-Request": "true", "HX-Trigger": "day-live", "X-Day-Seen": found[1]}
    requests_ = [get("/", asks)] * int(OPEN_PAGES * SECONDS / ASKS_EVERY)
    return send_load(
        port, requests_, connections=OPEN_PAGES, within=SECONDS + GRACE, rate=OPEN_PAGES / ASKS_EVERY
    )
