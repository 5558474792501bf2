"""Sessions in the database, as Django has them, in which a lock stays until a password opens it.

A request reads its session when it begins and writes all of it when it ends. So a page that takes long would
open a desk again that was locked meanwhile.
"""

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends import db
from django.db import transaction
from django.utils import timezone

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


def end_sessions(user: User, *, besides: str | None = None) -> int:
    """End this person's logins, but for the session with the key `besides`; how many.

    Whose a session is, only its data say. A request that still has one of them can't store it again.
    """
    sessions = SessionStore.get_model_class().objects
    theirs = [
        session.pk
        for session in sessions.filter(expire_date__gt=timezone.now()).iterator()
        if session.pk != besides and session.get_decoded().get(SESSION_KEY) == str(user.pk)
    ]
    return sessions.filter(pk__in=theirs).delete()[0]
