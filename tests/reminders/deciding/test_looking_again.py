"""Whatever a decision depends on, a change of it makes what waits be looked at (product rule 30).

Each field of Situation is changed the way a person changes it; then the moment that the page names is the
moment at which a worker calls.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from contacts.appointments import record_attendance
from contacts.models import Appointment, ClosedDay, Contact, Location, PhoneNumber
from reminders.desk.modes import choose_mode
from reminders.desk.script_versions import publish_text, save_draft
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallRecord, Campaign, Reminder, Script, SendingSwitch, Step
from reminders.pages.story import read_story
from reminders.planning.activation import pause_campaign
from reminders.rules.decide import Situation
from reminders.rules.modes import SendingMode
from reminders.sweeps.early_looks import find_early_looks
from reminders.wording.script_verdicts import fingerprint_text
from tests.admin_forms import save_in_admin
from tests.campaign_edits import edit_campaign, edit_step
from tests.office import make_call
from tests.people import (
    ENGLISH,
    make_appointment,
    make_contact,
    make_due_reminder,
    make_location,
    make_number,
    make_step,
    make_user,
)
from tests.two_clocks import TwoClocks

pytestmark = pytest.mark.django_db

# Tuesday in New York; the visit is on Wednesday at 10:00, its reminder was due at 7:00, calls begin at 9:00.
HALF_PAST_SEVEN = datetime(2026, 7, 14, 11, 30, tzinfo=UTC)
VISIT = datetime(2026, 7, 15, 14, 0, tzinfo=UTC)
SOON = timedelta(seconds=20)  # a tick of dispatch, and a round of the sweep


def local(hour: int, minute: int = 0, *, day: int = 14) -> datetime:
    """A time in New York in July."""
    return datetime(2026, 7, day, hour + 4, minute, tzinfo=UTC)


@dataclass
class Practice:
    """A practice, the person who changes something, and the clocks."""

    office: Client
    clocks: TwoClocks
    settings: Settings

    @property
    def reminder(self) -> Reminder:
        """Of the appointment's current revision, and the first step."""
        appointment = Appointment.objects.latest("starts_at")
        return Reminder.objects.filter(appointment=appointment, revision=appointment.revision).earliest("pk")

    @property
    def sam(self) -> User:
        return User.objects.get(username="sam")

    @property
    def contact(self) -> Contact:
        return self.reminder.appointment.contact

    def go_to(self, moment: datetime) -> None:
        self.clocks.let_pass(moment - timezone.now())

    def run_worker(self) -> bool:
        """One dispatch; whether it opened the reminder's call."""
        claim = claim_due(500)
        calls = open_calls(claim.reminder_ids, claim.token)
        return any(call.reminder_id == self.reminder.pk for call in calls)

    def wait_at(self, moment: datetime) -> None:
        """A worker looks at it at this moment, and it goes on waiting."""
        self.go_to(moment)
        assert not self.run_worker()
        assert self.reminder.next_look_at > timezone.now()

    def edit_contact(self, **changes: str) -> None:
        contact = self.contact
        form = {"first_name": contact.first_name, "last_name": contact.last_name, "language": "en"}
        form |= {"preferred_channel": "voice", "time_zone": contact.time_zone, "other_number": ""}
        form["number"] = contact.phone.e164 if contact.phone else ""
        assert self.office.post(f"/contacts/{contact.pk}/edit/", form | changes).status_code == 302

    def edit_step(self, **values: Any) -> None:
        edit_step(Step.objects.get(), self.sam, **values)

    def read_moment(self) -> datetime | None:
        """The moment that the appointment's page names for the reminder's call."""
        story = read_story(self.reminder.appointment_id, timezone.now())
        key = f"reminder-{self.reminder.pk}"
        named = [entry.at for entry in story.ahead if entry.key == key and entry.state == "planned"]
        return named[0] if named else None


@pytest.fixture
def practice(office: Client, settings: Settings) -> Iterator[Practice]:
    clocks = TwoClocks(HALF_PAST_SEVEN)
    office.force_login(User.objects.get(username="sam"))
    make_location(time_zone="America/New_York", calling_opens=time(9), calling_closes=time(17))
    settings.CAP_PER_DAY = 1
    try:
        yield Practice(office, clocks, settings)
    finally:
        clocks.stop()


def make_reminder(at: time = time(7), contact: Contact | None = None, **step: Any) -> Reminder:
    if not Step.objects.exists():
        make_step(timing_kind="days_before", days=1, at=at, elapsed=timedelta(0), **step)
    return make_due_reminder(contact, starts_at=VISIT)


