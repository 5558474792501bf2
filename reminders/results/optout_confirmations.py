"""Opt-outs by text, each with the one text that may confirm it (product rule 32; OPT_OUT_CONFIRMATION).

The text is only put down here, in the transaction of the opt-out; sweeps/confirming_texts.py sends it.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from contacts.models import ConsentEntry, PhoneNumber
from contacts.optouts import record_optout
from contacts.worker_hints import hint_worker
from reminders.models import CallRecord, OptOutConfirmation
from reminders.wording.optout_confirmations import write_confirmation

Scope, What, Source = ConsentEntry.Scope, ConsentEntry.What, ConsentEntry.Source

TASK = "reminders.tasks.confirm_optouts"
TICK = 10  # seconds
OF_TEXTS = (Scope.SMS, Scope.ALL)
# Robotalker may report one STOP twice, as the patient's text and as contact.optout, in any order.
SAME_STOP = timedelta(minutes=1)


@transaction.atomic
def record_optout_by_text(
    number_id: int, call: CallRecord | None, *, scope: str, source: str, at: datetime, evidence: str
) -> bool:
    """Opt a number out because of a text from it, like record_optout(); put down its confirming text.

    None is put down where texts were stopped before, by another text, a key or a person. `call`: what the
    text most likely answers; without one we don't know who to name, and none is put down.
    """
    number = PhoneNumber.objects.select_for_update(no_key=True).get(pk=number_id)
    changed = record_optout(number_id, scope=scope, source=source, at=at, evidence=evidence)
    if settings.OPT_OUT_CONFIRMATION and call is not None:
        entry = _find_stop_of_texts(number_id)
        texts_were_on = number.sms_opted_out_at is None
        if entry and ((changed and texts_were_on) or _tells_same_stop(entry, at)):
            _put_down(entry, call)
    return changed


def _find_stop_of_texts(number_id: int) -> ConsentEntry | None:
    """The entry that stopped texts to the number: the first since they were last allowed again."""
    entries = ConsentEntry.objects.filter(number=number_id, scope__in=OF_TEXTS).order_by("pk")
    last_opt_in = entries.filter(what=What.OPT_IN).last()
    return entries.filter(what=What.OPT_OUT, pk__gt=last_opt_in.pk if last_opt_in else 0).first()


def _tells_same_stop(entry: ConsentEntry, at: datetime) -> bool:
    """Whether the entry is Robotalker's other report of the STOP that a text said at `at`."""
    return entry.source in (Source.SMS_REPLY, Source.ROBOTALKER) and abs(entry.at - at) <= SAME_STOP


def _put_down(entry: ConsentEntry, call: CallRecord) -> None:
    appointment = call.reminder.appointment
    languages = [appointment.contact.language, call.script_text.language]
    OptOutConfirmation.objects.get_or_create(
        entry=entry,
        defaults={
            "from_number": call.from_number,
            "text": write_confirmation(appointment.location.spoken_name, languages, scope=entry.scope),
        },
    )
    hint_worker(TASK, worth_seconds=TICK)
