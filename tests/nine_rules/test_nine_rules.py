"""The rules that must always be true (docs/architecture.md), whatever happens in whatever order.

Hypothesis generates sequences of actions by staff, patients, beat, workers that die, and Robotalker, in any
order. After each action the rules are checked; at the end of a sequence every reminder must be finished.
`NINE_RULES=1000 make test ARGS="-k nine_rules"` runs 1000 sequences, different ones each time.
"""

import os
import sys
from datetime import timedelta
from itertools import chain

import pytest
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from pytest_django import Settings

from contacts.models import Appointment, PhoneNumber
from reminders.models import CallCompanion, CallRecord, FollowUp, Reminder
from reminders.planning.planner import plan_all
from reminders.rules.states import CALL_OPEN, REMINDER_PENDING
from reminders.sweeps.reconciliation import reconcile
from reminders.traffic.switch import pause_sending, resume_sending
from tests.nine_rules.log_leaks import PRIVATE, LogLeakDetector
from tests.nine_rules.simulated_practice import (
    ACCEPTED,
    LEASE,
    NOAH,
    POST_RESULTS,
    START,
    SimulatedPractice,
    make_practice,
    pick,
)
from tests.people import SARAH
from tests.two_clocks import TwoClocks
from webhooks.models import WebhookEvent

MANY = int(os.environ.get("NINE_RULES", "0"))
FEW = 5  # sequences in `make test`, the same ones each time
STEPS = 50
NUMBER = st.integers(0, 14)  # which item; the range never depends on how many items there are
# One Hypothesis rule for all actions: Hypothesis leaves most rules out of a sequence, so that with a rule per
# action few sequences would include a call.
ACTIONS = [
    *("dispatch", "dispatch_and_report") * 3,
    *("report", "let_time_pass", "reconcile", "store_event", "resolve_follow_up", "send_forged_request") * 2,
    *("claim", "open", "post", "record_post_result", "lose_a_worker", "repeat_event"),
    *("open_after_the_lease", "lose_a_worker_while_dispatching", "record_after_reconciliation"),
    *("book", "move", "change_status", "order", "skip", "change_consent", "edit_a_step", "switch_sending"),
    "plan",
]


