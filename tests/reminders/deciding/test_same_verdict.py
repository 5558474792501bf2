"""Whatever says what becomes of a reminder says the same as the dispatcher's last look (product rule 18).

READERS are asked about every reminder of a small random clinic at a random moment. The last look is taken at
the moment that they speak of: now, or when the reminder is due. When they name a moment for the call, a last
look at that moment opens it, and one just before doesn't (product rule 30).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from contacts.models import Appointment, PhoneNumber
from contacts.models.people import Preference
from reminders.campaigns.campaign_forecasts import foresee_campaign
from reminders.campaigns.drafts import read_draft
from reminders.deciding.explanations import explain_reminder
from reminders.deciding.number_caps import read_use
from reminders.deciding.situations import with_situation
from reminders.dispatch.opening import open_calls
from reminders.models import Campaign, Reminder, SendingSwitch, Step
from reminders.planning.planner import plan_all
from reminders.rules.decide import Verdict
from reminders.rules.reasons import HELD_BY_DATA, Reason
from reminders.rules.states import REMINDER_PENDING
from reminders.traffic.switch import read_switch
from tests.office import make_call
from tests.people import (
    make_appointment,
    make_campaign,
    make_contact,
    make_location,
    make_number,
    make_script,
    make_step,
)
from tests.rule_examples import try_examples
from tests.two_clocks import TwoClocks

pytestmark = pytest.mark.django_db

START = datetime(2027, 3, 11, 14, tzinfo=UTC)  # a Thursday in New York at 9:00; on Sunday clocks change
NEW_YORK, LOS_ANGELES, HONOLULU = "America/New_York", "America/Los_Angeles", "Pacific/Honolulu"
HOLDING = {Reason.SENDING_PAUSED, Reason.CAMPAIGN_PAUSED, *HELD_BY_DATA}
NUMBERS = ["+12025550100", "+12025550111", "+12025550122", ""]


class Foretold(NamedTuple):
    """What becomes of a reminder: decide()'s verdict and reason, and when it is called, if it is."""

    verdict: str
    reason: str
    called_at: datetime | None


def read_page(reminder: Reminder, now: datetime) -> Foretold:
    """What the appointment's page says."""
    number = reminder.appointment.contact.phone_id
    use = read_use([number], now)[number] if number else None
    paused = read_switch().paused_at is not None
    said = explain_reminder(reminder, now, sending_paused=paused, use=use)
    return Foretold(said.verdict, said.reason, said.moment)


def read_preview(reminder: Reminder, now: datetime) -> Foretold | None:
    """What the campaign's preview says, as if it and all sending were active; None of what it isn't about."""
    campaign, visit = reminder.step.campaign, reminder.appointment
    is_paused = campaign.state == Campaign.State.PAUSED or read_switch().paused_at is not None
    is_upcoming = visit.status == Appointment.Status.BOOKED and visit.starts_at > now
    if is_paused or not is_upcoming or reminder.revision != visit.revision:
        return None
    forecast = foresee_campaign(read_draft(campaign.pk), now, only=[visit.pk])
    outcomes = forecast.steps[reminder.step_id].outcomes
    [said] = [outcome for outcome, visits in outcomes.items() if visit.pk in visits]
    return Foretold(said.verdict, said.reason, said.moment)


Reader = Callable[[Reminder, datetime], Foretold | None]
READERS: dict[str, Reader] = {"the appointment's page": read_page, "the campaign's preview": read_preview}


class LastLook(NamedTuple):
    """What a dispatcher did with a reminder, and why not if it did not call."""

    verdict: str
    reason: str


def take_last_look(reminder: Reminder) -> LastLook:
    """What a dispatcher that has claimed it does now; nothing of it stays."""
    claim, now = uuid4(), timezone.now()
    with transaction.atomic():
        Reminder.objects.filter(pk=reminder.pk).update(
            state="claimed", claim=claim, lease_until=now + timedelta(minutes=5)
        )
        opened = [call.reminder_id for call in open_calls([reminder.pk], claim)]
        left = Reminder.objects.get(pk=reminder.pk)
        transaction.set_rollback(True)
    if opened:
        assert opened == [reminder.pk]
        return LastLook(Verdict.CALL, "")
    waiting = Verdict.BLOCK if left.reason in HOLDING else Verdict.WAIT
    verdicts = {"planned": waiting, "skipped": Verdict.SKIP, "missed": Verdict.MISS}
    return LastLook(verdicts[left.state], left.reason)


NUMBER_STATES: dict[str, dict[str, object]] = {
    "opted_out": {"voice_opted_out_at": START},
    "unusable": {"unusable_since": START, "unusable_reason": "invalid_number"},
    "no_consent": {"consent_basis": PhoneNumber.ConsentBasis.NONE},
    "verified": {"verified_at": START},
    "agreed": {"consent_basis": PhoneNumber.ConsentBasis.SPOKEN},
    "agreed in writing": {"consent_basis": PhoneNumber.ConsentBasis.WRITTEN},
}


