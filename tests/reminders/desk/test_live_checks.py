"""Going live: each item of the checklist is checked by itself, and what wasn't tried is confirmed by name."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from contacts.models import Location
from contacts.roles import AUDITOR
from reminders.deciding.sending_mode import read_mode
from reminders.desk.live_checks import (
    ADDRESS,
    HEARD,
    KEY,
    WORKLIST,
    NotYetLive,
    ask_public_address,
    check_key,
    go_live,
    list_assumptions,
    name_for_worklist,
    read_checklist,
    record_heard,
    record_trial,
)
from reminders.models import AssumptionTrial, LiveCheck, SendingSwitch, Step, TestCall
from reminders.rules.assumptions import ASSUMPTIONS, NOTHING_TO_TRY
from reminders.rules.modes import SendingMode
from reminders.traffic.public_address import _signer, answer_ping, check_public_address
from tests.people import make_contact, make_location, make_number, make_script, make_step, make_user
from tests.waiting import find_free_port

pytestmark = pytest.mark.django_db

REAL = "+12128675309"


@pytest.fixture
def ready(sam: User, settings: Settings) -> None:
    """A practice in which every item passes."""
    settings.ROBOTALKER_FROM_NUMBER = REAL
    make_location(callback_number=REAL)
    make_step()
    passed = {"passed": True, "by": sam, "at": timezone.now()}
    LiveCheck.objects.create(name=ADDRESS, detail=settings.PUBLIC_BASE_URL, **passed)
    LiveCheck.objects.create(name=KEY, detail=settings.ROBOTALKER_BASE_URL, **passed)
    LiveCheck.objects.create(name=HEARD, detail="sandbox", **passed)
    LiveCheck.objects.create(name=WORKLIST, detail="sam", **passed)


def find_missing() -> list[str]:
    return [item.code for item in read_checklist() if not item.passed]


def test_a_practice_that_is_ready_passes_every_item(ready: None) -> None:
    assert find_missing() == []


def test_an_empty_installation_passes_hardly_any() -> None:
    assert set(find_missing()) >= {
        ADDRESS,
        KEY,
        "callback_numbers",
        "zones",
        "hours",
        "scripts",
        HEARD,
        WORKLIST,
    }


def be_old(name: str) -> Callable[[Settings], Any]:
    return lambda _: LiveCheck.objects.filter(name=name).update(at=timezone.now() - timedelta(hours=25))


def fail(name: str) -> Callable[[Settings], Any]:
    return lambda _: LiveCheck.objects.filter(name=name).update(passed=False)


FAULTS: list[tuple[str, Callable[[Settings], Any], str]] = [
    ("the address was checked long ago", be_old(ADDRESS), ADDRESS),
    ("the address failed", fail(ADDRESS), ADDRESS),
    (
        "the address is another by now",
        lambda s: setattr(s, "PUBLIC_BASE_URL", "https://other.example"),
        ADDRESS,
    ),
    ("the key was refused", fail(KEY), KEY),
    (
        "the key was checked before the clock was set back",
        lambda _: LiveCheck.objects.filter(name=KEY).update(at=timezone.now() + timedelta(hours=1)),
        KEY,
    ),
    (
        "Robotalker's address is another by now",
        lambda s: setattr(s, "ROBOTALKER_BASE_URL", "http://127.0.0.2:1"),
        KEY,
    ),
    (
        "a location's caller id can't exist",
        lambda _: Location.objects.update(caller_id="+10000000000"),
        "caller_id",
    ),
    (
        "a callback number can't exist",
        lambda _: Location.objects.update(callback_number="+10000000000"),
        "callback_numbers",
    ),
    ("a zone is unknown", lambda _: Location.objects.update(time_zone="Mars/Base"), "zones"),
    ("no day is open", lambda _: Location.objects.update(open_weekdays=[]), "hours"),
    ("a script has no text", lambda _: Step.objects.get().script.texts.all().delete(), "scripts"),
    ("a script has a variable that nobody knows", lambda _: make_script("{DIAGNOSIS}"), "scripts"),
    ("a text is too long", lambda _: Step.objects.update(channel="sms"), "scripts"),
    ("a made-up patient is here", lambda _: make_contact(is_demo=True), "demo"),
    ("nobody has heard a test call", lambda _: LiveCheck.objects.filter(name=HEARD).delete(), HEARD),
    (
        "it was heard in the sandbox only",
        lambda s: setattr(s, "ROBOTALKER_BASE_URL", "https://api.robotalker.example"),
        HEARD,
    ),
    ("whoever looked after the worklist left", lambda _: User.objects.update(is_active=False), WORKLIST),
    ("they may not any more", lambda _: User.objects.update(is_superuser=False), WORKLIST),
]


@pytest.mark.parametrize(("why", "change", "item"), FAULTS, ids=[row[0] for row in FAULTS])
def test_each_fault_is_found_by_its_item(
    ready: None, settings: Settings, sam: User, why: str, change: Callable[[Settings], Any], item: str
) -> None:
    change(settings)
    assert item in find_missing(), why
    with pytest.raises(NotYetLive, match="Not yet"):
        go_live(by=sam, confirmed_by_name="sam")
    assert read_mode() != SendingMode.LIVE


@pytest.mark.parametrize("name", ["", "mia", "sa", "yes", "sam reyes x"])
def test_with_untried_assumptions_somebody_else_s_name_does_not_count(
    ready: None, sam: User, name: str
) -> None:
    with pytest.raises(NotYetLive, match="Write your name"):
        go_live(by=sam, confirmed_by_name=name)
    assert not SendingSwitch.objects.filter(mode="live").exists()


@pytest.mark.parametrize("name", ["sam", " Sam ", "Sam  Reyes"])
def test_with_ones_own_name_it_goes_live_and_that_is_recorded(ready: None, sam: User, name: str) -> None:
    User.objects.update(first_name="Sam", last_name="Reyes")
    sam.refresh_from_db()
    go_live(by=sam, confirmed_by_name=name)
    assert read_mode() == SendingMode.LIVE
    check = LiveCheck.objects.get(name="untried")
    assert (check.passed, check.by) == (False, sam)
    assert "key_webhooks" in check.detail


def test_with_everything_tried_no_name_is_asked_for(ready: None, sam: User) -> None:
    for one in ASSUMPTIONS:
        AssumptionTrial.objects.create(assumption=one.code, result="as_assumed", is_real=False, by=sam)
    go_live(by=sam, confirmed_by_name="")
    assert LiveCheck.objects.get(name="untried").passed


def test_a_rehearsal_in_the_sandbox_is_no_trial_on_the_real_account(sam: User, settings: Settings) -> None:
    AssumptionTrial.objects.create(assumption="answers", result="as_assumed", is_real=False, by=sam)
    assert [line.assumption.code for line in list_assumptions() if line.trial] == ["answers"]
    settings.ROBOTALKER_BASE_URL = "https://api.robotalker.example"
    assert not any(line.trial for line in list_assumptions())


def test_the_last_trial_counts_and_earlier_ones_are_kept(sam: User) -> None:
    for result in ("as_assumed", "otherwise"):
        record_trial("errors", result, "they said so", by=sam)
    [line] = [line for line in list_assumptions() if line.assumption.code == "errors"]
    assert line.trial is not None
    assert (line.trial.result, AssumptionTrial.objects.count()) == ("otherwise", 2)


@pytest.mark.parametrize(("code", "result"), [("nonsense", "as_assumed"), ("errors", "perhaps"), ("", "")])
def test_what_is_no_assumption_or_no_result_is_refused(sam: User, code: str, result: str) -> None:
    with pytest.raises(NotYetLive):
        record_trial(code, result, "", by=sam)


def test_a_trial_keeps_the_raw_exchange_of_the_last_such_test(sam: User) -> None:
    with pytest.raises(NotYetLive, match="Order the test first"):
        record_trial("campaign", "as_assumed", "", by=sam)
    for in_batch, what in ((True, "POST /api/v1/campaigns"), (False, "POST /api/v1/calls")):
        TestCall.objects.create(
            by=sam,
            number=make_number(),
            channel="voice",
            in_batch=in_batch,
            mode="trial",
            message="x",
            text="x",
            exchange=[{"at": "", "what": what, "body": {}}],
        )
    trial = record_trial("campaign", "otherwise", "400", by=sam)
    assert [note["what"] for note in trial.exchange] == ["POST /api/v1/campaigns"]


def test_only_a_test_call_that_was_answered_was_heard(sam: User) -> None:
    test = TestCall.objects.create(
        by=sam,
        number=make_number(),
        channel="voice",
        mode="sandbox",
        message="x",
        text="x",
        state="submitted",
    )
    with pytest.raises(NotYetLive, match="answer it first"):
        record_heard(by=sam)
    TestCall.objects.filter(pk=test.pk).update(state="answered")
    record_heard(by=sam)
    with pytest.raises(NotYetLive):
        record_heard(by=make_user("mia"))


def test_only_somebody_who_may_work_on_it_is_named_for_the_worklist(sam: User) -> None:
    name_for_worklist(make_user("rosa"), by=sam)
    with pytest.raises(NotYetLive):
        name_for_worklist(make_user("ann", role=AUDITOR), by=sam)
    assert LiveCheck.objects.get(name=WORKLIST).detail == "rosa"


# --- the public address and the key ----------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_our_own_public_address_answers_with_our_signature(
    live_server: LiveServer, settings: Settings, sam: User
) -> None:
    settings.PUBLIC_BASE_URL = live_server.url
    assert ask_public_address(by=sam)
    settings.PUBLIC_BASE_URL = f"{live_server.url}/elsewhere"
    assert not ask_public_address(by=sam)
    settings.PUBLIC_BASE_URL = f"http://127.0.0.1:{find_free_port()}"
    assert check_public_address() == "ConnectionError"


@pytest.mark.parametrize("token", ["", "x", "word:1abc:zzz", "\x00", "a" * 500])
def test_a_forged_question_is_not_answered(token: str) -> None:
    assert answer_ping(token) is None
    assert Client().get(f"/hooks/ping/{token.replace(chr(0), 'n')}").status_code == 404


def test_an_answer_cannot_be_used_as_a_question() -> None:
    answer = answer_ping(_signer("question").sign("word"))
    assert answer is not None
    assert answer_ping(answer) is None


def test_a_robotalker_that_is_away_fails_the_check_of_the_key(settings: Settings, sam: User) -> None:
    settings.ROBOTALKER_BASE_URL = f"http://127.0.0.1:{find_free_port()}"
    assert not check_key(by=sam)
    [item] = [item for item in read_checklist() if item.code == KEY]
    assert "did not accept the connection" in item.words


# --- the table ---------------------------------------------------------------------------------------


def read_rows_of_the_docs() -> set[str]:
    page = (Path(__file__).resolve().parents[3] / "docs" / "robotalker.md").read_text()
    table = page.split("## What we assume")[1].split("\n## ")[0]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines() if line.startswith("| ")]
    return set(rows) - {"not in the guide", "---"}


def test_every_assumption_of_the_docs_is_to_be_tried_or_said_to_need_no_trial() -> None:
    covered = {row for one in ASSUMPTIONS for row in one.covers} | NOTHING_TO_TRY
    rows = read_rows_of_the_docs()
    missing = {row for row in rows if not any(row == one or _begins(row, one) for one in covered)}
    assert missing == set()
    stale = {one for one in covered if not any(row == one or _begins(row, one) for row in rows)}
    assert stale == set()


def _begins(row: str, covered: str) -> bool:
    return covered.endswith("…") and row.startswith(covered.removesuffix("…"))


def test_no_two_assumptions_have_the_same_code() -> None:
    assert len({one.code for one in ASSUMPTIONS}) == len(ASSUMPTIONS)


# --- the page ----------------------------------------------------------------------------------------


def test_the_page_leads_from_the_checklist_to_live(ready: None, office: Client) -> None:
    page = office.get("/sending/mode/").content.decode()
    assert "Mode: sandbox" in page
    assert page.count('<span class="quiet">not tried</span>') == len(ASSUMPTIONS)
    assert "Write your name" in office.post("/sending/mode/", {"mode": "live"}, follow=True).content.decode()
    done = office.post("/sending/mode/", {"mode": "live", "name": "sam"}, follow=True).content.decode()
    assert "Callboard is live" in done
    assert "Mode: live" in done
    assert "Mode: trial" in office.post("/sending/mode/", {"mode": "trial"}, follow=True).content.decode()


def test_what_is_no_mode_changes_nothing(office: Client) -> None:
    for mode in ("", "LIVE", "production", "\x00"):
        office.post("/sending/mode/", {"mode": mode})
    assert not SendingSwitch.objects.exclude(mode="").exists()


def test_otherwise_proposes_the_switch_and_shows_the_exchange_as_text(office: Client, sam: User) -> None:
    AssumptionTrial.objects.create(
        assumption="campaign",
        result="otherwise",
        seen="<b>400</b>",
        is_real=False,
        by=sam,
        exchange=[{"at": "now", "what": "HTTP 400", "body": "<script>alert(1)</script>"}],
    )
    page = office.get("/sending/mode/").content.decode()
    assert "Set ROBOTALKER_CAMPAIGNS=off" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;b&gt;400&lt;/b&gt;" in page
