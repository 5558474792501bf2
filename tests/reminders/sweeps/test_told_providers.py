"""A new provider is a line of the story; who was told of another one is listed for staff (product rule 2)."""

from datetime import time, timedelta

import pytest
from django.utils import timezone

from contacts.appointments import move_appointment
from contacts.models import Appointment, AppointmentChange, Provider
from reminders.desk.bookings import move_and_replan
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallRecord, FollowUp, Reminder
from reminders.pages.story import read_story
from reminders.planning.planner import plan_all
from reminders.sweeps.reconciliation import reconcile
from reminders.sweeps.told_providers import list_told_another_provider
from tests.contacts.imports.example_lists import AISHA, import_rows, make_downtown
from tests.people import make_contact, make_due_reminder, make_script, make_step, make_user

pytestmark = pytest.mark.django_db
SPOKEN = "{FIRST_NAME}, you see {PROVIDER} on {APPT_DATE} at {APPT_TIME}."
What = AppointmentChange.What


def make_told(state: str = "voicemail", text: str = SPOKEN, **fields: str) -> Appointment:
    """An appointment whose patient has had a call, with Dr. S. Chen's name in it."""
    make_step(script=make_script(text))
    appointment = make_due_reminder(make_contact(**fields)).appointment
    claim = claim_due(10)
    open_calls(claim.reminder_ids, claim.token)
    end_calls(state)
    return appointment


def end_calls(state: str) -> None:
    CallRecord.objects.update(state=state)
    Reminder.objects.update(state="done")


def give_to(appointment: Appointment, name: str, **change: object) -> None:
    """Change only the provider, as the form for moving does."""
    provider, _ = Provider.objects.get_or_create(name=name)
    times = {"starts_at": appointment.starts_at, "ends_at": appointment.ends_at}
    move_and_replan(appointment.pk, provider=provider, **{**times, **change})  # type: ignore[arg-type]


def read_kinds() -> list[tuple[str, str]]:
    found = FollowUp.objects.filter(kind="other_provider").order_by("pk")
    return list(found.values_list("kind", "state"))


def test_a_new_provider_is_a_line_of_the_story_and_takes_nothing_back() -> None:
    appointment = make_told()
    Appointment.objects.update(answer="confirmed", answer_revision=1)
    give_to(appointment, "Dr. A. Rivera")
    appointment.refresh_from_db()
    assert (appointment.revision, appointment.is_confirmed) == (1, True)
    story = read_story(appointment.pk, timezone.now())
    assert "Given from Dr. S. Chen to Dr. A. Rivera." in [entry.sentence for entry in story.past]


def test_the_first_provider_of_an_appointment_is_a_line_too() -> None:
    appointment = make_told()
    Appointment.objects.update(provider=None)
    give_to(appointment, "Dr. A. Rivera")
    story = read_story(appointment.pk, timezone.now())
    assert "Given from no provider to Dr. A. Rivera." in [entry.sentence for entry in story.past]


def test_a_move_with_another_provider_is_two_lines_and_the_same_again_is_none() -> None:
    appointment = make_told()
    later = appointment.starts_at + timedelta(days=1)
    change = {"starts_at": later, "ends_at": later + timedelta(minutes=30)}
    give_to(appointment, "Dr. A. Rivera", **change)
    give_to(appointment, "Dr. A. Rivera", **change)
    changes = list(appointment.changes.order_by("pk").values_list("what", flat=True))
    assert changes == [What.BOOKED, What.MOVED, What.PROVIDER_CHANGED]
    assert read_kinds() == [], "the reminders for the new time name the new provider"


@pytest.mark.parametrize("state", ["voicemail", "answered", "delivered", "submitted", "unknown", "overdue"])
def test_who_may_have_heard_the_other_name_is_listed_once(state: str) -> None:
    appointment = make_told(state)
    give_to(appointment, "Dr. A. Rivera")
    reconcile(ask=False)
    assert read_kinds() == [("other_provider", "open")]
    FollowUp.objects.update(state="resolved", resolved_at=timezone.now(), resolution="done")
    reconcile(ask=False)
    assert read_kinds() == [("other_provider", "resolved")], "staff have decided"


