"""The tables of campaigns, reminders, calls and follow-ups, and of what dispatch itself needs."""

from reminders.models.calls import CallBatch, CallCompanion, CallRecord
from reminders.models.campaigns import Campaign, CampaignVersion, Script, ScriptText, Step
from reminders.models.follow_ups import FollowUp
from reminders.models.listed_numbers import ListedNumber
from reminders.models.operations import DatabaseIdentity, Heartbeat, SendingSwitch
from reminders.models.optout_confirmations import OptOutConfirmation
from reminders.models.reminders import Reminder

__all__ = [
    "CallBatch",
    "CallCompanion",
    "CallRecord",
    "Campaign",
    "CampaignVersion",
    "DatabaseIdentity",
    "FollowUp",
    "Heartbeat",
    "ListedNumber",
    "OptOutConfirmation",
    "Reminder",
    "Script",
    "ScriptText",
    "SendingSwitch",
    "Step",
]
