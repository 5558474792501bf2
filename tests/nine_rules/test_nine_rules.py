"""The rules that must always be true (docs/architecture.md), whatever happens in whatever order.

Hypothesis tells stories of a practice: staff, patients, beat, workers that die, and Robotalker, in any
interleaving. After each step it is looked whether a rule is broken; at the end of a story everything must
have come to an end. `NINE_RULES=1000 make test ARGS="-k nine_rules"` tells more stories, each time others.
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
from tests.nine_rules.eavesdropper import PRIVATE, Eavesdropper
from tests.nine_rules.practice_in_motion import (
    ACCEPTED,
    FATES,
    LEASE,
    NOAH,
    START,
    Practice,
    make_practice,
    pick,
)
from tests.people import SARAH
from tests.two_clocks import TwoClocks
from webhooks.models import WebhookEvent

MANY = int(os.environ.get("NINE_RULES", "0"))
FEW = 9  # stories in `make test`, the same ones each time
STEPS = 50
NUMBER = st.integers(0, 14)  # which of what there is; never drawn from a range that depends on it
# One rule for all of them: Hypothesis leaves most rules out of most stories, and few would come to a call.
DEEDS = [
    *("dispatch", "dispatch_and_tell") * 3,
    *("tell", "let_time_pass", "reconcile", "leave_at_the_door", "work_the_worklist", "tell_a_lie") * 2,
    *("claim", "open", "post", "record_the_answer", "lose_a_worker", "tell_again"),
    *("wake_late", "die_while_dispatching", "be_taken_for_lost"),
    *("book", "move", "change_status", "order", "skip", "change_consent", "edit_a_step", "switch_sending"),
    "plan",
]


class Story(RuleBasedStateMachine):
    """One story, in a transaction of its own. Without preconditions: what can't be done just isn't."""

    lines_heard = 0  # of what was logged, in all of them

    def __init__(self) -> None:
        super().__init__()
        self._transaction = transaction.atomic()
        self._transaction.__enter__()
        self.clocks = TwoClocks(START)
        self.ears = Eavesdropper()
        self.ears.listen()
        self.practice = Practice()

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self._run_out()
        finally:
            self.ears.stop()
            Story.lines_heard += self.ears.heard
            self.clocks.stop()
            transaction.set_rollback(True)
            self._transaction.__exit__(None, None, None)

    @initialize()
    def open_the_day(self) -> None:
        for who, minutes in [(0, 200), (1, 200), (2, 500), (0, 1600), (1, 700), (2, 3000)]:
            self.practice.book(who, minutes)

    @rule(deed=st.sampled_from(DEEDS), which=NUMBER, how=NUMBER)
    def go_on(self, deed: str, which: int, how: int) -> None:
        getattr(self, deed)(which, how)

    # --- what people do -----------------------------------------------------------------------------

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

    def work_the_worklist(self, which: int, how: int) -> None:
        self.practice.work_the_worklist(which, call_again=bool(how % 2))

    def change_consent(self, which: int, how: int) -> None:
        number, no = (
            pick([SARAH, NOAH], which),
            pick(["voice", "", "sms", "", "all", "", "robotalker", ""], how),
        )
        if no == "robotalker":
            self.practice.opt_out_without_a_call(number)
        else:
            self.practice.change_consent(number, no)

    def edit_a_step(self, _: int, how: int) -> None:
        self.practice.edit_a_step(minutes=pick([90, 180, 300], how))

    def switch_sending(self, which: int, _: int) -> None:
        (resume_sending if which % 4 else pause_sending)(by=self.practice.staff)

    # --- what beat and the workers do -----------------------------------------------------------------

    def let_time_pass(self, _: int, how: int) -> None:
        self.clocks.let_pass(timedelta(minutes=pick([1, 3, 12, 21, 45, 180], how)))

    def plan(self, _: int, __: int) -> None:
        plan_all()
        again = plan_all()
        assert (again.added, again.withdrawn) == (0, 0), "rule 7: planning twice is planning once"
        self.practice.check_nothing_waits_for_an_old_time()

    def claim(self, _: int, how: int) -> None:
        self.practice.claim(most=1 + how)

    def open(self, which: int, how: int) -> None:
        self.practice.open(which, as_campaign=bool(how % 2))

    def post(self, which: int, how: int) -> None:
        self.practice.post(which, pick(FATES, how))

    def record_the_answer(self, which: int, _: int) -> None:
        self.practice.record_the_answer(which)

    def lose_a_worker(self, which: int, how: int) -> None:
        self.practice.lose_a_worker(pick(["claim", "call", "answer"], how), which)

    def wake_late(self, _: int, how: int) -> None:
        """A worker is frozen between its claim and its last look, until the lease is over."""
        self._claim_the_next()
        self.clocks.let_pass(LEASE + timedelta(seconds=how))
        self.practice.open(-1, as_campaign=bool(how % 2))

    def die_while_dispatching(self, which: int, how: int) -> None:
        """A worker is lost before its POST, or after it (an event may come first), and found to be."""
        self._claim_the_next()
        self.practice.open(-1, as_campaign=not which % 4)
        if which % 3:
            self.practice.post(-1, pick(FATES[:4], how))
        if which % 2:
            self.tell(0, how)
        self.practice.lose_a_worker("answer" if which % 3 else "call", -1)
        self.clocks.let_pass(LEASE + timedelta(seconds=how))
        self.reconcile(which, how)

    def be_taken_for_lost(self, which: int, how: int) -> None:
        """A worker is only slow: it writes down what it heard when its call counts as lost already."""
        self._claim_the_next()
        self.practice.open(-1, as_campaign=bool(which % 3))
        self.practice.post(-1, ACCEPTED)
        self.clocks.let_pass(LEASE + timedelta(seconds=how))
        self.reconcile(which, how)
        self.practice.record_the_answer(-1)

    def dispatch(self, which: int, how: int) -> None:
        """All of it at once; mostly it goes well."""
        self._claim_the_next()
        self.practice.open(-1, as_campaign=not which % 4)
        while self.practice.ready:
            self.practice.post(0, pick(FATES, how) if which % 3 == 0 else ACCEPTED)
            self.practice.record_the_answer(-1)

    def dispatch_and_tell(self, which: int, how: int) -> None:
        """As often as not nobody picks up, so that there is another try."""
        self.dispatch(1, 0)
        self.tell(0, how if which % 2 else 0)

    def reconcile(self, _: int, __: int) -> None:
        now = timezone.now()
        reconcile()
        late = Reminder.objects.filter(state="planned", not_after__lte=now)
        assert not late.exists(), "rule 2: what is too late is missed in the open"
        lost = CallRecord.objects.filter(state="submitting", submitting_at__lt=now - LEASE)
        assert not lost.exists(), "rule 8: what a lost worker left is found"

    # --- what Robotalker does --------------------------------------------------------------------------

    def tell(self, which: int, how: int) -> None:
        self.leave_at_the_door(which, how)
        self.practice.apply_what_is_stored()

    def leave_at_the_door(self, which: int, how: int) -> None:
        """Stored, and left to the sweep."""
        self.practice.tell(which, how, seconds_ago=7 * which)

    def tell_again(self, which: int, _: int) -> None:
        self.practice.apply_what_is_stored()
        if self.practice.told:
            before = read_all()
            self.practice.deliver(*pick(self.practice.told, which))
            assert read_all() == before, "rule 3: a repeated event changes nothing"

    def tell_a_lie(self, which: int, how: int) -> None:
        before = read_all()
        self.practice.tell_a_lie(how, which + 15 * how)
        assert read_all() == before, "rule 4: nothing has changed by it"

    # --- what must always be true ------------------------------------------------------------------------

    @invariant()
    def no_rule_is_broken(self) -> None:
        self._nothing_is_in_limbo()
        self._who_was_missed_is_on_the_worklist()
        self._no_call_is_disowned()
        self._the_strongest_evidence_stands()
        self._a_no_is_kept()
        assert not self.ears.leaks, "rule 9: nobody's data is logged"

    def _nothing_is_in_limbo(self) -> None:
        under_way = CallRecord.objects.filter(state__in=CALL_OPEN)
        limbo = Reminder.objects.filter(
            ~Exists(under_way.filter(reminder=OuterRef("pk"))),
            ~Exists(CallCompanion.objects.filter(reminder=OuterRef("pk"), call__state__in=CALL_OPEN)),
            state="in_progress",
        )
        assert not limbo.exists(), "rule 2: a reminder in progress has a call that is"

    def _who_was_missed_is_on_the_worklist(self) -> None:
        entries = FollowUp.objects.filter(appointment=OuterRef("appointment"))
        silent = Reminder.objects.filter(~Exists(entries), state="missed")
        assert not silent.exists(), "rule 2: nobody is silently missed"

    def _no_call_is_disowned(self) -> None:
        accepted = [known.pk for known in self.practice.witness.ledger]
        disowned = CallRecord.objects.filter(pk__in=accepted, state__in=["not_sent", "rejected"])
        assert not disowned.exists(), "rule 8: what was accepted is never said not to be"

    def _the_strongest_evidence_stands(self) -> None:
        states = dict(CallRecord.objects.values_list("pk", "state"))
        for known in self.practice.witness.tries.values():
            stands = known.outcome.replace("invalid_number", "failed")
            assert stands in ("", states[known.pk]), "rule 3: in whatever order it came"

    def _a_no_is_kept(self) -> None:
        no = self.practice.witness.no
        for number in PhoneNumber.objects.all():
            flags = {channel for channel in ("voice", "sms") if number.opted_out_at(channel)}
            assert flags == no[number.e164], "rule 5: a person's no stands, and nobody else's"

    def _claim_the_next(self) -> None:
        """Let time pass until there is something due, and claim it."""
        due = Reminder.objects.filter(state="planned").order_by("next_look_at").first()
        if due and due.next_look_at > timezone.now():
            self.clocks.let_pass(due.next_look_at - timezone.now() + timedelta(seconds=1))
        self.practice.claim(most=9)

    def _run_out(self) -> None:
        """Everybody goes home: all that is under way is lost, time passes, and the sweeps go on."""
        self.practice.apply_what_is_stored()
        for pause in (timedelta(hours=2), timedelta(days=6), timedelta(hours=2)):
            self.clocks.let_pass(pause)
            plan_all()
            reconcile()
        self._who_may_not_have_been_called_is_on_the_worklist()
        assert not Reminder.objects.filter(state__in=REMINDER_PENDING).exists(), "rule 2: all came to an end"
        self.no_rule_is_broken()
        self._nobodys_data_is_in_an_error()

    def _nobodys_data_is_in_an_error(self) -> None:
        errors = WebhookEvent.objects.values_list("error", flat=True)
        reasons = CallRecord.objects.values_list("reason", flat=True)
        details = FollowUp.objects.values_list("detail", flat=True)
        words = CallRecord.objects.values_list("detail", flat=True)
        assert not [text for text in chain(errors, reasons, words, details) if PRIVATE.search(text)], "rule 9"

    def _who_may_not_have_been_called_is_on_the_worklist(self) -> None:
        asked = FollowUp.objects.filter(kind=FollowUp.Kind.UNKNOWN_OUTCOME)
        standing = asked.exclude(state="resolved").filter(appointment=OuterRef("reminder__appointment"))
        silent = CallRecord.objects.filter(
            ~Exists(asked.filter(call=OuterRef("pk"))), ~Exists(standing), state__in=CALL_OPEN
        )
        assert not silent.exists(), "rule 2: whoever may not have been called is on the worklist"


def read_all() -> list[object]:
    """All that an event could change."""
    return [
        list(rows.order_by("pk").values_list(*columns))
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
def test_no_story_breaks_a_rule(caps: tuple[int, int], settings: Settings) -> None:
    settings.CAP_PER_DAY, settings.CAP_PER_WEEK = caps
    settings.ROBOTALKER_ASK_BUDGET = 0  # nobody is asked over the network
    make_practice()
    run_state_machine_as_test(
        Story,
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
    assert Story.lines_heard, "where nothing is logged, rule 9 would hold of itself"
