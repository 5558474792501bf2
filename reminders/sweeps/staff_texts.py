"""Sending the texts that staff wrote, each once, within five minutes or not at all."""

from datetime import datetime, timedelta

from reminders.deciding.text_objections import find_text_objection
from reminders.models import StaffText
from reminders.rules.reasons import ReasonOfText
from reminders.sweeps.single_texts import SENT_WITHIN, SingleTexts, TextsReport, send_single_texts


def send_staff_texts() -> TextsReport:
    """One round: drop what is too late, and send what waits, the oldest first."""
    return send_single_texts(BY_STAFF)


def _find_objection(text: StaffText, now: datetime) -> str:
    is_fresh = timedelta(0) <= now - text.created_at <= SENT_WITHIN
    return find_text_objection(text, now) if is_fresh else ReasonOfText.TEXT_TOO_LATE


BY_STAFF = SingleTexts(
    model=StaffText,
    number="number",
    dated="created_at",
    read_with=("number", "by", "location"),
    find_objection=_find_objection,
    too_late=ReasonOfText.TEXT_TOO_LATE,
)
