"""Sessions in the database, as Django has them, in which a lock stays until a password opens it.

A request reads its session when it begins and writes all of it when it ends. So a page that takes long would
open a desk again that was locked meanwhile.
"""

from django.contrib.sessions.backends import db
from django.db import transaction

LOCKED = "desk_locked"  # in the session


class SessionStore(db.SessionStore):
    """The engine (SESSION_ENGINE). `was_opened`: this request has asked for the password."""

    was_opened = False

    def save(self, must_create: bool = False) -> None:
        if must_create or self.session_key is None or self.was_opened or self.get(LOCKED):
            super().save(must_create)
            return
        with transaction.atomic():
            stored = self.model.objects.select_for_update(no_key=True).filter(pk=self.session_key).first()
            if stored and stored.get_decoded().get(LOCKED):
                self[LOCKED] = True
            super().save()
