"""The tasks that beat sends. They carry no state; running one twice or two at the same time does no harm."""

from celery import shared_task

from config.worker_places import PlacedTask
from reminders.desk.absence_texts import tell_patients
from reminders.desk.absences import finish_absences
from reminders.dispatch.rounds import dispatch_due as dispatch
from reminders.health import heartbeats
from reminders.planning.planner import plan_all
from reminders.reports.counting import count_marked
from reminders.sweeps.call_status import ask_about_calls as ask
from reminders.sweeps.confirming_texts import send_confirmations
from reminders.sweeps.early_looks import find_early_looks
from reminders.sweeps.optout_pull import pull_if_due
from reminders.sweeps.optout_push import push_contacts as push
from reminders.sweeps.other_numbers import use_other_numbers
from reminders.sweeps.reconciliation import reconcile
from reminders.sweeps.staff_texts import send_staff_texts
from reminders.sweeps.test_calls import send_tests
from reminders.traffic.probing import probe_robotalker as probe
from reminders.traffic.restore_guard import check_for_restore, note_newest_call


@shared_task
def plan_reminders() -> None:
    """Plan missing reminders and withdraw those that are no longer needed.

    Before that, other numbers take the place of those that can't be reached.
    """
    check_for_restore()
    use_other_numbers()
    report = plan_all()
    heartbeats.record_heartbeat(heartbeats.PLANNING, f"{report.added} planned, {report.withdrawn} withdrawn")


@shared_task(base=PlacedTask)
def dispatch_due() -> None:
    """Submit due reminders, after a check whether this database was restored from a backup.

    Nothing is sent if that can't be checked. If it was restored, sending is paused, and dispatch only marks
    late reminders as missed.
    """
    check_for_restore()
    report = dispatch()
    if report.calls:
        note_newest_call()
    heartbeats.record_heartbeat(
        heartbeats.DISPATCH,
        f"{report.claimed} claimed, {report.calls} submitted",
        was_idle=not report.calls,
    )


@shared_task(base=PlacedTask)
def probe_robotalker() -> None:
    """After failures of Robotalker, check whether it works again."""
    probe()


@shared_task
def reconcile_calls() -> None:
    """Release expired claims and find missed reminders and lost or overdue calls, from the database alone."""
    report = reconcile(ask=False)
    heartbeats.record_heartbeat(
        heartbeats.RECONCILIATION,
        f"{report.released} released, {report.missed} missed, {report.lost} lost, {report.overdue} overdue, "
        f"{report.asked} for a person, {report.unaccounted} without a reminder or an answer",
    )


@shared_task
def look_again() -> None:
    """Find waiting reminders that could go earlier than they are looked at next."""
    find_early_looks()


@shared_task(base=PlacedTask)
def ask_about_calls() -> None:
    """Ask Robotalker about calls without an event."""
    report = ask()
    heartbeats.record_heartbeat(heartbeats.ASKING, f"{report.asked} asked about, {report.healed} healed")


@shared_task(base=PlacedTask)
def push_contacts() -> None:
    """Send Robotalker the opt-outs and opt-ins that it doesn't know, unless this database turns out to be
    restored from a backup: an opt-in of before may have been taken back since.
    """
    check_for_restore()
    report = push()
    heartbeats.record_heartbeat(heartbeats.CONTACTS, f"{report.sent} sent, {report.failed} failed")


@shared_task(base=PlacedTask)
def confirm_optouts() -> None:
    """Send the texts that confirm opt-outs, unless this database turns out to be restored from a backup."""
    check_for_restore()
    send_confirmations()


@shared_task(base=PlacedTask)
def send_texts() -> None:
    """Send the texts that staff wrote, and those that tell patients of a provider's absence."""
    check_for_restore()
    finish_absences()
    tell_patients()
    send_staff_texts()


@shared_task(base=PlacedTask)
def place_test_calls() -> None:
    """Send the test calls and texts that staff have ordered to their own numbers."""
    check_for_restore()
    send_tests()


@shared_task
def count_for_reports() -> None:
    """Count again what reports show of days on which something has changed."""
    marks = count_marked()
    heartbeats.record_heartbeat(heartbeats.COUNTING, f"{marks} changes counted")


@shared_task(base=PlacedTask)
def pull_contacts() -> None:
    """Import Robotalker's opt-outs once a night; try again an hour later if that failed."""
    pull_if_due()
