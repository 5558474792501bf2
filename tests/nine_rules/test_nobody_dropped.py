"""Nobody is dropped silently (product rule 57), whatever happens in whatever order.

The actions are those of test_nine_rules.py, in the real tables and by the real functions, and a few more that
matter here: a campaign is paused, activated or narrowed, a step is added, a patient's number changes, staff
confirm. After each action every upcoming booked visit of an active campaign is confirmed, or has something
that will still go out, or stands on the worklist, or is not reminded because a person chose that; without any
sweep.
"""

import os

import pytest
from django.test import TestCase
from django.utils import timezone
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test
from pytest_django import Settings

from contacts.consent_ledger import ledger_open
from contacts.models import Appointment, Contact, PhoneNumber
from contacts.people import change_phone
from reminders.deciding.visits import Visit, find_suspects, find_upcoming, read_visits
from reminders.desk.bookings import confirm_by_staff
from reminders.desk.worklist_endings import resolve_follow_up
from reminders.models import Campaign, FollowUp, FollowUpDeed, Step
from reminders.planning.activation import activate_campaign, pause_campaign
from reminders.planning.planner import plan_all
from reminders.planning.replanning import replan_steps
from reminders.results.unanswered import account_for_all
from reminders.rules.visit_standings import VisitStanding
from tests.nine_rules import test_nine_rules
from tests.nine_rules.simulated_practice import NOAH, make_practice, pick
from tests.people import SARAH, make_step

MANY = int(os.environ.get("NINE_RULES", "0"))
FEW = 4  # sequences in `make test` with each cap, the same ones each time
STEPS = 40
ACTIONS = [
    *("dispatch", "dispatch_and_report") * 4,
    *("report", "let_time_pass", "resolve_follow_up", "lose_a_worker", "skip", "order", "move", "book") * 2,
    *("reconcile", "store_event", "change_status", "change_consent", "edit_a_step", "switch_sending", "plan"),
    *("change_campaign", "change_number", "confirm", "confirm", "add_a_step"),
]
# These reach the tables past the doors of Callboard, as an import does. The sweep, or the
# planner, comes after them.
MENDED_BY_A_SWEEP = {"change_campaign", "change_number", "add_a_step", "change_status", "change_consent"}


class DroppedPatientMachine(test_nine_rules.PracticeMachine):
    """One sequence of actions; the rule is checked after each."""

    standings_seen: set[VisitStanding] = set()

    @initialize()
    def book_first_appointments(self) -> None:
        """Nobody answers the first calls, so that the rule has something to say from the start."""
        super().book_first_appointments()
        plan_all()
        for _ in range(4):
            with TestCase.captureOnCommitCallbacks(execute=True):
                self.dispatch_and_report(0, 0)

    def no_rule_is_broken(self) -> None:
        """The nine rules are checked after the same actions by test_nine_rules.py."""

    def _run_to_the_end(self) -> None:
        """Were there no worklist, the sweep's one query would find each visit that has to be on it."""
        with ledger_open():
            FollowUpDeed.objects.all().delete()
        FollowUp.objects.all().delete()
        suspects = set(find_suspects(find_upcoming(timezone.now())).values_list("pk", flat=True))
        for visit in read_upcoming():
            if visit.standing == VisitStanding.UNACCOUNTED:
                assert visit.appointment.pk in suspects, str(visit.facts)
        account_for_all()
        self.no_visit_is_unaccounted_for()

    def resolve_follow_up(self, which: int, _: int) -> None:
        """Staff mark a follow-up as done that is still open."""
        unresolved = FollowUp.objects.exclude(state="resolved").order_by("pk")
        if unresolved:
            resolve_follow_up(pick(list(unresolved), which).pk, by=self.practice.staff, note="called them")

    def change_campaign(self, which: int, how: int) -> None:
        campaign = Campaign.objects.get()
        if which % 3 == 0:
            pause_campaign(campaign)
        elif campaign.state != Campaign.State.ACTIVE:
            activate_campaign(campaign)
        else:
            campaign.kinds = ["cleaning"] if how % 5 == 0 else []
            campaign.save()
            replan_steps(list(campaign.steps.values_list("pk", flat=True)))

    def change_number(self, which: int, how: int) -> None:
        contact = Contact.objects.get(pk=pick(self.practice.people, which).pk)
        number = pick([SARAH, NOAH, SARAH, ""], how)
        for appointment_id in change_phone(contact, PhoneNumber.objects.filter(e164=number).first()):
            self.practice.model.appointments[appointment_id].revision += 1

    def confirm(self, which: int, _: int) -> None:
        booked = list(Appointment.objects.filter(status="booked").order_by("pk"))
        if booked:
            confirm_by_staff(pick(booked, which).pk, by=self.practice.staff)

    def add_a_step(self, which: int, how: int) -> None:
        campaign = Campaign.objects.get()
        if campaign.steps.count() < 4:
            audience = pick(list(Step.Audience), which)
            channel = pick(["voice", "sms"], how)
            step = make_step(campaign, audience=audience, channel=channel, if_late="skip", max_tries=1)
            self.practice.steps[step.pk] = step
            replan_steps(list(campaign.steps.values_list("pk", flat=True)))

    @rule(action=st.sampled_from(ACTIONS), which=test_nine_rules.NUMBER, how=test_nine_rules.NUMBER)
    def act(self, action: str, which: int, how: int) -> None:
        with TestCase.captureOnCommitCallbacks(execute=True):
            getattr(self, action)(which, how)
        if action in MENDED_BY_A_SWEEP:
            plan_all()
            account_for_all()

    @invariant()
    def no_visit_is_unaccounted_for(self) -> None:
        for visit in read_upcoming():
            self.standings_seen.add(visit.standing)
            assert visit.standing != VisitStanding.UNACCOUNTED, str(visit.facts)

    @invariant()
    def no_follow_up_has_become_pointless(self) -> None:
        """A follow-up that says "not reached" is closed by an answer, a move, or the end of the visit."""
        kinds = ["could_not_reach", "nothing_follows"]
        for follow_up in FollowUp.objects.filter(kind__in=kinds).exclude(state="resolved"):
            appointment = follow_up.appointment
            assert appointment is not None
            assert appointment.status == "booked"
            assert not appointment.current_answer
            assert follow_up.reminder is not None
            assert follow_up.reminder.revision == appointment.revision


def read_upcoming() -> list[Visit]:
    now = timezone.now()
    return read_visits(find_upcoming(now), now)


@pytest.mark.django_db
def test_no_sequence_of_actions_drops_a_patient(settings: Settings) -> None:
    settings.ROBOTALKER_ASK_BUDGET = 0  # no requests about calls over the network
    make_practice()
    for settings.CAP_PER_DAY, settings.CAP_PER_WEEK in [(0, 0), (1, 3)]:
        run_state_machine_as_test(
            DroppedPatientMachine,
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
    occurring = {VisitStanding.CONFIRMED, VisitStanding.ON_WORKLIST, VisitStanding.WILL_GO_OUT}
    assert occurring <= DroppedPatientMachine.standings_seen, "else the rule was true without a test"
