"""How many events one address may store, so that whoever has learnt one can't fill the tables with it.

| address | events |
| --- | --- |
| of a call or text | MOST_OF_A_CALL, in all |
| of a campaign's calls | the same for each of them |
| of the account, which also brings numbers that we don't have | MOST_OF_THE_ACCOUNT, in 24 hours |

A request beyond it is answered with 429, so that Robotalker sends it again, and counted (refusal_counts.py).
For a "no" that isn't recorded yet, of a number that we have, the cap is twice as high.
"""

from django.conf import settings
from django.db.models import Q

from contacts.models import PhoneNumber
from contacts.models.people import Channel
from contacts.numbers import read_reported_number
from contacts.optouts import scope_of_optout
from reminders.models import CallRecord
from reminders.robotalker.events import RobotalkerEvent
from reminders.traffic.callback_urls import CALL, Callback
from webhooks.address_checks import is_optout, name_numbers, read_for_optout
from webhooks.models import WebhookEvent

# A call has five events at most, and Robotalker repeats those that weren't answered with the same body.
MOST_OF_A_CALL = 100
MOST_OF_THE_ACCOUNT = 2_000

# Conditions of the statement that stores an event (webhooks/inbox.py), with "subject" as the call or batch;
# %s: 1, or 2 for a "no".
_COUNT = f"SELECT count(*) FROM {WebhookEvent._meta.db_table} AS stored"  # noqa: S608 - a table of ours
_MEMBERS = f"SELECT greatest(1, count(*)) FROM {CallRecord._meta.db_table} AS member"  # noqa: S608 - a table of ours
_TODAY = "stored.received_at > clock_timestamp() - interval '24 hours'"
_OF_ACCOUNT = f"stored.call_id IS NULL AND stored.batch_id IS NULL AND {_TODAY}"
CALL_CAP = f"({_COUNT} WHERE stored.call_id = subject.id) < {MOST_OF_A_CALL} * %s"
BATCH_CAP = (
    f"({_COUNT} WHERE stored.batch_id = subject.id)"
    f" < {MOST_OF_A_CALL} * %s * ({_MEMBERS} WHERE member.batch_id = subject.id)"
)
ACCOUNT_CAP = f"({_COUNT} WHERE {_OF_ACCOUNT}) < {MOST_OF_THE_ACCOUNT} * %s"


class TooManyEvents(ValueError):
    """The address has stored as many events as it may."""


def is_owed_optout(callback: Callback, body: bytes, parsed: RobotalkerEvent | None) -> bool:
    """Whether a request is the "no" of a number that we have, and it isn't recorded yet."""
    if not is_optout(body, parsed):
        return False
    event = parsed or read_for_optout(body)
    scope = scope_of_optout(Channel(event.channel) if event and event.channel else None)
    missing = Q(pk=None)
    if scope != "sms":
        missing |= Q(voice_opted_out_at=None)
    if scope != "voice":
        missing |= Q(sms_opted_out_at=None)
    if callback.subject == CALL:
        numbers = PhoneNumber.objects.filter(calls__public_id=callback.public_id)
    else:
        named = name_numbers(event) if event else []
        forms = [form for raw in named for form in read_reported_number(raw, [settings.PHONE_REGION])]
        numbers = PhoneNumber.objects.filter(e164__in=forms)
    return numbers.filter(missing).exists()
