"""A sweep that finds reminders which could go earlier than their next look, whatever has changed and however.

Whoever changes something on a page makes what waits be looked at at once (planning/early_looks.py). A
setting, an import, an event or a statement in the database does not: then this finds it (product rule 30).
"""

from django.db.models import IntegerField
from django.db.models.functions import Mod

from contacts.database.clock import read_database_clock
from reminders.lifecycle.reminders import WAITING
from reminders.models import Reminder
from reminders.planning.early_looks import look_again, look_again_at_turns

MOST_AT_ONCE = 3_000  # reminders each round, about a second's work
ROUND_EVERY = 15.0  # seconds; see CELERY_BEAT_SCHEDULE


def find_early_looks(most: int = MOST_AT_ONCE) -> int:
    """One round; how many reminders are now due for a look.

    When more than `most` wait, each round looks at a part of them, by primary key, and the clock says which:
    ten thousand are seen in four rounds, a minute.
    """
    waiting = Reminder.objects.filter(WAITING)
    found = look_again_at_turns()
    parts = -(-waiting.count() // most)
    if parts > 1:
        part = int(read_database_clock().timestamp() // ROUND_EVERY) % parts
        waiting = waiting.alias(part=Mod("pk", parts, output_field=IntegerField())).filter(part=part)
    return found + (look_again(waiting) if parts else 0)
