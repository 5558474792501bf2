"""A small practice over the real tables, and all that staff, workers and Robotalker may do to it.

Each deed is the real function; the witness hears of what an outsider would. Robotalker's side of a POST is
played by deciding whether it arrived and what the worker hears of it.
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
from reminders.desk.worklist import AlreadyResolved, resolve_follow_up, resolve_unknown_outcome
from reminders.dispatch.claims import Claim, claim_due
from reminders.dispatch.submission import (
    Submission,
    SubmissionResult,
    open_batch,
    open_singles,
    record_results,
)
from reminders.models import CallRecord, FollowUp, Reminder, Step
from reminders.planning.planner import replan_campaign
from reminders.robotalker import errors
from reminders.rules.states import REMINDER_PENDING
from reminders.traffic.callback_urls import ACCOUNT_CALLBACK, Callback
from reminders.traffic.switch import read_switch
from tests.nine_rules.forger import tell_lies
from tests.nine_rules.witness import CALL_NEWS, TEXT_NEWS, News, Try, Visit, Witness
from tests.people import make_campaign, make_contact, make_location, make_script, make_step
from webhooks.applying import apply_event, apply_events
from webhooks.inbox import store_event
from webhooks.models import WebhookEvent

START = datetime(2027, 3, 12, 15, 0, tzinfo=UTC)  # 10:00 in New York, two days before its clocks change
NEW_YORK, LOS_ANGELES = "America/New_York", "America/Los_Angeles"
NOAH = "+12135550142"
TEXT = "Visit of {FIRST_NAME} on {APPT_DATE}, {APPT_TIME}. Reply 1 to confirm."
LEASE = timedelta(seconds=60)
MOST_VISITS = 9

Fate = tuple[bool, errors.RobotalkerError | None]
ACCEPTED: Fate = (True, None)
FATES: list[Fate] = [
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
"""What becomes of a POST: whether Robotalker has the call then, and what the worker hears (None: its id)."""
Item = TypeVar("Item")


class HeldClaim(NamedTuple):
    """What a worker believes to hold."""

    claim: Claim
    since: datetime


def make_practice() -> None:
    """One place in New York; Sarah and Sam share a phone, Noah is in Los Angeles; two steps."""
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
    """One of them, by a number that doesn't depend on how many there are."""
    return items[which % len(items)]


