"""One bad row delays no other call, and is shown."""

from pytest_django import Settings

from contacts.models import Contact, Location
from reminders.dispatch.rounds import dispatch_due
from reminders.models import Reminder
from reminders.planning.planner import plan_all
from tests.people import make_appointment, make_contact, make_due_reminder, make_script, make_step
from tests.sandbox_server import SandboxServer

NOAH = "+12025550142"


def states() -> dict[str, tuple[str, str]]:
    rows = Reminder.objects.select_related("appointment__contact")
    return {row.appointment.contact.first_name: (row.state, row.reason) for row in rows}


def test_an_invalid_time_zone_holds_only_its_own_call(sandbox: SandboxServer, settings: Settings) -> None:
    """(product rule 9)"""
    settings.CAMPAIGN_MINIMUM = 2
    make_due_reminder()
    make_due_reminder(make_contact("Noah", number=NOAH))
    Contact.objects.filter(first_name="Noah").update(time_zone="Mars/Olympus_Mons")
    dispatch_due()
    assert states() == {"Sarah": ("in_progress", ""), "Noah": ("planned", "no_common_hours")}
    assert [line["to"] for line in sandbox.ledger()] == ["+12025550100"]


def test_a_script_with_an_unknown_variable_is_never_sent(sandbox: SandboxServer) -> None:
    make_due_reminder()
    make_script("Hello {NICKNAME}")
    dispatch_due()
    assert states() == {"Sarah": ("planned", "no_script")}
    assert sandbox.ledger() == []


def test_a_location_that_is_never_open_does_not_stop_planning(db: None) -> None:
    make_step(timing_kind="open_days_before", days=1, at="10:00")
    appointment = make_appointment()
    Location.objects.filter(pk=appointment.location_id).update(open_weekdays=[])
    plan_all()
    assert states() == {}
    Location.objects.update(open_weekdays=[0, 1, 2, 3, 4, 5, 6])
    plan_all()
    assert "Sarah" in states(), "once it is corrected, the next round plans it"
