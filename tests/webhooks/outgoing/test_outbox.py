"""The outbox is written with the outcome, in one transaction: no event is lost, doubled or invented."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from contacts.appointments import cancel_appointment, record_answer
from contacts.database.saving import Changes
from contacts.erased_numbers import make_digests
from contacts.models import Appointment, AppointmentChange, ConsentEntry, ErasedOptOut, PhoneNumber
from contacts.numbers import parse_number
from contacts.optouts import record_optin, record_optout, record_optouts
from contacts.people import get_or_create_number, get_or_create_written_number
from reminders.desk.erasing import erase_person
from reminders.lifecycle.follow_ups import open_follow_up
from reminders.models import CallRecord, FollowUp
from reminders.results.answers import apply_key
from tests.contacts.imports.example_lists import AISHA, import_rows, make_downtown
from tests.people import SARAH, make_appointment, make_contact, make_due_reminder, make_number, make_user
from tests.reminders.desk.test_merging import merge
from webhooks.outgoing.deliveries import distribute_events
from webhooks.outgoing.facts import NOT_REACHED_KINDS, read_facts
from webhooks.outgoing.models import OutgoingDelivery, OutgoingEndpoint, OutgoingEvent

CONFIRMED, ANOTHER_TIME = Appointment.Answer.CONFIRMED, Appointment.Answer.WANTS_ANOTHER_TIME


def list_types() -> list[str]:
    return list(OutgoingEvent.objects.order_by("pk").values_list("type", flat=True))


def answer(appointment: Appointment, what: str, how: str = "key_1") -> None:
    record_answer(appointment.pk, what, revision=appointment.revision, at=timezone.now(), how=how)


def opt_out(number_id: int) -> None:
    record_optout(number_id, scope="all", source="staff", at=timezone.now())


@pytest.mark.django_db
class TestWhatIsAnEvent:
    def test_an_answer_is_an_event_with_the_time_at_which_it_was_given(self) -> None:
        appointment = make_appointment()
        answer(appointment, CONFIRMED)
        event = OutgoingEvent.objects.get()
        change = AppointmentChange.objects.get(what="confirmed")
        assert (event.type, event.row_id) == ("appointment.confirmed", change.pk)
        assert event.occurred_at == change.at

    def test_a_second_thought_is_a_second_event(self) -> None:
        appointment = make_appointment()
        answer(appointment, CONFIRMED)
        answer(appointment, ANOTHER_TIME)
        answer(appointment, ANOTHER_TIME)  # said again: nothing changes
        assert list_types() == ["appointment.confirmed", "appointment.another_time_wanted"]

    def test_a_key_in_a_call_is_an_event(self, call: CallRecord) -> None:
        changes = Changes()
        apply_key(call, "1", timezone.now(), changes)
        changes.write()
        assert list_types() == ["appointment.confirmed"]

    def test_other_changes_of_an_appointment_are_no_events(self) -> None:
        cancel_appointment(make_appointment().pk)
        assert list_types() == []

    def test_opt_outs_are_events_one_by_one_or_many_at_once_and_opt_ins_are_not(self) -> None:
        numbers = [make_number(f"+1202555010{last}").pk for last in range(4)]
        opt_out(numbers[0])
        opt_out(numbers[0])  # repeated
        record_optouts(numbers, scope="all", source="import", at=timezone.now())
        record_optin(numbers[0], scope="all", evidence="asked", by=make_user(), at=timezone.now())
        assert list_types() == ["number.opted_out"] * 5, "a later no is one of its own"
        assert ConsentEntry.objects.filter(what="opt_out").count() == 5

    @pytest.mark.parametrize("door", ["form", "import", "event", "opt-out"])
    def test_a_no_that_was_kept_of_an_erased_number_is_not_told_again(self, door: str) -> None:
        """Product rule 64: the “no” comes back with the number, by whichever door; nobody said it now."""
        ErasedOptOut.objects.create(digest=make_digests(SARAH)[0], voice_opted_out_at=timezone.now())
        if door == "form":
            get_or_create_number(parse_number(SARAH, "US"))
        elif door == "import":
            make_downtown()
            import_rows(AISHA | {"mobile": "(202) 555-0100"})
        else:
            number = get_or_create_written_number(SARAH, "US")
        assert PhoneNumber.objects.get(e164=SARAH).voice_opted_out_at, "it counts"
        assert ConsentEntry.objects.get().source == "kept"
        assert list_types() == []
        if door == "opt-out":
            opt_out(number.pk)
            assert list_types() == ["number.opted_out"], "what somebody says now is told"

    def test_merging_and_erasing_tell_no_opt_out_again(self) -> None:
        first, second = make_contact("Sarah"), make_contact("Sara", number="+12025550142")
        opt_out(first.phone_id or 0)
        opt_out(second.phone_id or 0)
        told = list_types()
        merge(first, second)
        assert list_types() == told
        erase_person(first.pk, by=make_user("eraser"))
        assert list_types() == told

    @pytest.mark.parametrize("kind", FollowUp.Kind)
    def test_of_follow_ups_only_those_are_events_that_say_somebody_was_not_reached(self, kind: str) -> None:
        reminder = make_due_reminder()
        open_follow_up(kind, reminder=reminder)
        open_follow_up(kind, reminder=reminder)  # open already
        assert list_types() == (["appointment.not_reached"] if kind in NOT_REACHED_KINDS else [])

    def test_an_answer_that_is_rolled_back_is_no_event(self) -> None:
        appointment = make_appointment()
        with transaction.atomic():
            answer(appointment, CONFIRMED)
            transaction.set_rollback(True)
        assert list_types() == []

    def test_an_event_that_is_in_the_outbox_already_never_hinders_the_answer(self) -> None:
        """A restored table may count its ids again."""
        first = make_appointment()
        answer(first, CONFIRMED)
        change = AppointmentChange.objects.latest("pk")
        AppointmentChange.objects.filter(pk=change.pk).delete()
        change.save(force_insert=True)
        assert list_types() == ["appointment.confirmed"]

    def test_who_is_deleted_is_in_no_event_any_more_and_can_be_deleted(self) -> None:
        appointment = make_appointment()
        answer(appointment, CONFIRMED)
        AppointmentChange.objects.all().delete()
        appointment.delete()
        [event] = OutgoingEvent.objects.all()
        assert read_facts([event]) == {}


@pytest.mark.django_db
class TestHandingOut:
    def test_only_endpoints_that_want_the_event_and_are_not_switched_off_get_it(self) -> None:
        def make(name: str, types: list[str], state: str = "on") -> OutgoingEndpoint:
            return OutgoingEndpoint.objects.create(
                name=name, url="https://hooks.example", types=types, state=state
            )

        wanted = make("wants it", ["number.opted_out"])
        make("wants another", ["appointment.confirmed"])
        make("off", ["number.opted_out"], "off")
        failed = make("off since it failed", ["number.opted_out"], "failed")
        opt_out(make_number().pk)
        assert distribute_events() == 1
        assert distribute_events() == 0
        assert set(OutgoingDelivery.objects.values_list("endpoint", flat=True)) == {wanted.pk, failed.pk}

    def test_an_endpoint_gets_nothing_that_was_recorded_before_it_was_made(self) -> None:
        opt_out(make_number().pk)
        OutgoingEndpoint.objects.create(
            name="new",
            url="https://hooks.example",
            types=["number.opted_out"],
            since=timezone.now() + timedelta(seconds=1),
        )
        assert distribute_events() == 1
        assert not OutgoingDelivery.objects.exists()

    def test_the_facts_of_many_events_cost_no_more_queries_than_those_of_one(
        self, django_assert_max_num_queries: object
    ) -> None:
        for last in range(5):
            contact = make_contact(f"Person{last}", number=f"+1202555010{last}")
            answer(make_appointment(contact), CONFIRMED)
            opt_out(contact.phone_id or 0)
            open_follow_up("could_not_reach", reminder=make_due_reminder(contact))
        events = list(OutgoingEvent.objects.all())
        with django_assert_max_num_queries(4):  # type: ignore[operator]
            facts = read_facts(events)
        assert len(facts) == 15


@pytest.mark.django_db(transaction=True)
def test_an_event_that_commits_after_a_later_one_is_still_handed_out(endpoint: OutgoingEndpoint) -> None:
    """Ids are given out before the commit: who remembered the highest id would lose the lower."""
    slow = make_appointment(make_contact())
    quick = make_appointment(make_contact("Tom", number="+12025550142"))
    written, go_on = threading.Event(), threading.Event()

    def answer_slowly() -> None:
        try:
            with transaction.atomic():
                answer(slow, CONFIRMED)
                written.set()
                go_on.wait(10)
        finally:
            connection.close()

    thread = threading.Thread(target=answer_slowly)
    thread.start()
    assert written.wait(10)
    answer(quick, CONFIRMED)
    assert distribute_events() == 1, "the later one; the earlier isn't committed"
    go_on.set()
    thread.join(10)
    assert distribute_events() == 1
    rows = OutgoingDelivery.objects.order_by("pk").values_list("event__row_id", flat=True)
    changes = AppointmentChange.objects.filter(what="confirmed").order_by("appointment")
    by_appointment = {change.appointment_id: change.pk for change in changes}
    assert list(rows) == [by_appointment[quick.pk], by_appointment[slow.pk]]


@pytest.mark.django_db(transaction=True)
def test_two_processes_that_hand_out_at_once_take_different_events(endpoint: OutgoingEndpoint) -> None:
    opt_out(make_number().pk)
    counts: list[int] = []

    def hand_out() -> None:
        try:
            counts.append(distribute_events())
        finally:
            connection.close()

    with transaction.atomic():
        assert distribute_events() == 1  # and its transaction is still open
        thread = threading.Thread(target=hand_out)
        thread.start()
        thread.join(10)
    assert counts == [0]
    assert OutgoingDelivery.objects.count() == 1