class Practice:
    """The practice of make_practice(), with what is on its way just now."""

    def __init__(self) -> None:
        self.witness = Witness()
        self.place = Location.objects.get()
        self.people = list(Contact.objects.select_related("phone").order_by("pk"))
        self.staff = User.objects.get()
        self.steps = {step.pk: step for step in Step.objects.select_related("campaign")}
        self.claims: list[HeldClaim] = []
        self.ready: list[Submission] = []  # `submitting` is committed, the POST not begun
        self.answered: list[SubmissionResult] = []  # Robotalker has answered, the worker hasn't recorded it
        self.stored: list[tuple[int, Try, News]] = []  # events at the door, not yet applied
        self.told: list[tuple[Callback, bytes]] = []

    # --- staff ------------------------------------------------------------------------------------

    def book(self, who: int, minutes: int) -> None:
        """Book a visit so many minutes ahead."""
        if len(self.witness.visits) >= MOST_VISITS:
            return
        starts_at = timezone.now().replace(second=0, microsecond=0) + timedelta(minutes=minutes)
        contact = pick(self.people, who)
        visit = book_and_plan(
            contact=contact,
            location=self.place,
            provider=None,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=30),
        )
        zone = ZoneInfo(contact.time_zone or NEW_YORK)
        self.witness.visits[visit.pk] = Visit(starts_at, ZoneInfo(NEW_YORK), zone)

    def move(self, which: int, minutes: int) -> None:
        """Move a visit by so many minutes, forward or back, but not into the past."""
        pk, visit = self._pick_visit(which)
        starts_at = max(visit.starts_at + timedelta(minutes=minutes), timezone.now().replace(microsecond=0))
        if visit.status == Appointment.Status.BOOKED:
            moved = move_and_replan(pk, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=30))
            visit.starts_at, visit.revision = starts_at, moved.revision
            self.check_nothing_waits_for_an_old_time(pk)

    def change_status(self, which: int, to: str) -> None:
        """Cancel it, book it again, or record that the patient came."""
        pk, visit = self._pick_visit(which)
        try:
            if to == "cancelled":
                cancel_and_withdraw(pk, by=self.staff)
            elif visit.status == "cancelled" and to == "booked":
                visit.revision = reinstate_and_plan(pk, by=self.staff).revision
            else:
                record_attendance(pk, to, by=self.staff)
        except AppointmentClosed:
            return
        visit.status = to
        self.check_nothing_waits_for_an_old_time(pk)

    def change_consent(self, e164: str, no: str) -> None:
        """Opt a number out of "voice", "sms" or "all"; or with "" in again, as one that can be called."""
        number = PhoneNumber.objects.get(e164=e164)
        now = timezone.now()
        if no:
            record_optout(number.pk, scope=no, source="staff", at=now, by=self.staff)
            self.witness.no[e164] |= {"voice", "sms"} if no == "all" else {no}
        else:
            record_optin(number.pk, scope="all", evidence="asked for it", by=self.staff, at=now)
            self.witness.no[e164].clear()
            mark_numbers_usable([number.pk])

    def order(self, which: int) -> None:
        """Call now."""
        reminder = pick(list(Reminder.objects.order_by("pk")), which)
        try:
            order_call(reminder.pk, by=self.staff)
        except OrderRefused:
            return
        self.witness.ordered.add(reminder.pk)

    def skip(self, which: int) -> None:
        """Don't send this one."""
        reminder = pick(list(Reminder.objects.order_by("pk")), which)
        try:
            skip_reminder(reminder.pk, by=self.staff)
        except OrderRefused:
            return

    def work_the_worklist(self, which: int, call_again: bool) -> None:
        """Settle an entry; a call of unknown outcome with or without another call."""
        entries = list(FollowUp.objects.order_by("pk"))
        if not entries:
            return
        entry = pick(entries, which)
        call_again = call_again and entry.kind == FollowUp.Kind.UNKNOWN_OUTCOME
        try:
            if call_again:
                resolve_unknown_outcome(entry.pk, by=self.staff, call_again=True)
            else:
                resolve_follow_up(entry.pk, by=self.staff, note="seen to")
        except (OrderRefused, AlreadyResolved):
            return
        if call_again and entry.call_id:
            ordered = Reminder.objects.filter(pk__in=self.witness.tries[entry.call_id].reminder_ids)
            self.witness.ordered |= set(ordered.filter(ordered_by=self.staff).values_list("pk", flat=True))

    def edit_a_step(self, minutes: int) -> None:
        """Give the step that counts in hours another moment."""
        step = next(step for step in self.steps.values() if step.elapsed)
        step.elapsed = timedelta(minutes=minutes)
        step.save()
        replan_campaign(step.campaign)

    # --- workers ----------------------------------------------------------------------------------

    def claim(self, most: int) -> None:
        """A worker claims what is due."""
        claim = claim_due(most)
        running = [held.claim for held in self.claims if timezone.now() - held.since < LEASE]
        theirs = Reminder.objects.filter(claim__in=[held.token for held in running], state="claimed")
        assert not theirs.filter(pk__in=claim.reminder_ids).exists(), "rule 7: nobody claims what is claimed"
        if claim.reminder_ids:
            self.claims.append(HeldClaim(claim, timezone.now()))

    def open(self, which: int, as_campaign: bool) -> None:
        """A worker opens what it has claimed, be it late; a second look at the same claim finds nothing."""
        if not self.claims:
            return
        claim, since = pick(self.claims, which)
        look = open_batch if as_campaign else open_singles
        self.witness.paused = read_switch().paused_at is not None
        in_time = timezone.now() - since < LEASE
        submissions = look(claim.reminder_ids, claim.token, read_practice_config())
        assert in_time or not submissions, "rule 8: a lease that is over holds nothing"
        for submission in submissions:
            tries = {pk: step.max_tries for pk, step in self.steps.items()}
            self.witness.see_opened(submission.calls, timezone.now(), tries)
        self.ready += submissions
        assert not look(claim.reminder_ids, claim.token, read_practice_config()), (
            "rule 1: nothing is opened twice"
        )

    def post(self, which: int, fate: Fate) -> None:
        """A POST is made, and answered or not."""
        if not self.ready:
            return
        submission = self.ready.pop(which % len(self.ready))
        arrived, error = fate
        for call in submission.calls:
            self.witness.tries[call.pk].accepted = arrived
        first = submission.batch or submission.calls[0]
        self.answered.append(SubmissionResult(submission, "" if error else f"cal_{first.public_id}", error))

    def record_the_answer(self, which: int) -> None:
        """The worker writes down what it heard."""
        if not self.answered:
            return
        result = self.answered.pop(which % len(self.answered))
        record_results([result])
        silent = CallRecord.objects.filter(
            pk__in=[call.pk for call in result.submission.calls], state__in=["submitting", "unknown"]
        )
        assert result.error or not silent.exists(), "rule 8: a late answer is an answer"
        for call in result.submission.calls:
            known = self.witness.tries[call.pk]
            known.refused = not known.accepted and not isinstance(result.error, errors.MayHaveArrived)

    def lose_a_worker(self, what: str, which: int) -> None:
        """Whatever it held is gone with it: a claim, a call before its POST, an answer."""
        held: list[object] = {"claim": self.claims, "call": self.ready, "answer": self.answered}[what]  # type: ignore[assignment]
        if held:
            held.pop(which % len(held))

    # --- Robotalker ---------------------------------------------------------------------------------

    def tell(self, which: int, what: int, seconds_ago: int) -> None:
        """An event of an accepted call comes in, though the worker may not know yet that it was accepted."""
        if not self.witness.ledger:
            return
        known = pick(self.witness.ledger[::-1], which)
        news = pick(TEXT_NEWS if known.channel == "sms" else CALL_NEWS, what)
        subject = ("b", known.batch_id) if known.batch_id else ("c", known.public_id)
        body = news.write(known, timezone.now() - timedelta(seconds=seconds_ago))
        event = (Callback(*subject, news.purpose), body)
        if event_id := store_event(*event, "application/json"):
            self.stored.append((event_id, known, news))
            self.told.append(event)

    def apply_what_is_stored(self) -> None:
        """All together, as the sweep does."""
        states = apply_events([event_id for event_id, _, _ in self.stored])
        assert set(states.values()) <= {"applied"}, "each is of its own call"
        for _, known, news in self.stored:
            self.witness.hear(known, news)
        self.stored.clear()

    def deliver(self, callback: Callback, body: bytes) -> str:
        """Store an event and apply it: what became of it, "" for nothing."""
        event_id = store_event(callback, body, "application/json")
        return apply_event(event_id) if event_id else ""

    def tell_a_lie(self, which: int, what: int) -> None:
        """Somebody who isn't Robotalker, or a Robotalker gone mad, knocks at the door about a call."""
        if not self.witness.tries:
            return
        known = pick(list(self.witness.tries.values())[::-1], which)
        lie = pick(tell_lies(CallRecord.objects.select_related("number").get(pk=known.pk)), what)
        stored = WebhookEvent.objects.count()
        answer = Client().generic("POST", lie.path, lie.body, content_type="application/json")
        assert (answer.status_code, answer.content) == (lie.status, b""), "rule 4: a lie is refused"
        kept = WebhookEvent.objects.order_by("-pk")[: WebhookEvent.objects.count() - stored]
        assert lie.status == 200 or not kept, "rule 4: what has no good address isn't even stored"
        assert {event.state for event in kept} <= {"quarantined"}, "rule 4: what can't be is kept apart"

    def opt_out_without_a_call(self, e164: str) -> None:
        """Robotalker says that this number wants nothing more."""
        body = News("", "optouts", {"event": "contact.optout", "to": e164}).write(None, timezone.now())
        if self.deliver(ACCOUNT_CALLBACK, body):  # else it is a repetition
            self.witness.no[e164] |= {"voice", "sms"}

    def check_nothing_waits_for_an_old_time(self, *only: int) -> None:
        """By planning, and by a move or a cancellation itself, such reminders are withdrawn at once."""
        for pk, visit in self.witness.visits.items():
            waiting = Reminder.objects.filter(appointment=pk, state__in=REMINDER_PENDING)
            pointless = waiting if visit.status == "cancelled" else waiting.exclude(revision=visit.revision)
            if not only or pk in only:
                assert not pointless.exists(), "rule 6: what is cancelled or moved is withdrawn"

    def _pick_visit(self, which: int) -> tuple[int, Visit]:
        return pick(list(self.witness.visits.items()), which)
