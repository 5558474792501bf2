"""Sending the texts that confirm opt-outs by text: the only ones that go to a number that has opted out.

Each is sent once, within five minutes of the opt-out or not at all: later it would be a new message. Calling
hours and caps don't hold it, since it answers what the patient just wrote. The account's address, to which
its events go, accepts START and STOP.
"""

from datetime import datetime, timedelta

from django.conf import settings

from contacts.models import ConsentEntry
from contacts.own_numbers import is_own_number
from reminders.deciding.sending_mode import read_mode
from reminders.models import OptOutConfirmation
from reminders.results.optout_confirmations import OF_TEXTS
from reminders.rules.modes import SendingMode
from reminders.rules.reasons import ConfirmationReason
from reminders.sweeps.single_texts import SENT_WITHIN, SingleTexts, TextsReport, send_single_texts


def send_confirmations() -> TextsReport:
    """One round: drop what is too late, and send what waits, the oldest first."""
    return send_single_texts(CONFIRMATIONS)


def _find_objection(confirmation: OptOutConfirmation, now: datetime) -> str:
    """Why it must not be sent any more, or ""."""
    entry, number = confirmation.entry, confirmation.entry.number
    if not timedelta(0) <= now - entry.at <= SENT_WITHIN:
        return ConfirmationReason.CONFIRMED_TOO_LATE
    if not settings.OPT_OUT_CONFIRMATION:
        return ConfirmationReason.CONFIRMATIONS_OFF
    since = number.consent_entries.filter(what=ConsentEntry.What.OPT_IN, scope__in=OF_TEXTS, pk__gt=entry.pk)
    if number.sms_opted_out_at is None or since.exists():
        return ConfirmationReason.OPTED_IN_SINCE
    if number.kind_fault or is_own_number(number.e164):
        return ConfirmationReason.NEVER_TEXTED
    if number.verified_at is None and read_mode() == SendingMode.TRIAL:
        return ConfirmationReason.NOT_ON_TRIAL
    return ""


CONFIRMATIONS = SingleTexts(
    model=OptOutConfirmation,
    number="entry__number",
    dated="entry__at",
    read_with=("entry__number",),
    find_objection=_find_objection,
    too_late=ConfirmationReason.CONFIRMED_TOO_LATE,
)
