"""The checklist for going live: each item is checked by itself, and what a person has to try is recorded."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils.functional import Promise
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.database.clock import read_database_clock
from contacts.models import Contact, Location
from contacts.models.people import Channel
from contacts.numbers import is_assigned, mask
from contacts.zones import is_zone_name
from reminders.deciding.said_names import list_said_names
from reminders.deciding.sending_mode import leaves_this_machine
from reminders.deciding.shared_settings import read_shared_settings
from reminders.deciding.situations import PracticeConfig
from reminders.desk.modes import choose_mode
from reminders.desk.worklist import read_colleagues
from reminders.models import AssumptionTrial, Campaign, LiveCheck, ScriptText, TestCall
from reminders.rules.assumptions import (
    ASSUMPTIONS,
    BY_CODE,
    CALL,
    CALL_TOGETHER,
    TEXT,
    TEXT_TOGETHER,
    Assumption,
)
from reminders.rules.modes import SendingMode
from reminders.rules.reasons import sentence_for
from reminders.traffic.probing import ask_robotalker
from reminders.traffic.public_address import check_public_address
from reminders.wording.script_verdicts import judge_steps, say_refusals
from reminders.wording.sms_length import find_too_long

ADDRESS, KEY, HEARD, WORKLIST, UNTRIED = "address", "key", "heard", "worklist", "untried"
VALID_FOR = timedelta(days=1)  # what was checked over the network longer ago is checked again
SHAPES = {
    CALL: (Channel.VOICE, False),
    TEXT: (Channel.SMS, False),
    CALL_TOGETHER: (Channel.VOICE, True),
    TEXT_TOGETHER: (Channel.SMS, True),
}


class NotYetLive(ValueError):
    """It can't go live now. The message says why, in a sentence for staff."""


@dataclass(frozen=True)
class CheckItem:
    """One item: what is checked, whether it passes, and what is missing or was found."""

    code: str
    title: str | Promise
    passed: bool
    words: str


@dataclass(frozen=True)
class AssumptionLine:
    """An assumption, and the last time it was tried on the account that calls go to now; None if never."""

    assumption: Assumption
    trial: AssumptionTrial | None


def read_checklist(
    config: PracticeConfig | None = None, colleagues: Collection[User] | None = None
) -> list[CheckItem]:
    """Every item but the assumptions, as things are now: four queries, however much there is.

    `config`, `colleagues`: of read_shared_settings() and read_colleagues(), where they were read already.
    """
    config = config or read_shared_settings().config
    colleagues = read_colleagues() if colleagues is None else colleagues
    stored = {check.name: check for check in LiveCheck.objects.annotate(read_at=Now())}
    return [
        _item(ADDRESS, _read_stored(stored.get(ADDRESS), about=settings.PUBLIC_BASE_URL)),
        _item(KEY, _read_stored(stored.get(KEY), about=settings.ROBOTALKER_BASE_URL)),
        *check_locations(list(config.locations.values())),
        _item("scripts", _find_script_warnings(config)),
        _item("demo", _find_demo_patients()),
        _item(HEARD, _read_heard(stored.get(HEARD))),
        _item(WORKLIST, _read_named(stored.get(WORKLIST), colleagues)),
    ]


def check_locations(locations: Sequence[Location]) -> list[CheckItem]:
    """The items about the locations: numbers, zones, hours. No query."""
    return [
        _item("caller_id", _find_bad_numbers([settings.ROBOTALKER_FROM_NUMBER, *_caller_ids(locations)])),
        _item("callback_numbers", _find_faults(locations, _find_callback_fault)),
        _item("zones", _find_faults(locations, _find_zone_fault)),
        _item("hours", _find_faults(locations, _find_hours_fault)),
    ]


def list_assumptions() -> list[AssumptionLine]:
    """Each assumption with its last trial, on the real account or in the sandbox, whichever is used now."""
    trials = AssumptionTrial.objects.filter(is_real=leaves_this_machine()).select_related("by")
    last = {trial.assumption: trial for trial in trials.order_by("pk")}
    return [AssumptionLine(one, last.get(one.code)) for one in ASSUMPTIONS]


