"""Opt-outs that belong to no call that we know: on the account's own address, or of a call we have forgotten.

Here and only here a number is looked up: the event is about the number itself, whoever has it.
"""

from datetime import datetime

from django.conf import settings

from contacts.models import ConsentEntry
from contacts.models.people import Channel
from contacts.numbers import NotANumber
from contacts.optouts import record_optout
from contacts.people import get_or_create_written_number
from reminders.results.answers import SCOPE_BY_CHANNEL
from reminders.robotalker.events import RobotalkerEvent
from webhooks.address_checks import DoesNotFit
from webhooks.optout_detection import mentions_optout

EVIDENCE = "event on the account's address"


def apply_account_event(event: RobotalkerEvent, received_at: datetime) -> None:
    """Opt the number out that the event names; one we don't know yet is kept. Raises DoesNotFit."""
    if not mentions_optout(event):
        raise DoesNotFit("the account's address takes opt-outs only")
    try:
        number = get_or_create_written_number(event.to or "", settings.PHONE_REGION)
    except NotANumber as error:
        raise DoesNotFit("it names no number that could opt out") from error
    record_optout(
        number.pk,
        scope=SCOPE_BY_CHANNEL[Channel(event.channel) if event.channel else None],
        source=ConsentEntry.Source.ROBOTALKER,
        at=min(event.occurred_at or received_at, received_at),
        evidence=EVIDENCE,
    )