def take_back_a_wish(practice: Practice) -> None:
    make_reminder(contact=make_contact(preferred_channel="never"))
    practice.go_to(local(9, 1))
    assert not practice.run_worker()
    assert practice.reminder.reason == "wants_no_reminders"
    practice.edit_contact()


def edit_the_time(practice: Practice) -> None:
    make_reminder()
    practice.wait_at(local(7, 30))
    practice.edit_step(at=time(8, 30))
    practice.edit_step(at=time(11))


def edit_the_last_moment(practice: Practice) -> None:
    make_reminder()
    practice.wait_at(local(7, 30))
    practice.edit_step(stop_before=timedelta(days=1, hours=1, minutes=30))


def move_it(practice: Practice) -> None:
    appointment = make_reminder().appointment
    practice.wait_at(local(7, 30))
    form = {"location": appointment.location_id, "provider": appointment.provider_id, "day": "2026-07-15"}
    form |= {"at": "10:30", "minutes": "30", "save": "1"}
    practice.office.post(f"/appointments/{appointment.pk}/move/", form)
    appointment.refresh_from_db()
    assert appointment.revision == 2


def undo_an_arrival(practice: Practice) -> None:
    visit_id = make_reminder().appointment_id
    practice.wait_at(local(7, 30))
    record_attendance(visit_id, "arrived")  # as a list may say it before the day
    practice.go_to(local(9, 1))
    assert not practice.run_worker()
    assert practice.reminder.state == "skipped"
    practice.office.post(f"/appointments/{visit_id}/attendance/", {"status": "booked"})


def confirm_it(practice: Practice) -> None:
    make_reminder()
    practice.wait_at(local(7, 30))
    practice.office.post(f"/appointments/{practice.reminder.appointment_id}/confirm/")


def remind_everyone(practice: Practice) -> None:
    confirm_it(practice)
    practice.edit_step(audience="everyone")


def activate_the_campaign(practice: Practice) -> None:
    make_reminder()
    pause_campaign(Campaign.objects.get())
    practice.wait_at(local(10))
    address = f"/campaigns/{Campaign.objects.get().pk}/activate/"
    shown = practice.office.get(address).context["proposed"].send.token
    practice.office.post(address, {"shown": shown, "deed": "send"})


def narrow_and_widen_the_filter(practice: Practice) -> None:
    make_reminder()
    practice.wait_at(local(7, 30))
    edit_campaign(Campaign.objects.get(), practice.sam, kinds=["surgery"])
    assert practice.read_moment() is None
    edit_campaign(Campaign.objects.get(), practice.sam, kinds=[])


def resume_sending(practice: Practice) -> None:
    make_reminder()
    practice.office.post("/sending/pause/")
    practice.wait_at(local(10))
    paused_at = SendingSwitch.objects.get().paused_at
    assert paused_at is not None
    practice.office.post("/sending/resume/", {"deed": "send", "paused_at": paused_at.isoformat()})


def enter_a_number(practice: Practice) -> None:
    make_reminder(contact=make_contact(number=None))
    practice.wait_at(local(10))
    practice.edit_contact(number="(202) 555-0100")


def mark_the_number_usable(practice: Practice) -> None:
    make_reminder()
    PhoneNumber.objects.update(unusable_since=timezone.now())
    practice.wait_at(local(10))
    practice.office.post(f"/contacts/{practice.contact.pk}/number-usable/")


def opt_in_again(practice: Practice) -> None:
    make_reminder()
    practice.wait_at(local(7, 30))
    PhoneNumber.objects.update(voice_opted_out_at=timezone.now())
    assert practice.read_moment() is None
    practice.office.post(
        f"/contacts/{practice.contact.pk}/opt-in/", {"scope": "voice", "reason": "asked for it today"}
    )


def record_consent(practice: Practice) -> None:
    make_reminder()
    PhoneNumber.objects.update(consent_basis="none")
    practice.wait_at(local(10))
    given = {"consent_basis": "written", "evidence": "the form of today"}
    save_in_admin(practice.office, PhoneNumber.objects.get(), **given)


def record_required_consent(practice: Practice) -> None:
    """While it waits for the calling hours."""
    make_reminder()
    practice.wait_at(local(7, 30))
    Campaign.objects.update(consent="written")
    assert practice.read_moment() is None
    record_the_basis(practice)