def ask_public_address(*, by: User) -> bool:
    """Ask our own public address, and record whether it answered."""
    fault = check_public_address()
    _store(ADDRESS, not fault, f"{settings.PUBLIC_BASE_URL} {fault}".strip(), by)
    return not fault


def check_key(*, by: User) -> bool:
    """Ask Robotalker a harmless question, and record whether it accepted the key."""
    error = ask_robotalker()
    fault = sentence_for(error.code) if error else ""
    _store(KEY, not fault, f"{settings.ROBOTALKER_BASE_URL} {fault}".strip(), by)
    return not fault


def record_heard(*, by: User) -> None:
    """This person has heard a test call, and it was right. Raises NotYetLive if none was answered."""
    heard = TestCall.objects.filter(
        by=by, purpose=TestCall.Purpose.TEST, channel=Channel.VOICE, state=TestCall.State.ANSWERED
    )
    if not heard.exists():
        raise NotYetLive(_("Order a test call and answer it first."))
    _store(HEARD, True, "real" if leaves_this_machine() else "sandbox", by)


def name_for_worklist(user: User, *, by: User) -> None:
    """This person looks after the worklist. Raises NotYetLive if they may not."""
    if not (user.is_active and user.has_perm("reminders.change_followup")):
        raise NotYetLive(_("This person may not work on the worklist. Give them a role first."))
    _store(WORKLIST, True, user.get_username(), by)


def record_trial(code: str, result: str, seen: str, *, by: User) -> AssumptionTrial:
    """What was seen when an assumption was tried, with the raw exchange of this person's last such test.

    Raises NotYetLive for an unknown assumption or result.
    """
    assumption = BY_CODE.get(code)
    if assumption is None or result not in AssumptionTrial.Result.values:
        raise NotYetLive(_("Say whether it was as assumed or otherwise."))
    test = None
    if assumption.by:
        channel, in_batch = SHAPES[assumption.by]
        tests = TestCall.objects.filter(
            by=by, purpose=TestCall.Purpose.TEST, channel=channel, in_batch=in_batch
        )
        test = tests.exclude(exchange=[]).order_by("-pk").first()
        if test is None:
            raise NotYetLive(_("Order the test first, so that what was sent and received is recorded."))
    return AssumptionTrial.objects.create(
        assumption=code,
        result=result,
        seen=seen.strip()[:500],
        exchange=test.exchange if test else [],
        test_call=test,
        is_real=leaves_this_machine(),
        by=by,
    )


def go_live(*, by: User, confirmed_by_name: str) -> None:
    """Begin to call patients. Raises NotYetLive unless every item passes.

    With assumptions that nobody has tried, the person has to write their own name below that (their login or
    their full name), and it is recorded.
    """
    missing = [f"“{item.title}”" for item in read_checklist() if not item.passed]
    if missing:
        words = _("Not yet: %(items)s.") % {"items": get_text_list(missing, _("and"))}
        raise NotYetLive(words)
    untried = [line.assumption.code for line in list_assumptions() if line.trial is None]
    if untried:
        names = {by.get_username().casefold(), by.get_full_name().casefold()} - {""}
        if " ".join(confirmed_by_name.split()).casefold() not in names:
            raise NotYetLive(_("Write your name to confirm that not everything was tried."))
    _store(UNTRIED, not untried, " ".join(untried), by)
    choose_mode(SendingMode.LIVE, by=by)


TITLES: dict[str, str | Promise] = {
    ADDRESS: gettext_lazy("Robotalker can reach the public address"),
    KEY: gettext_lazy("Robotalker accepts the key"),
    "caller_id": gettext_lazy("The numbers that calls come from can be real"),
    "callback_numbers": gettext_lazy("Every location has a number to call back"),
    "zones": gettext_lazy("Every location has a time zone"),
    "hours": gettext_lazy("Every location has calling hours and open days"),
    "scripts": gettext_lazy("The scripts in use have no warnings"),
    "demo": gettext_lazy("No made-up patients are here"),
    HEARD: gettext_lazy("Somebody has heard a test call"),
    WORKLIST: gettext_lazy("Somebody looks after the worklist"),
}