class PracticeMachine(RuleBasedStateMachine):
    """One sequence of actions, in its own transaction. An action that isn't possible does nothing."""

    records_checked = 0  # log records, over all sequences
    tried: set[str] = set()  # actions, over all sequences

    def __init__(self) -> None:
        super().__init__()
        self._transaction = transaction.atomic()
        self._transaction.__enter__()
        self.clocks = TwoClocks(START)
        self.leak_detector = LogLeakDetector()
        self.leak_detector.attach()
        self.practice = SimulatedPractice()

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self._run_to_the_end()
        finally:
            self.leak_detector.detach()
            PracticeMachine.records_checked += self.leak_detector.record_count
            self.clocks.stop()
            transaction.set_rollback(True)
            self._transaction.__exit__(None, None, None)

    @initialize()
    def book_first_appointments(self) -> None:
        for who, minutes in [(0, 200), (1, 200), (2, 500), (0, 1600), (1, 700), (2, 3000)]:
            self.practice.book(who, minutes)

    @rule(action=st.sampled_from(ACTIONS), which=NUMBER, how=NUMBER)
    def act(self, action: str, which: int, how: int) -> None:
        self.tried.add(action)
        getattr(self, action)(which, how)

    # --- staff and patients -----------------------------------------------------------------------------

    def book(self, which: int, how: int) -> None:
        self.practice.book(which, minutes=pick([31, 75, 240, 600, 1500], how))

    def move(self, which: int, how: int) -> None:
        self.practice.move(which, minutes=pick([-1500, -240, -30, 0, 30, 240, 1500], how))

    def change_status(self, which: int, how: int) -> None:
        self.practice.change_status(which, to=pick(["cancelled", "booked", "arrived", "booked"], how))

    def order(self, which: int, _: int) -> None:
        self.practice.order(which)

    def skip(self, which: int, _: int) -> None:
        self.practice.skip(which)

    def resolve_follow_up(self, which: int, how: int) -> None:
        self.practice.resolve_follow_up(which, call_again=bool(how % 2))

    def change_consent(self, which: int, how: int) -> None:
        number, optout = (
            pick([SARAH, NOAH], which),
            pick(["voice", "", "sms", "", "all", "", "robotalker", ""], how),
        )
        if optout == "robotalker":
            self.practice.opt_out_without_a_call(number)
        else:
            self.practice.change_consent(number, optout)

    def edit_a_step(self, _: int, how: int) -> None:
        self.practice.edit_a_step(minutes=pick([90, 180, 300], how))

    def switch_sending(self, which: int, _: int) -> None:
        (resume_sending if which % 4 else pause_sending)(by=self.practice.staff)

    # --- beat and workers -----------------------------------------------------------------

    def let_time_pass(self, _: int, how: int) -> None:
        self.clocks.let_pass(timedelta(minutes=pick([1, 3, 12, 21, 45, 180], how)))

    def plan(self, _: int, __: int) -> None:
        plan_all()
        again = plan_all()
        assert (again.added, again.withdrawn) == (0, 0), "rule 7: planning again changes nothing"
        self.practice.check_outdated_reminders_are_withdrawn()

    def claim(self, _: int, how: int) -> None:
        self.practice.claim(most=1 + how)

    def open(self, which: int, how: int) -> None:
        self.practice.open(which, as_campaign=bool(how % 2))

    def post(self, which: int, how: int) -> None:
        self.practice.post(which, pick(POST_RESULTS, how))

    def record_post_result(self, which: int, _: int) -> None:
        self.practice.record_post_result(which)

    def lose_a_worker(self, which: int, how: int) -> None:
        self.practice.lose_a_worker(pick(["claim", "call", "answer"], how), which)

    def open_after_the_lease(self, _: int, how: int) -> None:
        """A worker stops between claiming and opening until its lease has expired."""
        self._claim_the_next()
        self.clocks.let_pass(LEASE + timedelta(seconds=how))
        self.practice.open(-1, as_campaign=bool(how % 2))

    def lose_a_worker_while_dispatching(self, which: int, how: int) -> None:
        """A worker dies before or after its POST, perhaps after an event arrived; reconciliation finds it."""
        self._claim_the_next()
        self.practice.open(-1, as_campaign=not which % 4)
        if which % 3:
            self.practice.post(-1, pick(POST_RESULTS[:4], how))
        if which % 2:
            self.report(0, how)
        self.practice.lose_a_worker("answer" if which % 3 else "call", -1)
        self.clocks.let_pass(LEASE + timedelta(seconds=how))
        self.reconcile(which, how)

    def record_after_reconciliation(self, which: int, how: int) -> None:
        """A slow worker records the answer to its POST after reconciliation has taken the call for lost."""
        self._claim_the_next()
        self.practice.open(-1, as_campaign=bool(which % 3))
        self.practice.post(-1, ACCEPTED)
        self.clocks.let_pass(LEASE + timedelta(seconds=how))
        self.reconcile(which, how)
        self.practice.record_post_result(-1)

    def dispatch(self, which: int, how: int) -> None:
        """Claim, open, post and record; two times in three without an error."""
        self._claim_the_next()
        self.practice.open(-1, as_campaign=not which % 4)
        while self.practice.ready:
            self.practice.post(0, pick(POST_RESULTS, how) if which % 3 == 0 else ACCEPTED)
            self.practice.record_post_result(-1)

    def dispatch_and_report(self, which: int, how: int) -> None:
        """Dispatch, and report an event: half the time no answer, so that there is another try."""
        self.dispatch(1, 0)
        self.report(0, how if which % 2 else 0)

    def reconcile(self, _: int, __: int) -> None:
        now = timezone.now()
        reconcile()
        late = Reminder.objects.filter(state="planned", not_after__lte=now)
        assert not late.exists(), "rule 2: a reminder past its deadline is marked as missed"
        lost = CallRecord.objects.filter(state="submitting", submitting_at__lt=now - LEASE)
        assert not lost.exists(), "rule 8: the calls of a lost worker are found"

    # --- Robotalker --------------------------------------------------------------------------

    def report(self, which: int, how: int) -> None:
        self.store_event(which, how)
        self.practice.apply_stored_events()

    def store_event(self, which: int, how: int) -> None:
        """Store an event without applying it; the sweep applies it later."""
        self.practice.store_robotalker_event(which, how, seconds_ago=7 * which)

    def repeat_event(self, which: int, _: int) -> None:
        self.practice.apply_stored_events()
        if not self.practice.sent_events:
            return
        known, sent, callback, body = pick(self.practice.sent_events, which)
        if sent.optouts:  # a "no" counts each time it comes
            assert self.practice.deliver(callback, body) == "applied"
            self.practice.model.record_event(known, sent)
        elif sent.body:  # without a body it has no timestamp, and may be a new answer
            before = read_all()
            self.practice.deliver(callback, body)
            assert read_all() == before, "rule 3: a repeated event changes nothing"

    def send_forged_request(self, which: int, how: int) -> None:
        before = read_all()
        self.practice.send_forged_request(how, which + 15 * how)
        assert read_all() == before, "rule 4: a forged request changes nothing"

    # --- what must always be true ------------------------------------------------------------------------

    @invariant()
    def no_rule_is_broken(self) -> None:
        self._check_reminders_in_progress_have_an_open_call()
        self._check_missed_reminders_are_on_the_worklist()
        self._check_accepted_calls_are_not_marked_as_unsent()
        self._check_the_strongest_outcome_is_kept()
        self._check_optouts_are_kept()
        assert not self.leak_detector.leaks, "rule 9: no personal data is logged"

    def _check_reminders_in_progress_have_an_open_call(self) -> None:
        open_calls = CallRecord.objects.filter(state__in=CALL_OPEN)
        without_call = Reminder.objects.filter(
            ~Exists(open_calls.filter(reminder=OuterRef("pk"))),
            ~Exists(CallCompanion.objects.filter(reminder=OuterRef("pk"), call__state__in=CALL_OPEN)),
            state="in_progress",
        )
        assert not without_call.exists(), "rule 2: a reminder in progress has an open call"

    def _check_missed_reminders_are_on_the_worklist(self) -> None:
        follow_ups = FollowUp.objects.filter(appointment=OuterRef("appointment"))
        unreported = Reminder.objects.filter(~Exists(follow_ups), state="missed")
        assert not unreported.exists(), "rule 2: every missed reminder has a follow-up"

    def _check_accepted_calls_are_not_marked_as_unsent(self) -> None:
        accepted = [known.pk for known in self.practice.model.ledger]
        unsent = CallRecord.objects.filter(pk__in=accepted, state__in=["not_sent", "rejected"])
        assert not unsent.exists(), "rule 8: an accepted call is never marked as not sent or rejected"

    def _check_the_strongest_outcome_is_kept(self) -> None:
        states = dict(CallRecord.objects.values_list("pk", "state"))
        for known in self.practice.model.calls.values():
            strongest = known.outcome.replace("invalid_number", "failed")
            assert strongest in ("", states[known.pk]), "rule 3: the order of events doesn't matter"

    def _check_optouts_are_kept(self) -> None:
        opted_out = self.practice.model.opted_out
        for number in PhoneNumber.objects.all():
            flags = {channel for channel in ("voice", "sms") if number.opted_out_at(channel)}
            assert flags == opted_out[number.e164], "rule 5: exactly the recorded opt-outs apply"

    def _claim_the_next(self) -> None:
        """Move the clock forward until a reminder is due, and claim it."""
        due = Reminder.objects.filter(state="planned").order_by("next_look_at").first()
        if due and due.next_look_at > timezone.now():
            self.clocks.let_pass(due.next_look_at - timezone.now() + timedelta(seconds=1))
        self.practice.claim(most=9)

    def _run_to_the_end(self) -> None:
        """Lose all work in progress, let days pass with only planning and the sweep, and check everything."""
        self.practice.apply_stored_events()
        for pause in (timedelta(hours=2), timedelta(days=6), timedelta(hours=2)):
            self.clocks.let_pass(pause)
            plan_all()
            reconcile()
        self._check_calls_without_outcome_are_on_the_worklist()
        assert not Reminder.objects.filter(state__in=REMINDER_PENDING).exists(), (
            "rule 2: every reminder is finished"
        )
        self.no_rule_is_broken()
        self._check_stored_errors_have_no_personal_data()

    def _check_stored_errors_have_no_personal_data(self) -> None:
        errors = WebhookEvent.objects.values_list("error", flat=True)
        reasons = CallRecord.objects.values_list("reason", flat=True)
        details = FollowUp.objects.values_list("detail", flat=True)
        words = CallRecord.objects.values_list("detail", flat=True)
        assert not [text for text in chain(errors, reasons, words, details) if PRIVATE.search(text)], (
            "rule 9: stored errors have no personal data"
        )

    def _check_calls_without_outcome_are_on_the_worklist(self) -> None:
        follow_ups = FollowUp.objects.filter(kind=FollowUp.Kind.UNKNOWN_OUTCOME)
        unresolved = follow_ups.exclude(state="resolved").filter(
            appointment=OuterRef("reminder__appointment")
        )
        unreported = CallRecord.objects.filter(
            ~Exists(follow_ups.filter(call=OuterRef("pk"))), ~Exists(unresolved), state__in=CALL_OPEN
        )
        assert not unreported.exists(), "rule 2: every call without an outcome has a follow-up"


