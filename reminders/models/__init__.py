"""The tables of campaigns, reminders, calls and follow-ups, and of what dispatch itself needs."""

from reminders.models.absences import Absence, AbsenceVisit
from reminders.models.calls import CallBatch, CallCompanion, CallRecord
from reminders.models.campaigns import Campaign, CampaignVersion, Step
from reminders.models.day_filters import SavedFilter
from reminders.models.evidence import EvidenceHold, EvidenceLook
from reminders.models.follow_ups import FollowUp, FollowUpDeed
from reminders.models.listed_numbers import ListedNumber
from reminders.models.live_checks import AssumptionTrial, LiveCheck
from reminders.models.operations import DatabaseIdentity, Heartbeat, SendingSwitch
from reminders.models.optout_confirmations import OptOutConfirmation
from reminders.models.reminders import Reminder
from reminders.models.report_counts import CallCount, FrozenCounts, ReportMark, ResultCount, VisitCount
from reminders.models.scripts import Pronunciation, Script, ScriptText
from reminders.models.test_calls import TestCall
from reminders.models.texts import ReceivedText, StaffText, TextTemplate

__all__ = [
    "Absence",
    "AbsenceVisit",
    "AssumptionTrial",
    "CallBatch",
    "CallCompanion",
    "CallCount",
    "CallRecord",
    "Campaign",
    "CampaignVersion",
    "DatabaseIdentity",
    "EvidenceHold",
    "EvidenceLook",
    "FollowUp",
    "FollowUpDeed",
    "FrozenCounts",
    "Heartbeat",
    "ListedNumber",
    "LiveCheck",
    "OptOutConfirmation",
    "Pronunciation",
    "ReceivedText",
    "Reminder",
    "ReportMark",
    "ResultCount",
    "SavedFilter",
    "Script",
    "ScriptText",
    "SendingSwitch",
    "StaffText",
    "Step",
    "TestCall",
    "TextTemplate",
    "VisitCount",
]