@dataclass(frozen=True)
class MadeVisit:
    """One visit of the clinic, its patient, and what happened after its reminders were planned."""

    hours_ahead: int
    number: str
    number_state: str
    number_zones: list[str]
    stated_zone: str
    wish: str
    answer: str
    change: str
    ordered: bool
    other_number: str  # when another one is called, which opted out of calls and texts
    earlier_call: str  # how a call to the number for another visit ended

    def book(self) -> Appointment:
        number = make_number(self.number, time_zones=self.number_zones) if self.number else None
        wishes: dict[str, Any] = {"time_zone": self.stated_zone, "preferred_channel": self.wish}
        if self.other_number:
            opted_out = {"voice_opted_out_at": START, "sms_opted_out_at": START}
            wishes["other_phone"] = make_number("+12025550177", **opted_out)
            wishes["other_phone_use"] = self.other_number
        contact = make_contact(number=None, phone=number, **wishes)
        return make_appointment(contact, starts_at=START + timedelta(hours=self.hours_ahead))

    def happen(self, visit: Appointment, staff: User) -> None:
        contact = visit.contact
        if contact.phone and self.earlier_call:
            other = make_appointment(contact, starts_at=START - timedelta(days=1))
            times = dict.fromkeys(("due_at", "not_after", "next_look_at"), START)
            done = Reminder(
                appointment=other, step=Step.objects.earliest("pk"), revision=1, state="done", **times
            )
            done.save()
            make_call(done, state=self.earlier_call)
        if contact.phone and self.number_state:
            PhoneNumber.objects.filter(pk=contact.phone.pk).update(**NUMBER_STATES[self.number_state])
        visits = Appointment.objects.filter(pk=visit.pk)
        if self.answer:
            visits.update(answer=self.answer, answer_revision=visit.revision, answered_at=START)
        if self.change == "moved":
            visits.update(revision=visit.revision + 1)
        elif self.change:
            visits.update(status=self.change)
        if self.ordered:
            visit.reminders.filter(state="planned").update(ordered_by=staff, next_look_at=START)


def mostly(usual: str, *others: str) -> st.SearchStrategy[str]:
    return st.sampled_from([usual] * 2 * len(others) + list(others))


VISITS = st.builds(
    MadeVisit,
    hours_ahead=st.integers(1, 120),
    number=st.sampled_from(NUMBERS),
    number_state=mostly("", *NUMBER_STATES),
    other_number=mostly("", "", "never", "unreachable"),
    number_zones=st.sampled_from([[], [NEW_YORK], [LOS_ANGELES], [NEW_YORK, LOS_ANGELES], [HONOLULU]]),
    stated_zone=mostly("", LOS_ANGELES, HONOLULU, "Mars/Olympus_Mons"),
    wish=mostly(Preference.VOICE, *Preference.values),
    answer=mostly("", "confirmed", "wants_another_time"),
    change=mostly("", "cancelled", "moved", "arrived"),
    ordered=mostly("", "ordered").map(bool),
    earlier_call=mostly("", "answered", "voicemail", "no_answer"),
)


def make_practice(audience: str, opens: int, consent: str) -> None:
    make_location(time_zone=NEW_YORK, calling_opens=time(opens), calling_closes=time(19))
    campaign, script = make_campaign(consent=consent), make_script()
    make_step(campaign, audience=audience, script=script)
    by_the_clock = {"timing_kind": "days_before", "days": 1, "at": time(7, 30), "elapsed": timedelta(0)}
    text = make_script("{APPT_DATE} {APPT_TIME}. STOP=opt out.", name="Text")
    make_step(campaign, **by_the_clock, channel="preferred", script=script, text_script=text)


@try_examples(4)
@given(
    visits=st.lists(VISITS, min_size=2, max_size=5),
    minutes=st.integers(1, 5 * 24 * 60),
    audience=st.sampled_from(["unconfirmed", "everyone", "confirmed"]),
    opens=st.sampled_from([8, 9, 12]),
    consent=mostly("", "agreed", "written"),
    paused=mostly("", "sending", "campaign"),
    mode=mostly("sandbox", "trial", "live"),
)
def test_every_reader_says_what_the_last_look_then_decides(
    db: None,
    settings: Settings,
    visits: list[MadeVisit],
    minutes: int,
    audience: str,
    opens: int,
    consent: str,
    paused: str,
    mode: str,
) -> None:
    settings.CAP_PER_DAY, settings.CAP_PER_WEEK = 1, 3
    with transaction.atomic():
        clocks = TwoClocks(START)
        try:
            staff = User.objects.create(username="sam")
            make_practice(audience, opens, consent)
            booked = [visit.book() for visit in visits]
            plan_all()
            for made, visit in zip(visits, booked, strict=True):
                made.happen(visit, staff)
            since = START + timedelta(hours=30) if mode == "live" else None
            SendingSwitch.objects.update_or_create(pk=1, defaults={"mode": mode, "live_since": since})
            if paused == "sending":
                SendingSwitch.objects.update(paused_at=START, cause="person")
            if paused == "campaign":
                Campaign.objects.update(state=Campaign.State.PAUSED)
            now = START + timedelta(minutes=minutes)
            go_to(clocks, now)
            for reminder in with_situation(Reminder.objects.filter(state__in=REMINDER_PENDING)):
                for reader in READERS.values():
                    check_reader(reader, reminder, clocks, now)
        finally:
            clocks.stop()
            transaction.set_rollback(True)


def check_reader(reader: Reader, reminder: Reminder, clocks: TwoClocks, now: datetime) -> None:
    """Compare what it says at `now` with last looks at the moments that it speaks of."""
    said = reader(reminder, now)
    if said is None:
        return
    decided_for = now if reminder.ordered_by_id else max(now, reminder.not_before)
    expected = {said.called_at or decided_for: Verdict.CALL if said.called_at else said.verdict}
    if said.called_at and said.called_at > now:  # not before that
        earlier = decided_for if said.verdict == Verdict.WAIT else said.called_at - timedelta(minutes=1)
        expected[earlier] = Verdict.WAIT
    for moment, verdict in expected.items():
        go_to(clocks, moment)
        found = take_last_look(reminder)
        assert found.verdict == verdict, (said, found)
        assert said.called_at or found.reason == said.reason, (said, found)
    go_to(clocks, now)


def go_to(clocks: TwoClocks, moment: datetime) -> None:
    clocks.let_pass(moment - timezone.now())