def read_all() -> list[object]:
    """Return everything that an event could change."""
    return [
        [row for row in rows.order_by("pk").values_list(*columns) if row[0] != "event_kept_back"]
        for rows, columns in [
            (CallRecord.objects, ("state", "reason", "keys", "robotalker_id")),
            (Reminder.objects, ("state", "reason", "next_look_at", "channel")),
            (Appointment.objects, ("status", "answer", "answered_at", "revision")),
            (PhoneNumber.objects, ("voice_opted_out_at", "sms_opted_out_at", "unusable_since")),
            (FollowUp.objects, ("kind", "state")),
        ]
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("caps", [(0, 0), (1, 3)], ids=["without caps", "with caps"])
def test_no_sequence_of_actions_breaks_a_rule(caps: tuple[int, int], settings: Settings) -> None:
    settings.CAP_PER_DAY, settings.CAP_PER_WEEK = caps
    settings.ROBOTALKER_ASK_BUDGET = 0  # no requests about calls over the network
    make_practice()
    PracticeMachine.tried.clear()
    run_state_machine_as_test(
        PracticeMachine,
        settings=hypothesis_settings(
            max_examples=MANY or FEW,
            stateful_step_count=STEPS,
            derandomize=not MANY,
            database=None,
            deadline=None,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert PracticeMachine.records_checked, "without log records, rule 9 would be true without a test"
    assert PracticeMachine.tried == {*ACTIONS}, "too few sequences: an action is in none of them"
