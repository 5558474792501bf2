"""Names, numbers and texts of patients that come in by any door stand in no log, metric or error report."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from gzip import decompress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import pytest
import sentry_sdk
from django.conf import settings as configured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from pytest_django import Settings

from config import error_reports, logs
from contacts.models import Contact, ImportBatch
from contacts.roles import ADMIN
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallRecord
from reminders.traffic.callback_urls import account_url, status_url
from tests.people import make_contact, make_due_reminder, make_user

pytestmark = pytest.mark.django_db(transaction=True)

NAME, NUMBER, TEXT = "Zyxqwinna", "+12125550177", "colonoscopy-of-zyx"
CANARIES = (NAME, NAME.lower(), NUMBER, NUMBER[2:], "555-0177", TEXT)
TOKEN = "only-for-tests-monitoring"
# Tables that refuse what these doors write: PostgreSQL then quotes the whole row in its error.
REFUSING = ("contacts_contact", "contacts_phonenumber", "contacts_importbatch", "webhooks_webhookevent",
            "django_session")  # fmt: skip


class Receiver:
    """Stands in for Sentry: keeps what is posted to it."""

    def __init__(self) -> None:
        received = self.received = list[str]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append((decompress(body) if body[:2] == b"\x1f\x8b" else body).decode())
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    error_reports.start_error_reports(f"http://key@127.0.0.1:{one.server.server_port}/1")
    yield one
    sentry_sdk.get_client().close(timeout=5)
    sentry_sdk.get_global_scope().set_client(None)
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture
def log_lines() -> Iterator[io.StringIO]:
    """What a production process would have written, with everything that is logged from DEBUG on."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.PrivateJsonFormatter("%(levelname)s %(name)s %(message)s %(exc_info)s"))
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@contextmanager
def refusing_rows() -> Iterator[None]:
    """Let the database refuse each row that these doors write."""
    change("ADD CONSTRAINT canary CHECK (false) NOT VALID")
    try:
        yield
    finally:
        change("DROP CONSTRAINT canary")


def change(what: str) -> None:
    with connection.cursor() as cursor:
        for table in REFUSING:
            cursor.execute(f"ALTER TABLE {table} {what}")


def read_server_log(since: int = 0) -> str:
    """What PostgreSQL itself has written, after so many characters."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_read_file(current_setting('data_directory') || '/log')")
        return str(cursor.fetchone()[0])[since:]


def make_call() -> CallRecord:
    make_due_reminder()
    claim = claim_due(10)
    [opened] = open_calls(claim.reminder_ids, claim.token)
    return opened


def sign_in(staff: Client, call: CallRecord) -> None:
    Client().post("/login/", {"username": NAME, "password": TEXT})


def search(staff: Client, call: CallRecord) -> None:
    staff.post("/contacts/", {"q": NAME})
    staff.get("/contacts/", {"q": NUMBER})


def add_contact(staff: Client, call: CallRecord) -> None:
    person = {"first_name": NAME, "last_name": NAME, "number": NUMBER.replace("77", "78"), "language": "en"}
    staff.post(
        "/contacts/new/", person | {"preferred_channel": "voice", "other_phone_use": "never", "anyway": ""}
    )


def upload(staff: Client, call: CallRecord) -> None:
    rows = f"first name,last name,phone,date,time,reason\n{NAME},{NAME},{NUMBER},2030-01-01,10:00,{TEXT}\n"
    form = {"file": SimpleUploadedFile(f"{NAME}.csv", rows.encode()), "source": "csv"}
    staff.post("/imports/new/", form)


def post_event(staff: Client, call: CallRecord) -> None:
    body = json.dumps({"event": "sms.received", "from": NUMBER, "to": NUMBER, "text": TEXT, "name": NAME})
    for address in (status_url(call), account_url()):
        staff.post(urlsplit(address).path, body, content_type="application/json")
    staff.post(f"/hooks/robotalker/{NAME}-{NUMBER}", body, content_type="application/json")


def ask_api(staff: Client, call: CallRecord) -> None:
    body = json.dumps({"first_name": NAME, "phone": NUMBER, "notes": TEXT})
    headers = {"Authorization": f"Bearer {NAME}"}
    staff.post("/api/v1/contacts", body, content_type="application/json", headers=headers)


DOORS: list[Callable[[Client, CallRecord], None]] = [
    sign_in,
    search,
    add_contact,
    upload,
    post_event,
    ask_api,
]


def test_nothing_personal_leaves_by_logs_metrics_or_error_reports(
    receiver: Receiver, log_lines: io.StringIO, settings: Settings
) -> None:
    settings.MONITORING_TOKEN = TOKEN
    since = len(read_server_log())
    make_contact(NAME, number=NUMBER)
    call = make_call()
    staff = Client(raise_request_exception=False)
    staff.force_login(make_user(role=ADMIN))
    for door in DOORS:
        door(staff, call)
    with refusing_rows():
        for door in DOORS:
            door(staff, call)
    logging.getLogger("reminders").error("not written for %s", NUMBER, extra={"text": TEXT})
    metrics = staff.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode()
    sentry_sdk.flush(timeout=5)
    sent, written = "".join(receiver.received), log_lines.getvalue()
    assert Contact.objects.filter(first_name=NAME).count() == 2, "the canary came in"
    assert ImportBatch.objects.filter(file_name__contains=NAME).exists()
    assert "IntegrityError" in sent
    assert "IntegrityError" in written
    assert "callboard_reminders_due" in metrics
    places = {"metrics": metrics, "sentry": sent, "logs": written, "PostgreSQL's log": read_server_log(since)}
    assert "violates check constraint" in places["PostgreSQL's log"]
    for canary in CANARIES:
        for place, text in places.items():
            assert canary not in text, f"{canary} stands in {place}: {_around(text, canary)}"


def _around(text: str, canary: str) -> str:
    at = text.index(canary)
    return text[max(at - 200, 0) : at + 100]


def test_without_an_address_nothing_is_reported() -> None:
    assert configured.SENTRY_DSN == ""
    assert not sentry_sdk.get_client().is_active()
