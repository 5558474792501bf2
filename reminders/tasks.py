"""Beat's ticks: doors to the sweeps. They carry no state; running one twice, or two at once, does no harm."""

from celery import shared_task

from reminders.dispatch.rounds import dispatch_due as dispatch
from reminders.health import heartbeats
from reminders.planning.planner import plan_all
from reminders.sweeps.call_status import ask_about_calls as ask
from reminders.sweeps.optout_pull import pull_if_due
from reminders.sweeps.optout_push import push_contacts as push
from reminders.sweeps.reconciliation import reconcile
from reminders.traffic.probing import probe_robotalker as probe
from reminders.traffic.restore_guard import check_for_restore, note_newest_call


@shared_task
def plan_reminders() -> None:
    """Plan what is missing and withdraw what is pointless."""
    check_for_restore()
    report = plan_all()
    heartbeats.record_heartbeat(heartbeats.PLANNING, f"{report.added} planned, {report.withdrawn} withdrawn")


@shared_task
def dispatch_due() -> None:
    """Submit what is due; after a look at whether this database still knows what was sent.

    Where that can't be looked up nothing is sent. When it was restored all is paused, and dispatch
    only finds out what is too late.
    """
    check_for_restore()
    report = dispatch()
    if report.calls:
        note_newest_call()
    heartbeats.record_heartbeat(heartbeats.DISPATCH, f"{report.claimed} claimed, {report.calls} submitted")


@shared_task
def probe_robotalker() -> None:
    """Ask a Robotalker that was unwell whether it is well again."""
    probe()


@shared_task
def reconcile_calls() -> None:
    """Find what nobody came back for, as far as the database tells."""
    report = reconcile(ask=False)
    heartbeats.record_heartbeat(
        heartbeats.RECONCILIATION,
        f"{report.released} released, {report.missed} missed, {report.lost} lost, {report.overdue} overdue, "
        f"{report.asked} for a person",
    )


@shared_task
def ask_about_calls() -> None:
    """Ask Robotalker about calls of which no event told."""
    report = ask()
    heartbeats.record_heartbeat(heartbeats.ASKING, f"{report.asked} asked about, {report.healed} healed")


@shared_task
def push_contacts() -> None:
    """Tell Robotalker of opt-outs and opt-ins that it doesn't know of."""
    report = push()
    heartbeats.record_heartbeat(heartbeats.CONTACTS, f"{report.told} told, {report.failed} failed")


@shared_task
def pull_contacts() -> None:
    """Once a night, take over who has opted out at Robotalker; where that failed, an hour later again."""
    pull_if_due()
