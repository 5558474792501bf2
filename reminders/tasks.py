"""Beat's ticks: doors to the sweeps. They carry no state; running one twice, or two at once, does no harm."""

from celery import shared_task

from reminders import heartbeats
from reminders.dispatch import dispatch_due as dispatch
from reminders.planning import plan_all
from reminders.reconciliation import reconcile


@shared_task
def plan_reminders() -> None:
    """Plan what is missing and withdraw what is pointless."""
    report = plan_all()
    heartbeats.beat(heartbeats.PLANNING, f"{report.added} planned, {report.withdrawn} withdrawn")


@shared_task
def dispatch_due() -> None:
    """Submit what is due."""
    report = dispatch()
    heartbeats.beat(heartbeats.DISPATCH, f"{report.claimed} claimed, {report.calls} submitted")


@shared_task
def reconcile_calls() -> None:
    """Find what nobody came back for."""
    report = reconcile()
    heartbeats.beat(
        heartbeats.RECONCILIATION,
        f"{report.released} released, {report.lost} lost, {report.overdue} overdue, {report.asked} asked",
    )
