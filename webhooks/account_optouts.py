"""Opt-outs that belong to no call that we have: posted to the account's address, or for a call that was lost.

Only here a number is looked up by what an event says: the event is about the number itself, not about a call.
"""

from datetime import datetime

from django.conf import settings

from contacts.models import ConsentEntry
from contacts.models.people import Channel
from contacts.numbers import NotANumber
from contacts.optouts import SCOPE_BY_CHANNEL, record_optout
from contacts.people import get_or_create_written_number
from reminders.robotalker.events import RobotalkerEvent
from webhooks.address_checks import DoesNotFit
from webhooks.optout_detection import mentions_optout

EVIDENCE = "event on the account's address"


def apply_account_event(event: RobotalkerEvent, received_at: datetime) -> None:
    """Opt out the number that the event names; a number we don't have yet is added. Raises DoesNotFit."""
    if not mentions_optout(event):
        raise DoesNotFit("the account's address accepts only opt-outs")
    try:
        number = get_or_create_written_number(event.to or "", settings.PHONE_REGION)
    except NotANumber as error:
        raise DoesNotFit("it names no phone number to opt out") from error
    record_optout(
        number.pk,
        scope=SCOPE_BY_CHANNEL[Channel(event.channel) if event.channel else None],
        source=ConsentEntry.Source.ROBOTALKER,
        at=min(event.occurred_at or received_at, received_at),
        evidence=EVIDENCE,
    )
