"""A small practice in the real tables, and the actions of staff, workers and Robotalker on it.

Each action calls the real function and records what is visible from outside in a ReferenceModel. Robotalker
is simulated: for each POST it is chosen whether the call was accepted and which answer the worker gets.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from contacts.appointments import AppointmentClosed, record_attendance
from contacts.models import Appointment, Contact, Location, PhoneNumber
from contacts.optouts import record_optin, record_optout
from contacts.people import mark_numbers_usable
from reminders.deciding.situations import read_practice_config
from reminders.desk.bookings import book_and_plan, cancel_and_withdraw, move_and_replan, reinstate_and_plan
from reminders.desk.orders import OrderRefused, order_call, skip_reminder
from reminders.desk.worklist import AlreadyResolved
from reminders.desk.worklist_endings import resolve_follow_up, resolve_unknown_outcome
from reminders.dispatch.claims import Claim, claim_due
from reminders.dispatch.submission import (
    Accepted,
    Submission,
    SubmissionResult,
    open_batch,
    open_singles,
    record_results,
)
from reminders.models import CallRecord, FollowUp, Reminder, Step
from reminders.planning.replanning import replan_steps
from reminders.robotalker import errors
from reminders.rules.states import REMINDER_PENDING
from reminders.traffic.callback_urls import ACCOUNT_CALLBACK, Callback
from reminders.traffic.switch import read_switch
from tests.nine_rules.forged_requests import build_forged_requests
from tests.nine_rules.reference_model import (
    CALL_EVENTS,
    SMS_EVENTS,
    KnownAppointment,
    KnownCall,
    ReferenceModel,
    RobotalkerEvent,
)
from tests.people import make_campaign, make_contact, make_location, make_script, make_step
from webhooks.applying import apply_event, apply_events
from webhooks.inbox import store_event
from webhooks.models import WebhookEvent

START = datetime(2027, 3, 12, 15, 0, tzinfo=UTC)  # 10:00 in New York, two days before the clocks change
NEW_YORK, LOS_ANGELES = "America/New_York", "America/Los_Angeles"
NOAH = "+12135550142"
TEXT = "{PRACTICE}: {FIRST_NAME}, {APPT_DATE}, {APPT_TIME}. {CALLBACK_NUMBER}. 1=yes, STOP=end."
LEASE = timedelta(seconds=60)
MOST_APPOINTMENTS = 9

PostResult = tuple[bool, errors.RobotalkerError | None]
ACCEPTED: PostResult = (True, None)
POST_RESULTS: list[PostResult] = [
    ACCEPTED,
    (True, errors.ReadTimedOut()),
    (True, errors.AnswerUnusable(status=200)),
    (False, errors.ConnectionLost()),
    (False, errors.ConnectionRefused()),
    (False, errors.Rejected("message too long", status=400)),
    (False, errors.Rejected("not a number", status=400, field="to")),
    (False, errors.Unauthorized(status=401)),
    (False, errors.RateLimited(status=429, retry_after=5.0)),
    (False, errors.ServerError(status=500)),
]
"""Results of a POST: whether Robotalker accepted the call, and the worker's error (None: it gets the id)."""
Item = TypeVar("Item")


class HeldClaim(NamedTuple):
    """A claim that a worker may still use, and when it was made."""

    claim: Claim
    since: datetime


def make_practice() -> None:
    """Create a location in New York and two steps. Sarah and Sam share a phone; Noah is in Los Angeles."""
    make_location(time_zone=NEW_YORK, calling_opens=time(9), calling_closes=time(19))
    sarah = make_contact()
    Contact.objects.create(first_name="Sam", last_name="Lindqvist", phone=sarah.phone)
    make_contact("Noah", number=NOAH, time_zone=LOS_ANGELES)
    make_script()
    campaign = make_campaign(activated_at=START - timedelta(days=30))
    make_step(
        campaign,
        timing_kind="days_before",
        days=1,
        at=time(10),
        elapsed=timedelta(0),
        retry_wait=timedelta(minutes=20),
        fallback_script=make_script(TEXT, name="Text"),
    )
    make_step(campaign, max_tries=1)
    User.objects.create(username="sam")


