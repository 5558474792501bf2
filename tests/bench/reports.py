"""Reports of a month of calls, from their counts and by counting the calls themselves."""

from collections.abc import Iterator
from datetime import timedelta
from random import randrange

from django.conf import settings
from django.db import connection
from django.db.models import Count
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from contacts.roles import MANAGER
from reminders.models import CallCount, CallRecord
from reminders.reports.counting import count_marked, rebuild_counts
from tests.bench.measure import Line, compare, stopwatch
from tests.bench.rows import CHUNK, make_calls, vacuum_tables
from tests.people import make_user

CALLS = 100_000
RECORDED = 1_000  # outcomes a round
EACH = 2  # tries for each reminder
ROUNDS = 5
A_MONTH = 30 * 24 * 60  # minutes
# the addresses of static files need no manifest, which only a deployment has
PLAIN_FILES = settings.STORAGES | {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}
ENDS = ("answered", "answered", "voicemail", "no_answer", "failed")


def bench_reports() -> Iterator[Line]:
    """The page of outcomes by day, beside one grouped query over the calls of the same month."""
    _spread_over_a_month()
    with stopwatch() as watch:
        rebuild_counts()
    vacuum_tables()
    yield Line(f"all counts made again, {CALLS:,} calls", f"{watch.seconds:.1f} s")
    yield Line("rows of counts for them", f"{CallCount.objects.count():,}")
    client = Client()
    client.force_login(make_user("mia", role=MANAGER))
    with override_settings(ALLOWED_HOSTS=["testserver"], STORAGES=PLAIN_FILES, WHITENOISE_AUTOREFRESH=True):
        for kind in ("days", "times", "attendance"):
            yield from compare(
                f"pages of a month of {CALLS:,} calls: {kind}",
                lambda kind=kind: _open_page(client, kind),  # type: ignore[misc]
                {"one count over the calls, no page": _count_calls},
                unit="/s",
                rounds=ROUNDS,
            )
    yield from compare(
        "outcomes recorded, each its own transaction, with the triggers",
        lambda: _record_outcomes(with_triggers=True),
        {"without them": lambda: _record_outcomes(with_triggers=False)},
        unit="/s",
        rounds=ROUNDS,
    )
    count_marked()
    CallRecord.objects.filter(pk__in=CallRecord.objects.values("pk")[:200]).update(key_pressed="2")
    with stopwatch() as watch:
        count_marked()
    yield Line("200 calls of that month changed, counted again", f"{watch.seconds * 1000:.0f} ms")


def _spread_over_a_month() -> None:
    """Calls to each of many reminders, ended in different ways."""
    first = make_calls(CALLS // EACH)
    now = timezone.now()
    calls = []
    for place, call in enumerate(first):
        for number in range(1, EACH + 1):
            moment = now - timedelta(minutes=(place * 37 + number * 4_001) % A_MONTH)
            calls.append(
                CallRecord(
                    reminder_id=call.reminder_id,
                    number_id=call.number_id,
                    channel="voice",
                    try_number=number,
                    from_number=call.from_number,
                    script_text_id=call.script_text_id,
                    text="Hello",
                    state=ENDS[(place + number) % len(ENDS)],
                    key_pressed="1" if place % 3 == 0 else "",
                    submitting_at=moment,
                )
            )
    CallRecord.objects.all().delete()
    CallRecord.objects.bulk_create(calls, CHUNK)
    vacuum_tables()


def _open_page(client: Client, kind: str) -> float:
    today = timezone.now().date()  # calls of the last month, visits of the next
    days = {"since": str(today - timedelta(days=31)), "until": str(today + timedelta(days=40))}
    with stopwatch() as watch:
        answer = client.get(reverse("report", args=[kind]), days, secure=True)
    if answer.status_code != 200 or b"Nothing to count" in answer.content:
        raise RuntimeError(f"the page {kind} shows nothing")
    return watch.rate(1)


def _record_outcomes(*, with_triggers: bool) -> float:
    ids = list(CallRecord.objects.order_by("pk").values_list("pk", flat=True)[:RECORDED])
    key = str(randrange(10**6))
    with connection.cursor() as cursor:
        state = "ENABLE" if with_triggers else "DISABLE"
        cursor.execute(f"ALTER TABLE reminders_callrecord {state} TRIGGER report_marks_update")
        with stopwatch() as watch:
            for pk in ids:
                cursor.execute("UPDATE reminders_callrecord SET key_pressed = %s WHERE id = %s", [key, pk])
        cursor.execute("ALTER TABLE reminders_callrecord ENABLE TRIGGER report_marks_update")
    return watch.rate(RECORDED)


def _count_calls() -> float:
    begin = timezone.now() - timedelta(days=30)
    calls = CallRecord.objects.filter(submitting_at__gte=begin).order_by()
    grouped = calls.values_list("reminder__appointment__location", "reminder__step", "state", "key_pressed")
    with stopwatch() as watch:
        if not list(grouped.annotate(number=Count("pk"))):
            raise RuntimeError("no calls")
    return watch.rate(1)
