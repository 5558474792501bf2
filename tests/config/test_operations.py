"""docs/operations.md explains every state, cause, reason and kind, and what to do."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from django.db.models import TextChoices

from config.celery import app
from config.queues import WORKERS
from reminders.health import heartbeats
from reminders.health.diagnosis import WORDS, WORK, StoppedPart
from reminders.models import Campaign, FollowUp, SendingSwitch
from reminders.rules.reasons import CallReason, Reason
from reminders.rules.states import CallState, ReminderState
from webhooks.models import WebhookEvent

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs/operations.md").read_text()


def read_table(*header: str) -> list[list[str]]:
    """The cells of each row of the one table whose header begins with these cells."""
    tables = [
        [[cell.strip() for cell in line.strip("|").split(" | ")] for line in block.splitlines()]
        for block in re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE)
    ]
    [found] = [table for table in tables if table[0][: len(header)] == list(header)]
    return found[2:]


def in_words(choices: Iterable[TextChoices]) -> set[str]:
    """As the admin shows them, with the code where that is another word."""
    return {
        str(one.label) if one.label == one.value.replace("_", " ") else f"{one.label} (`{one.value}`)"
        for one in choices
    }


@pytest.mark.parametrize(
    ("header", "choices"),
    [
        ("reminder", ReminderState),
        ("call", CallState),
        ("campaign", Campaign.State),
        ("event", WebhookEvent.State),
        ("state", FollowUp.State),
    ],
)
def test_each_state_is_documented_with_its_meaning_and_what_to_do(
    header: str, choices: type[TextChoices]
) -> None:
    rows = read_table(header, "meaning", "what to do")
    assert {row[0] for row in rows} == in_words(choices)
    assert all(len(row) == 3 and all(row) for row in rows)


def test_each_kind_of_follow_up_is_documented() -> None:
    rows = read_table("kind", "how it comes about", "what to do")
    assert {row[0] for row in rows} == {str(label) for label in FollowUp.Kind.labels}
    assert all(len(row) == 3 and all(row) for row in rows)


def test_each_cause_of_a_pause_is_documented() -> None:
    assert {row[1].strip("`") for row in read_table("banner", "cause")} == set(SendingSwitch.Cause.values)


@pytest.mark.parametrize(("header", "reasons"), [("reason", Reason), ("reason of a call", CallReason)])
def test_each_reason_is_explained_in_the_words_of_the_page(header: str, reasons: type[TextChoices]) -> None:
    listed = {row[1].strip("`"): row[0] for row in read_table(header, "code")}
    assert listed == {reason.value: str(reason.label) for reason in reasons}


@pytest.mark.parametrize("part", StoppedPart)
def test_each_reason_for_a_red_sweep_is_documented(part: StoppedPart) -> None:
    signs = " ".join(row[0] for row in read_table("sign", "meaning"))
    begin = str(WORDS[part]).split("%(work)s")[0]
    assert f"… *{begin}" in signs


def test_each_sweep_is_documented_with_both_its_names() -> None:
    documented = {row[1].strip("`"): row[0] for row in read_table("in words", "sweep")}
    assert documented == {sweep: str(words) for sweep, words in WORK.items()}


def test_each_heartbeat_is_documented() -> None:
    names = {
        name for row in read_table("heartbeat", "old means") for name in re.findall(r"`([^`]+)`", row[0])
    }
    sweeps = {heartbeats.ASKING, heartbeats.VERIFYING, heartbeats.CONTACTS, heartbeats.PULL}
    own = sweeps | {heartbeats.BEAT, heartbeats.DOOR}
    assert names == own | set(heartbeats.QUEUES) | {f"{heartbeats.WORKER}HOST:PID"}


def test_each_worker_is_listed_with_its_queues() -> None:
    listed = {row[0]: row[1] for row in read_table("process", "command")}
    for worker, queues in WORKERS.items():
        assert f"-n {worker}@%h -Q {','.join(queues)} " in listed[worker]


def test_each_tick_is_listed_with_its_queue() -> None:
    listed = {row[1].split("`")[1]: row[0].strip("`") for row in read_table("queue", "tick")}
    ticks = {tick["task"] for tick in app.conf.beat_schedule.values()}
    assert listed == {task: app.amqp.router.route({}, task)["queue"].name for task in ticks}