def _item(code: str, faults: str) -> CheckItem:
    return CheckItem(code, TITLES[code], not faults, faults)


def _store(name: str, passed: bool, detail: str, by: User) -> None:
    values = {"passed": passed, "detail": detail[:300], "by": by, "at": read_database_clock()}
    LiveCheck.objects.update_or_create(name=name, defaults=values)


def _read_stored(check: LiveCheck | None, *, about: str) -> str:
    """Why a check over the network doesn't count: never made, for another address, too old, or failed."""
    if check is None or check.detail.split(" ")[0] != about:
        return _("Not checked yet.")
    now: datetime = check.read_at  # type: ignore[attr-defined] # by the database's clock
    if not timedelta(0) <= now - check.at <= VALID_FOR:
        return _("Checked more than a day ago. Check it again.")
    return "" if check.passed else _("It failed: %(why)s") % {"why": check.detail.partition(" ")[2]}


def _caller_ids(locations: Iterable[Location]) -> list[str]:
    return [location.caller_id for location in locations if location.caller_id]


def _find_bad_numbers(numbers: Iterable[str]) -> str:
    bad = sorted({mask(number) for number in numbers if not is_assigned(number)})
    return _("Not a number that exists: %(numbers)s.") % {"numbers": ", ".join(bad)} if bad else ""


def _find_faults(locations: Iterable[Location], find_fault: Callable[[Location], str]) -> str:
    """Which location lacks what, or that there is none."""
    locations = list(locations)
    if not locations:
        return _("There is no location yet.")
    return " ".join(f"{location.name}: {fault}" for location in locations if (fault := find_fault(location)))


def _find_callback_fault(location: Location) -> str:
    return "" if is_assigned(location.callback_number) else _("the number can't be one that exists.")


def _find_zone_fault(location: Location) -> str:
    return "" if is_zone_name(location.time_zone) else _("the time zone is not known.")


def _find_hours_fault(location: Location) -> str:
    return "" if location.open_weekdays else _("no day is open.")


def _find_script_warnings(config: PracticeConfig) -> str:
    """What keeps the scripts of campaigns that aren't drafts from being sent (product rule 62)."""
    steps = [step for step in config.steps.values() if step.removed_at is None]
    begun = [step for step in steps if step.campaign.state != Campaign.State.DRAFT]
    if not begun:
        return _("No campaign is active.")
    begun.sort(key=lambda step: (step.campaign.name, step.campaign_id))
    faults = [
        fault
        for campaign, own in groupby(begun, key=lambda step: step.campaign)
        for fault in say_refusals(campaign, judge_steps(own, list_said_names(config), config.pronunciations))
    ]
    return " ".join(dict.fromkeys(faults))


def find_text_script() -> ScriptText | None:
    """The newest text that fits one text message, for a test text; None if there is none."""
    texts = ScriptText.objects.select_related("script").order_by("-pk")
    return next((text for text in texts if not find_too_long(text.script)), None)


def _find_demo_patients() -> str:
    count = Contact.objects.filter(is_demo=True).count()
    words = ngettext("%(count)d is, from the demo clinic.", "%(count)d are, from the demo clinic.", count)
    return words % {"count": count} if count else ""


def _read_heard(check: LiveCheck | None) -> str:
    where = "real" if leaves_this_machine() else "sandbox"
    return "" if check and check.passed and check.detail == where else _("Nobody has said so yet.")


def _read_named(check: LiveCheck | None, colleagues: Collection[User]) -> str:
    if check is None:
        return _("Nobody is named yet.")
    is_there = any(user.username == check.detail for user in colleagues)
    return "" if is_there else _("%s is no longer there.") % check.detail
