"""One bad row in the book holds up nobody else, and is shown."""

from pytest_django import Settings

from contacts.models import Contact, Location
from reminders.dispatch.rounds import dispatch_due
from reminders.models import Reminder, ScriptText
from reminders.planning.planner import plan_all
from tests.people import make_appointment, make_contact, make_due_reminder, make_step
from tests.sandbox_server import SandboxServer

NOAH = "+12025550142"


def states() -> dict[str, tuple[str, str]]:
    rows = Reminder.objects.select_related("appointment__contact")
    return {row.appointment.contact.first_name: (row.state, row.reason) for row in rows}


def test_a_time_zone_that_is_none_holds_only_its_own_call(sandbox: SandboxServer, settings: Settings) -> None:
    settings.CAMPAIGN_MINIMUM = 2
    make_due_reminder()
    make_due_reminder(make_contact("Noah", number=NOAH))
    Contact.objects.filter(first_name="Noah").update(time_zone="Mars/Olympus_Mons")
    dispatch_due()
    assert states() == {"Sarah": ("in_progress", ""), "Noah": ("planned", "no_common_hours")}
    assert [line["to"] for line in sandbox.ledger()] == ["+12025550100"]


def test_a_script_with_a_variable_we_cannot_fill_is_never_read_aloud(sandbox: SandboxServer) -> None:
    make_due_reminder()
    ScriptText.objects.update(text="Hello {NICKNAME}")
    dispatch_due()
    assert states() == {"Sarah": ("planned", "no_script")}
    assert sandbox.ledger() == []


def test_a_location_that_is_never_open_stops_no_planning(db: None) -> None:
    make_step(timing_kind="open_days_before", days=1, at="10:00")
    visit = make_appointment()
    Location.objects.filter(pk=visit.location_id).update(open_weekdays=[])
    plan_all()
    assert states() == {}
    Location.objects.update(open_weekdays=[0, 1, 2, 3, 4, 5, 6])
    plan_all()
    assert "Sarah" in states(), "once it is mended, the next round plans it"
