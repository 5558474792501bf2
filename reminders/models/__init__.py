"""The promise and its keeping."""

from reminders.models.calls import CallBatch, CallRecord
from reminders.models.campaigns import Campaign, Script, ScriptText, Step
from reminders.models.followups import FollowUp
from reminders.models.promises import Reminder
from reminders.models.running import Heartbeat, SendingSwitch

__all__ = [
    "CallBatch",
    "CallRecord",
    "Campaign",
    "FollowUp",
    "Heartbeat",
    "Reminder",
    "Script",
    "ScriptText",
    "SendingSwitch",
    "Step",
]
