"""Recording who looked at the evidence of a call; only this module writes it."""

from datetime import datetime

from django.contrib.auth.models import User

from reminders.models import EvidenceLook


def record_look(call_id: int, how: EvidenceLook.How, *, by: User, at: datetime) -> EvidenceLook:
    """Record that `by` saw it at `at` (aware), before it is shown."""
    return EvidenceLook.objects.create(call_id=call_id, how=how, by=by, at=at)
