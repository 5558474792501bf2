"""Log lines contain no personal data, and are few while something is away."""

import json
import logging
import os
import subprocess
import sys
import time

import pytest
from celery.beat import SchedulingError
from django.db import OperationalError
from django.test import Client
from kombu.exceptions import OperationalError as BrokerError
from psycopg.errors import DeadlockDetected
from redis.exceptions import ConnectionError as RedisConnectionError

from config import logs
from config.logs import PrivateFormatter

ROW = "DETAIL:  Failing row contains (26, Sarah, Lindqvist, +12025550100)."


def test_a_log_line_contains_no_row_number_or_callback_token() -> None:
    message = f"failed at /hooks/robotalker/c.abc.status:secret for +12025550100\n{ROW}"
    record = logging.LogRecord("x", logging.ERROR, "", 0, message, None, None)
    line = PrivateFormatter("%(message)s").format(record)
    assert line == ("failed at /hooks/robotalker/(left out) for +1 ••• ••• ••00\nDETAIL: left out")


@pytest.mark.parametrize(
    "secret", ["/hooks/robotalker/c.abc:def", "/feeds/abc.ics", "/password/new/MQ/abc-def/"]
)
def test_a_log_line_contains_no_address_that_is_a_secret(secret: str) -> None:
    """Django writes the path of each request that failed, as while the database was away."""
    record = write("Service Unavailable: %s", secret)
    line = PrivateFormatter("%(message)s").format(record)
    assert "abc" not in line, line
    assert line.endswith("/(left out)")


def test_a_traceback_in_the_log_contains_no_row() -> None:
    try:
        raise ValueError(ROW)
    except ValueError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, "", 0, "failed", None, (ValueError, error, error.__traceback__)
        )
    line = PrivateFormatter("%(message)s").format(record)
    assert "ValueError" in line
    assert "Lindqvist" not in line


def write(
    template: str, *args: object, error: BaseException | None = None, name: str = "x"
) -> logging.LogRecord:
    caught = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord(name, logging.ERROR, "", 0, template, args, caught)


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        raise error from cause
    except Exception as caught:  # noqa: BLE001
        return caught


AWAY = [
    raised(RedisConnectionError("Error 111 connecting to 127.0.0.1:6379")),
    raised(SchedulingError("Couldn't apply scheduled task"), BrokerError("Connection refused")),
    raised(OperationalError("connection refused")),
]


@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error).__name__)
def test_an_outage_is_one_line_at_once_and_one_a_minute_without_a_traceback(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    few, formatter = logs.FewLines(), PrivateFormatter("%(message)s")
    lines = []
    for _ in range(1000):  # ten minutes of a tick that fails every 0.6 s
        record = write("Message Error: %s\n%s", error, "a stack of calls\n" * 30, error=error)
        if few.filter(record):
            lines.append(formatter.format(record))
        clock += 0.6
    assert 10 <= len(lines) <= 11
    assert all("Traceback" not in line and "\n" not in line and len(line) < 200 for line in lines)
    assert "(100 more lines like this were left out)" in lines[1]


def test_an_outage_in_another_words_of_celery_is_one_too() -> None:
    text = "consumer: Cannot connect to %s: %s.\nTrying again in %s"
    assert (
        logs.find_outage(write(text, "redis://", "no", 2, name="celery.worker.consumer.consumer")) == "Redis"
    )


def test_a_deadlock_is_no_outage() -> None:
    assert not logs.find_outage(write("no", error=raised(OperationalError("x"), DeadlockDetected("x"))))


def test_what_is_back_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    outages = logs.Outages()
    outages.note_answer("Redis")
    assert not caplog.messages
    for _ in range(3):
        outages.note_failure("Redis")
    for _ in range(3):
        outages.note_answer("Redis")
    assert caplog.messages == ["Redis answers again after 0 s"]


def test_a_line_that_repeats_is_left_out_and_counted() -> None:
    few = logs.FewLines()
    written = [few.filter(write("Not Found: %s", f"/{n}")) for n in range(100)]
    assert sum(written) == logs.MOST_ALIKE
    assert few.filter(write("another line")), "others are written"


def test_a_structured_line_is_one_object_with_its_ids_and_without_personal_data() -> None:
    formatter = logs.PrivateJsonFormatter("%(levelname)s %(message)s %(request_id)s %(task_id)s")
    record = write("failed for %s", "+12025550100", error=raised(ValueError(ROW)))
    token = logs.request_id.set("abcdef0123456789")
    logs.WithIds().filter(record)
    logs.request_id.reset(token)
    line = formatter.format(record)
    assert "\n" not in line
    found = json.loads(line)
    assert found["request_id"] == "abcdef0123456789"
    assert "ValueError" in found["exc_info"]
    assert "Lindqvist" not in line
    assert "+12025550100" not in line


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sent", "kept"), [("0123456789abcdef", True), ("Sarah Lindqvist", False), ("", False)]
)
def test_each_answer_has_the_id_of_its_log_lines(sent: str, kept: bool) -> None:
    answer = Client(headers={"X-Request-ID": sent}).get("/healthz")
    assert (answer.headers["X-Request-ID"] == sent) == kept
    assert len(answer.headers["X-Request-ID"]) >= 16


def test_production_writes_objects_and_a_laptop_writes_text() -> None:
    for debug, expected in (("false", "json"), ("true", "text")):
        shown = subprocess.run(
            [sys.executable, "-c", "from django.conf import settings; print(settings.LOG_FORMAT)"],
            env=os.environ | {"DEBUG": debug, "DJANGO_SETTINGS_MODULE": "config.settings"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert shown.stdout.strip() == expected


@pytest.mark.parametrize("debug", ["true", "false"])
def test_no_library_writes_lines_past_the_one_handler_that_removes_personal_data(debug: str) -> None:
    """Django itself does so where DEBUG is on, as under `make run`."""
    code = """
import django, logging
django.setup()
for name in ("django", "django.request", "django.server", "django.security", "celery", "gunicorn.error"):
    logging.getLogger(name).error("refused: %s", "/hooks/robotalker/c.abc.status:secret")
"""
    environment = {
        **os.environ,
        "DEBUG": debug,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "a-key-for-this-test-only-" * 3,
        "ALLOWED_HOSTS": "callboard.example",
        "PUBLIC_BASE_URL": "https://callboard.example",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    lines = done.stderr.splitlines()
    assert len(lines) == 6, lines
    assert "secret" not in done.stderr
