"""The promise and its keeping."""

from reminders.models.calls import CallBatch, CallCompanion, CallRecord
from reminders.models.campaigns import Campaign, Script, ScriptText, Step
from reminders.models.followups import FollowUp
from reminders.models.listing import ListedNumber
from reminders.models.promises import Reminder
from reminders.models.running import Epoch, Heartbeat, SendingSwitch

__all__ = [
    "CallBatch",
    "CallCompanion",
    "CallRecord",
    "Campaign",
    "Epoch",
    "FollowUp",
    "Heartbeat",
    "ListedNumber",
    "Reminder",
    "Script",
    "ScriptText",
    "SendingSwitch",
    "Step",
]
