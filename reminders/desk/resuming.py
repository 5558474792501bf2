"""A person ends a pause, of all sending, a campaign or a location, and chooses what becomes of what fell due.

Skipping comes first and the pause ends last, so that no worker sends in between what is to be skipped. A
pause that Callboard made by itself ends by itself (traffic/probing.py) without asking; when a person ends
it, or sending after a restored database, they are asked like for a pause by a person.
"""

from collections.abc import Callable, Sequence

from django.contrib.auth.models import User
from django.db import transaction

from contacts.appointments import lock_appointments
from contacts.database.clock import read_database_clock
from contacts.models import Location
from reminders.deciding.fallen_due import FallenDue, find_due_in_paused_campaign, find_fallen_due
from reminders.desk.location_pauses import resume_location
from reminders.desk.orders import SKIPPED_PER_TRANSACTION, skip_reminders
from reminders.models import Campaign, Reminder, SendingSwitch
from reminders.planning.activation import activate_campaign, check_scripts
from reminders.planning.planner import plan_campaign
from reminders.rules.reasons import Reason
from reminders.traffic.switch import pause_sending, read_switch, resume_sending


def find_due_in_pause(switch: SendingSwitch) -> FallenDue:
    """What fell due since all sending was paused, of active campaigns; nothing if it isn't paused.

    After a restore, also what fell due before: it may have been sent after the backup was taken.
    """
    if switch.paused_at is None:
        return FallenDue([], 0)
    reminders = Reminder.objects.filter(step__campaign__state=Campaign.State.ACTIVE)
    is_restored = switch.cause == SendingSwitch.Cause.RESTORED
    return find_fallen_due(reminders, switch.paused_at, read_database_clock(), or_before=is_restored)


def skip_and_resume_sending(switch: SendingSwitch, *, by: User) -> int:
    """Skip what fell due in the pause and is still in time, then resume; how many were skipped.

    If somebody else resumes meanwhile, the rest is left to them.
    """
    due = find_due_in_pause(switch).ids
    pause_sending(by=by)  # else a pause because of Robotalker could end by itself meanwhile
    skipped = _skip_while(lambda: read_switch().paused_at is not None, due, by)
    resume_sending(by=by)
    return skipped


def find_due_in_campaign_pause(campaign: Campaign) -> FallenDue:
    """What fell due since this campaign was paused; nothing if it isn't paused.

    What came to be owed in the pause is planned first, since that counts as well.
    """
    if campaign.state == Campaign.State.PAUSED:
        plan_campaign(campaign)
    return find_due_in_paused_campaign(campaign, read_database_clock())


@transaction.atomic
def skip_and_activate_campaign(campaign: Campaign, *, by: User) -> int:
    """Skip what fell due in its pause and is still in time, then activate it; how many were skipped.

    All in one transaction, so all appointments are locked first, in their order. Raises ScriptsRefused before
    anything is skipped.
    """
    check_scripts(campaign)
    state = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk).state
    is_paused = state == Campaign.State.PAUSED  # else somebody has resumed it meanwhile
    due = find_due_in_campaign_pause(campaign).ids if is_paused else []
    lock_appointments(Reminder.objects.filter(pk__in=due).values_list("appointment", flat=True))
    skipped = skip_reminders(due, by=by, reason=Reason.SKIPPED_AFTER_PAUSE)
    activate_campaign(campaign)
    return skipped


def find_due_in_location_pause(location: Location) -> FallenDue:
    """What fell due for this location since it was paused, of active campaigns; nothing if it isn't."""
    if location.paused_at is None:
        return FallenDue([], 0)
    reminders = Reminder.objects.filter(
        appointment__location=location, step__campaign__state=Campaign.State.ACTIVE
    )
    return find_fallen_due(reminders, location.paused_at, read_database_clock(), of_paused_location=True)


def skip_and_resume_location(location: Location, *, by: User) -> int:
    """Skip what fell due in its pause and is still in time, then resume it; how many were skipped."""
    due = find_due_in_location_pause(location).ids
    paused = Location.objects.filter(pk=location.pk, paused_at=location.paused_at)
    skipped = _skip_while(paused.exists, due, by)
    resume_location(location)
    return skipped


def _skip_while(is_paused: Callable[[], bool], reminder_ids: Sequence[int], by: User) -> int:
    skipped = 0
    for start in range(0, len(reminder_ids), SKIPPED_PER_TRANSACTION):
        if not is_paused():
            break
        group = reminder_ids[start : start + SKIPPED_PER_TRANSACTION]
        skipped += skip_reminders(group, by=by, reason=Reason.SKIPPED_AFTER_PAUSE)
    return skipped