def pick(items: Sequence[Item], which: int) -> Item:
    """Return an item by any non-negative number, or the last one by -1; wraps around at the end."""
    return items[which % len(items)]


class SimulatedPractice:
    """The practice of make_practice(), with the claims, calls, answers and events in progress."""

    def __init__(self) -> None:
        self.model = ReferenceModel()
        self.location = Location.objects.get()
        self.people = list(Contact.objects.select_related("phone").order_by("pk"))
        self.staff = User.objects.get()
        self.steps = {step.pk: step for step in Step.objects.select_related("campaign")}
        self.claims: list[HeldClaim] = []
        self.ready: list[Submission] = []  # `submitting` is committed, the POST hasn't started
        self.answered: list[SubmissionResult] = []  # Robotalker has answered, the worker hasn't recorded it
        self.stored: list[tuple[int, KnownCall, RobotalkerEvent]] = []  # events stored, not yet applied
        self.sent_events: list[tuple[KnownCall, RobotalkerEvent, Callback, bytes]] = []

    # --- staff ------------------------------------------------------------------------------------

    def book(self, who: int, minutes: int) -> None:
        """Book an appointment so many minutes from now."""
        if len(self.model.appointments) >= MOST_APPOINTMENTS:
            return
        starts_at = timezone.now().replace(second=0, microsecond=0) + timedelta(minutes=minutes)
        contact = pick(self.people, who)
        appointment = book_and_plan(
            contact=contact,
            location=self.location,
            provider=None,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=30),
        )
        zone = ZoneInfo(contact.time_zone or NEW_YORK)
        self.model.appointments[appointment.pk] = KnownAppointment(starts_at, ZoneInfo(NEW_YORK), zone)

    def move(self, which: int, minutes: int) -> None:
        """Move an appointment by so many minutes, forward or back, but not into the past."""
        pk, known = self._pick_appointment(which)
        starts_at = max(known.starts_at + timedelta(minutes=minutes), timezone.now().replace(microsecond=0))
        if known.status == Appointment.Status.BOOKED:
            moved = move_and_replan(pk, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=30))
            known.starts_at, known.revision = starts_at, moved.revision
            self.check_outdated_reminders_are_withdrawn(pk)

    def change_status(self, which: int, to: str) -> None:
        """Cancel an appointment, book it again, or record that the patient came."""
        pk, known = self._pick_appointment(which)
        try:
            if to == "cancelled":
                cancel_and_withdraw(pk, by=self.staff)
            elif known.status == "cancelled" and to == "booked":
                known.revision = reinstate_and_plan(pk, by=self.staff).revision
            else:
                record_attendance(pk, to, by=self.staff)
        except AppointmentClosed:
            return
        known.status = to
        self.check_outdated_reminders_are_withdrawn(pk)

    def change_consent(self, e164: str, optout: str) -> None:
        """Opt a number out of "voice", "sms" or "all"; with "", opt it in again and mark it usable."""
        number = PhoneNumber.objects.get(e164=e164)
        now = timezone.now()
        if optout:
            record_optout(number.pk, scope=optout, source="staff", at=now, by=self.staff)
            self.model.opted_out[e164] |= {"voice", "sms"} if optout == "all" else {optout}
        else:
            record_optin(number.pk, scope="all", evidence="asked for reminders", by=self.staff, at=now)
            self.model.opted_out[e164].clear()
            mark_numbers_usable([number.pk], by=None)

    def order(self, which: int) -> None:
        """Order a call now."""
        reminder = pick(list(Reminder.objects.order_by("pk")), which)
        try:
            order_call(reminder.pk, by=self.staff)
        except OrderRefused:
            return
        self.model.ordered.add(reminder.pk)

    def skip(self, which: int) -> None:
        """Skip a reminder."""
        reminder = pick(list(Reminder.objects.order_by("pk")), which)
        try:
            skip_reminder(reminder.pk, by=self.staff)
        except OrderRefused:
            return

    def resolve_follow_up(self, which: int, call_again: bool) -> None:
        """Resolve a follow-up; one about a call of unknown outcome with or without another call."""
        follow_ups = list(FollowUp.objects.order_by("pk"))
        if not follow_ups:
            return
        follow_up = pick(follow_ups, which)
        call_again = call_again and follow_up.kind == FollowUp.Kind.UNKNOWN_OUTCOME
        try:
            if call_again:
                resolve_unknown_outcome(follow_up.pk, by=self.staff, call_again=True)
            else:
                resolve_follow_up(follow_up.pk, by=self.staff, note="called back")
        except (OrderRefused, AlreadyResolved):
            return
        if call_again and follow_up.call_id:
            ordered = Reminder.objects.filter(pk__in=self.model.calls[follow_up.call_id].reminder_ids)
            self.model.ordered |= set(ordered.filter(ordered_by=self.staff).values_list("pk", flat=True))

    def edit_a_step(self, minutes: int) -> None:
        """Change how long before the appointment the step that counts in hours is sent."""
        step = next(step for step in self.steps.values() if step.elapsed)
        step.elapsed = timedelta(minutes=minutes)
        step.save()
        replan_steps([step.pk])

    # --- workers ----------------------------------------------------------------------------------

    def claim(self, most: int) -> None:
        """A worker claims due reminders."""
        claim = claim_due(most)
        running = [held.claim for held in self.claims if timezone.now() - held.since < LEASE]
        claimed_before = Reminder.objects.filter(claim__in=[held.token for held in running], state="claimed")
        assert not claimed_before.filter(pk__in=claim.reminder_ids).exists(), (
            "rule 7: a claimed reminder can't be claimed again"
        )
        if claim.reminder_ids:
            self.claims.append(HeldClaim(claim, timezone.now()))

    def open(self, which: int, as_campaign: bool) -> None:
        """A worker opens its claim, perhaps too late; opening the same claim again finds nothing."""
        if not self.claims:
            return
        claim, since = pick(self.claims, which)
        open_claim = open_batch if as_campaign else open_singles
        self.model.paused = read_switch().paused_at is not None
        in_time = timezone.now() - since < LEASE
        submissions = open_claim(claim.reminder_ids, claim.token, read_practice_config())
        assert in_time or not submissions, "rule 8: nothing can be opened after the lease"
        for submission in submissions:
            tries = {pk: step.max_tries for pk, step in self.steps.items()}
            self.model.check_opened_calls(submission.calls, timezone.now(), tries)
        self.ready += submissions
        assert not open_claim(claim.reminder_ids, claim.token, read_practice_config()), (
            "rule 1: nothing can be opened twice"
        )

    def post(self, which: int, post_result: PostResult) -> None:
        """A worker makes a POST and gets the answer or an error."""
        if not self.ready:
            return
        submission = self.ready.pop(which % len(self.ready))
        accepted, error = post_result
        for call in submission.calls:
            self.model.calls[call.pk].accepted = accepted
        first = submission.batch or submission.calls[0]
        self.answered.append(
            SubmissionResult(submission, Accepted("" if error else f"cal_{first.public_id}"), error)
        )

    def record_post_result(self, which: int) -> None:
        """A worker records the answer to a POST."""
        if not self.answered:
            return
        result = self.answered.pop(which % len(self.answered))
        record_results([result])
        without_answer = CallRecord.objects.filter(
            pk__in=[call.pk for call in result.submission.calls], state__in=["submitting", "unknown"]
        )
        assert result.error or not without_answer.exists(), "rule 8: a late answer is recorded too"
        for call in result.submission.calls:
            known = self.model.calls[call.pk]
            known.refused = not known.accepted and not isinstance(result.error, errors.MayHaveArrived)

    def lose_a_worker(self, what: str, which: int) -> None:
        """A worker dies; its claim, its call before the POST, or the answer to a POST is lost."""
        held: list[object] = {"claim": self.claims, "call": self.ready, "answer": self.answered}[what]  # type: ignore[assignment]
        if held:
            held.pop(which % len(held))

    # --- Robotalker ---------------------------------------------------------------------------------

    def store_robotalker_event(self, which: int, what: int, seconds_ago: int) -> None:
        """An event about an accepted call arrives, perhaps before the worker has recorded the answer."""
        if not self.model.ledger:
            return
        known = pick(self.model.ledger[::-1], which)
        sent = pick(SMS_EVENTS if known.channel == "sms" else CALL_EVENTS, what)
        subject = ("b", known.batch_id) if known.batch_id else ("c", known.public_id)
        body = sent.write(known, timezone.now() - timedelta(seconds=seconds_ago))
        callback = Callback(*subject, sent.purpose)
        if event_id := store_event(callback, body, "application/json"):
            self.stored.append((event_id, known, sent))
            self.sent_events.append((known, sent, callback, body))

    def apply_stored_events(self) -> None:
        """Apply all stored events together, as the sweep does."""
        states = apply_events([event_id for event_id, _, _ in self.stored])
        assert set(states.values()) <= {"applied"}, "each event is about its own call"
        for _, known, sent in self.stored:
            self.model.record_event(known, sent)
        self.stored.clear()

    def deliver(self, callback: Callback, body: bytes) -> str:
        """Store an event and apply it; return its state, or "" if it wasn't stored."""
        event_id = store_event(callback, body, "application/json")
        return apply_event(event_id) if event_id else ""

    def send_forged_request(self, which: int, what: int) -> None:
        """Send a forged or malformed request about a call to the webhook endpoint."""
        if not self.model.calls:
            return
        known = pick(list(self.model.calls.values())[::-1], which)
        call = CallRecord.objects.select_related("number").get(pk=known.pk)
        forged = pick(build_forged_requests(call), what)
        stored = WebhookEvent.objects.count()
        answer = Client().generic("POST", forged.path, forged.body, content_type="application/json")
        assert (answer.status_code, answer.content) == (forged.status, b""), (
            "rule 4: a forged request is refused"
        )
        kept = WebhookEvent.objects.order_by("-pk")[: WebhookEvent.objects.count() - stored]
        assert forged.status == 200 or not kept, "rule 4: a request to an invalid address isn't stored"
        states = apply_events([event.pk for event in kept])
        assert set(states.values()) <= {"quarantined"}, "rule 4: an implausible event is quarantined"

    def opt_out_without_a_call(self, e164: str) -> None:
        """Robotalker reports on its account-wide address that this number opted out."""
        body = RobotalkerEvent("", "optouts", {"event": "contact.optout", "to": e164}).write(
            None, timezone.now()
        )
        if self.deliver(ACCOUNT_CALLBACK, body):  # otherwise it is a repeated event
            self.model.opted_out[e164] |= {"voice", "sms"}

    def check_outdated_reminders_are_withdrawn(self, *only: int) -> None:
        """Check that no reminder is pending for a cancelled appointment or an older revision.

        Moving, cancelling and planning withdraw such reminders immediately. `only`: these appointments.
        """
        for pk, known in self.model.appointments.items():
            pending = Reminder.objects.filter(appointment=pk, state__in=REMINDER_PENDING)
            outdated = pending if known.status == "cancelled" else pending.exclude(revision=known.revision)
            if not only or pk in only:
                assert not outdated.exists(), "rule 6: reminders of old times are withdrawn"

    def _pick_appointment(self, which: int) -> tuple[int, KnownAppointment]:
        return pick(list(self.model.appointments.items()), which)