def record_required_consent_late(practice: Practice) -> None:
    """After it was skipped, while there is time (product rule 41)."""
    make_reminder()
    Campaign.objects.update(consent="agreed")
    practice.go_to(local(9, 1))
    assert not practice.run_worker()
    assert practice.reminder.reason == "consent_lacking"
    record_the_basis(practice)


def record_the_basis(practice: Practice) -> None:
    practice.office.post(
        f"/contacts/{practice.contact.pk}/consent/", {"basis": "written", "evidence": "the form of today"}
    )


def opt_in_the_other_number(practice: Practice) -> None:
    make_reminder()
    other = make_number("+12025550142", voice_opted_out_at=timezone.now())
    practice.wait_at(local(7, 30))
    Contact.objects.update(other_phone=other, other_phone_use="unreachable")
    assert practice.read_moment() is None
    practice.office.post(
        f"/contacts/{practice.contact.pk}/opt-in/",
        {"number": other.pk, "scope": "voice", "reason": "asked for it today"},
    )


def repair_the_script(practice: Practice) -> None:
    make_reminder(script=Script.objects.create(name="Empty"))
    practice.wait_at(local(10))
    by, script = make_user("ada", role=""), Script.objects.get()
    draft = save_draft(script.pk, "en", text=ENGLISH, voice="", seen="", by=by)
    publish_text(draft.pk, seen=fingerprint_text(draft), by=by)


def widen_the_hours(practice: Practice) -> None:
    make_reminder()
    practice.wait_at(local(7, 30))
    save_in_admin(practice.office, Location.objects.get(), calling_opens="08:15")


def narrow_the_hours(practice: Practice) -> None:
    make_reminder()
    practice.wait_at(local(7, 30))
    save_in_admin(practice.office, Location.objects.get(), calling_opens="10:30")


def remove_a_closed_day(practice: Practice) -> None:
    make_reminder()
    day = ClosedDay.objects.create(location=Location.objects.get(), date=local(9).date())
    Location.objects.update(calling_opens=time(8))  # so that Wednesday is not too late
    practice.wait_at(local(8, 30))
    assert practice.read_moment() == local(8, day=15)
    practice.office.post(f"/admin/contacts/closedday/{day.pk}/delete/", {"post": "yes"})


def enter_a_closed_day(practice: Practice) -> None:
    make_reminder()
    Location.objects.update(calling_opens=time(8))
    practice.go_to(local(7, 30))
    practice.wait_at(local(7, 40))
    day = {"closed_days-0-date": "2026-07-14", "closed_days-TOTAL_FORMS": "1"}
    save_in_admin(practice.office, Location.objects.get(), **day)


def correct_a_persons_zone(practice: Practice) -> None:
    make_reminder(contact=make_contact(time_zone="America/Los_Angeles"))
    practice.wait_at(local(7, 30))
    assert practice.read_moment() == local(12)
    practice.edit_contact(time_zone="America/Halifax")  # an hour ahead of New York


def correct_the_locations_zone(practice: Practice) -> None:
    make_reminder()
    practice.wait_at(local(7, 30))
    zones = {"time_zone": "America/Halifax", "seen": "America/New_York"}
    practice.office.post(f"/locations/{Location.objects.get().pk}/time-zone/", zones)


def send_late_ones_only_at_once(practice: Practice) -> None:
    make_reminder()  # booked at 7:30
    practice.wait_at(local(7, 31))
    assert practice.read_moment() == local(9)
    practice.edit_step(if_late="now")


def call_now(practice: Practice) -> None:
    make_reminder(at=time(15))
    practice.go_to(local(10))
    practice.office.post(f"/reminders/{practice.reminder.pk}/call/")


def keep_the_line_busy(practice: Practice) -> None:
    make_reminder()
    practice.go_to(local(10))
    make_other_call(practice, state="submitted")
    practice.settings.CAP_PER_DAY = 0
    practice.wait_at(local(10) + timedelta(seconds=30))
    CallRecord.objects.update(state="no_answer", ended_at=timezone.now())


def raise_the_cap(practice: Practice) -> None:
    make_reminder()
    practice.go_to(local(10))
    make_other_call(practice, state="answered")
    Location.objects.update(calling_opens=time(8))
    practice.wait_at(local(10, 1))
    assert practice.read_moment() == local(8, day=15)
    practice.settings.CAP_PER_DAY = 2
    find_early_looks()