@pytest.mark.parametrize("state", ["no_answer", "failed", "rejected", "not_sent"])
def test_who_has_heard_nothing_is_not_listed(state: str) -> None:
    give_to(make_told(state), "Dr. A. Rivera")
    assert read_kinds() == []


def test_who_was_told_no_name_is_not_listed() -> None:
    give_to(make_told(text="{FIRST_NAME}, come on {APPT_DATE}."), "Dr. A. Rivera")
    assert read_kinds() == []


def test_it_closes_itself_when_the_provider_is_the_old_one_again() -> None:
    appointment = make_told()
    give_to(appointment, "Dr. A. Rivera")
    give_to(appointment, "Dr. S. Chen")
    assert read_kinds() == [("other_provider", "resolved")]
    follow_up = FollowUp.objects.get(kind="other_provider")
    assert follow_up.resolution == FollowUp.Resolution.OVERTAKEN


def test_it_closes_itself_when_a_later_call_names_the_new_one() -> None:
    appointment = make_told()
    give_to(appointment, "Dr. A. Rivera")
    call = CallRecord.objects.get()
    CallRecord.objects.filter(pk=call.pk).update(
        variables={"PROVIDER": "Dr. A. Rivera"}, submitting_at=timezone.now()
    )
    list_told_another_provider()
    assert read_kinds() == [("other_provider", "resolved")]


def test_a_text_that_named_the_provider_in_plain_letters_named_the_same() -> None:
    appointment = make_told()
    CallRecord.objects.update(variables={"PROVIDER": "Dr. Lucja Nowak"})
    give_to(appointment, "Dr. Łucja Nowak")
    assert read_kinds() == []


def test_a_visit_that_is_cancelled_or_over_is_not_listed() -> None:
    appointment = make_told()
    Provider.objects.create(name="Dr. A. Rivera")
    move_appointment(
        appointment.pk,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        provider=Provider.objects.get(name="Dr. A. Rivera"),
        by=make_user(),
    )
    Appointment.objects.update(status="cancelled")
    list_told_another_provider()
    assert read_kinds() == []


def test_an_import_that_changes_the_provider_is_a_line_and_is_listed_by_the_next_round() -> None:
    make_downtown()
    row = AISHA | {"date": f"{timezone.now() + timedelta(days=20):%m/%d/%Y}"}
    import_rows(row)
    step = make_step(script=make_script(SPOKEN), timing_kind="days_before", days=19, at=time(0, 1))
    plan_all()
    reminder = Reminder.objects.get(step=step)
    Reminder.objects.update(state="done")
    make_told_call(reminder)
    import_rows(row | {"provider": "Dr. A. Rivera"})
    change = AppointmentChange.objects.get(what=What.PROVIDER_CHANGED)
    assert (change.how, str(change.provider_before)) == ("import", "Dr. S. Chen")
    reconcile(ask=False)
    assert read_kinds() == [("other_provider", "open")]


def make_told_call(reminder: Reminder) -> None:
    CallRecord.objects.create(
        reminder=reminder,
        number_id=reminder.appointment.contact.phone_id or 0,
        channel="voice",
        try_number=1,
        from_number="+18005550199",
        script_text=reminder.step.script.texts.earliest("pk"),
        variables={"PROVIDER": "Dr. S. Chen"},
        state="voicemail",
        submitting_at=timezone.now() - timedelta(minutes=5),
    )


def test_a_household_call_names_several_and_only_a_name_not_among_them_is_another() -> None:
    make_step(script=make_script(SPOKEN))
    anna = make_due_reminder(make_contact("Anna")).appointment
    boris = make_due_reminder(make_contact("Boris")).appointment
    claim = claim_due(10)
    [call] = open_calls(claim.reminder_ids, claim.token)
    end_calls("answered")
    CallRecord.objects.filter(pk=call.pk).update(
        variables=call.variables | {"PROVIDER": "Dr. S. Chen and Dr. A. Rivera"}
    )
    give_to(anna, "Dr. A. Rivera")
    assert read_kinds() == []
    give_to(boris, "Dr. Nobody")
    told = FollowUp.objects.filter(kind="other_provider")
    assert [one.appointment_id for one in told] == [boris.pk]