def end_a_counted_call(practice: Practice) -> None:
    make_reminder()
    practice.go_to(local(10))
    make_other_call(practice, state="submitted")
    practice.wait_at(local(10, 3))
    assert practice.reminder.reason == "held_by_cap"
    CallRecord.objects.update(state="no_answer", ended_at=timezone.now())
    find_early_looks()


def tell_them_of_this_visit(practice: Practice) -> None:
    reminder = make_reminder()
    Location.objects.update(calling_opens=time(9, 45))  # tomorrow's first hour is too late
    practice.go_to(local(10))
    make_call(make_step_for(reminder), state="answered")


def lift_the_pace(practice: Practice) -> None:
    Location.objects.update(calls_per_minute=1)
    practice.go_to(local(10))
    reminders = [make_reminder(contact=make_contact(number=f"+120255501{last:02}")) for last in range(20, 40)]
    Appointment.objects.filter(reminders__in=reminders[:-1]).update(starts_at=VISIT - timedelta(minutes=1))
    practice.run_worker()
    assert practice.reminder.next_look_at > local(10, 15)
    save_in_admin(practice.office, Location.objects.get(), calls_per_minute="")


REAL = "https://api.robotalker.example"


def resume_the_location(practice: Practice) -> None:
    make_reminder()
    address = f"/locations/{Location.objects.get().pk}"
    practice.office.post(f"{address}/pause/", {"reason": "a burst pipe"})
    practice.wait_at(local(10))
    assert practice.reminder.reason == "location_paused"
    paused_at = Location.objects.get().paused_at
    assert paused_at is not None
    practice.office.post(f"{address}/resume/", {"deed": "send", "paused_at": paused_at.isoformat()})


def leave_sandbox_mode(practice: Practice) -> None:
    make_reminder()
    verify_the_number(practice)
    practice.settings.ROBOTALKER_BASE_URL = REAL
    choose_mode(SendingMode.SANDBOX, by=practice.sam)
    practice.wait_at(local(10))
    assert practice.reminder.reason == "sandbox_mode"
    choose_mode(SendingMode.TRIAL, by=practice.sam)


def go_back_to_the_sandboxs_address(practice: Practice) -> None:
    make_reminder()
    practice.settings.ROBOTALKER_BASE_URL = REAL
    choose_mode(SendingMode.SANDBOX, by=practice.sam)
    practice.wait_at(local(10))
    practice.settings.ROBOTALKER_BASE_URL = "http://127.0.0.1:8765"
    find_early_looks()


def go_live(practice: Practice) -> None:
    make_reminder()
    choose_mode(SendingMode.TRIAL, by=practice.sam)
    practice.wait_at(local(8))
    choose_mode(SendingMode.LIVE, by=practice.sam)


def make_them_up(practice: Practice) -> None:
    make_reminder()
    practice.settings.ROBOTALKER_BASE_URL = REAL
    choose_mode(SendingMode.LIVE, by=practice.sam)
    Contact.objects.update(is_demo=True)


def verify_on_trial(practice: Practice) -> None:
    make_reminder()
    choose_mode(SendingMode.TRIAL, by=practice.sam)
    practice.wait_at(local(7, 30))
    assert practice.read_moment() is None
    verify_the_number(practice)


def use_the_trial_up(practice: Practice) -> None:
    reminder = make_reminder()
    verify_the_number(practice)
    choose_mode(SendingMode.TRIAL, by=practice.sam)
    practice.settings.CAP_PER_DAY = practice.settings.CAP_PER_WEEK = 0
    practice.go_to(local(10))
    make_other_call(practice, state="no_answer")
    [call] = CallRecord.objects.all()
    for number in range(20):
        call.pk, call.public_id, call.batch, call.mode = None, f"trial-{number}", None, "trial"
        call.try_number = number + 2
        call.save(force_insert=True)
    assert reminder.pk == practice.reminder.pk


def verify_the_number(practice: Practice) -> None:
    PhoneNumber.objects.update(verified_at=timezone.now(), verified_by=practice.sam)


def make_other_call(practice: Practice, *, state: str) -> None:
    """A call to the same number for another visit, on another day."""
    visit = make_appointment(practice.contact, starts_at=VISIT - timedelta(days=1, hours=-5))
    reminder = Reminder.objects.create(
        appointment=visit,
        step=Step.objects.get(),
        revision=1,
        state="done",
        **dict.fromkeys(("due_at", "not_after", "next_look_at"), timezone.now()),
    )
    make_call(reminder, state=state)


def make_step_for(reminder: Reminder) -> Reminder:
    """A reminder of another step for the same visit."""
    other = make_step(elapsed=timedelta(hours=30))
    times = dict.fromkeys(("due_at", "not_after", "next_look_at"), timezone.now())
    return Reminder.objects.create(
        appointment=reminder.appointment, step=other, revision=1, state="done", **times
    )


NOW = "now"
WAYS: dict[str, list[tuple[Callable[[Practice], None], datetime | str | None]]] = {
    "not_before": [(edit_the_time, local(11))],
    "not_after": [(edit_the_last_moment, None)],
    "revision": [(move_it, local(9))],
    "appointment_revision": [(move_it, local(9))],
    "appointment_status": [(undo_an_arrival, NOW)],
    "answer": [(confirm_it, None)],
    "audience": [(remind_everyone, local(9))],
    "campaign_active": [(activate_the_campaign, NOW)],
    "covered": [(narrow_and_widen_the_filter, local(9))],
    "sending_paused": [(resume_sending, NOW)],
    "has_number": [(enter_a_number, NOW)],
    "number_unusable": [(mark_the_number_usable, NOW)],
    "opted_out": [(opt_in_again, local(9))],
    "refusal": [(take_back_a_wish, NOW)],
    "has_consent": [(record_consent, NOW)],
    "consent_lacking": [(record_required_consent, local(9)), (record_required_consent_late, NOW)],
    "other_number_opted_out": [(opt_in_the_other_number, local(9))],
    "has_script": [(repair_the_script, NOW)],
    "hours": [
        (widen_the_hours, local(8, 15)),
        (narrow_the_hours, local(10, 30)),
        (remove_a_closed_day, NOW),
        (enter_a_closed_day, local(8, day=15)),
    ],
    "zones": [(correct_a_persons_zone, local(8)), (correct_the_locations_zone, local(8))],
    "ordered": [(call_now, NOW)],
    "at_once_from": [(send_late_ones_only_at_once, None)],
    "line_busy_until": [(keep_the_line_busy, local(10, 2))],
    "capped_until": [(raise_the_cap, NOW)],
    "cap_may_lift": [(end_a_counted_call, NOW)],
    "told_already": [(tell_them_of_this_visit, None)],
    "desk_busy_until": [(lift_the_pace, NOW)],
    "location_paused": [(resume_the_location, NOW)],
    "mode": [(leave_sandbox_mode, NOW)],
    "is_real": [(go_back_to_the_sandboxs_address, NOW)],
    "is_demo": [(make_them_up, None)],
    "number_verified": [(verify_on_trial, local(9))],
    "trial_full": [(use_the_trial_up, None)],
    "due_before_live": [(go_live, None)],
}
CASES = [(field, *way) for field, ways in WAYS.items() for way in ways]


def test_there_is_a_way_for_each_field_on_which_a_decision_depends() -> None:
    assert set(WAYS) == set(Situation._fields)


@pytest.mark.parametrize(
    ("field", "change", "expected"), CASES, ids=[f"{c[0]}-{c[1].__name__}" for c in CASES]
)
def test_the_moment_that_the_page_names_is_the_moment_at_which_a_worker_calls(
    practice: Practice, field: str, change: Callable[[Practice], None], expected: datetime | str | None
) -> None:
    change(practice)
    named = practice.read_moment()
    if expected is None:
        assert named is None
        for moment in (local(9), local(12), local(9, day=15)):
            if moment > timezone.now():
                practice.go_to(moment + SOON)
                assert not practice.run_worker()
        return
    assert named is not None
    assert abs(named - (timezone.now() if isinstance(expected, str) else expected)) < SOON
    if expected != NOW:
        practice.go_to(named - timedelta(minutes=1))
        assert not practice.run_worker(), "too early"
        practice.go_to(named + timedelta(seconds=3))
    assert practice.run_worker()


def test_a_closed_day_that_was_entered_by_mistake_and_removed_has_ended_nothing(practice: Practice) -> None:
    """Seen: tomorrow's 8:15 was finally missed at once."""
    make_reminder()
    practice.wait_at(local(7, 30))
    location = Location.objects.get()
    closed = {"closed_days-0-date": "2026-07-14", "closed_days-TOTAL_FORMS": "1"}
    save_in_admin(practice.office, location, **closed)
    practice.go_to(local(7, 31))
    assert not practice.run_worker()
    assert practice.reminder.state == "planned"
    practice.office.post(f"/admin/contacts/closedday/{ClosedDay.objects.get().pk}/delete/", {"post": "yes"})
    assert practice.read_moment() == local(9)
