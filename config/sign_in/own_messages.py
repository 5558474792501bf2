"""Messages on pages ("Sarah Lind has been saved.") wait for the next page in a cookie, as Django has it.

But they name patients, and several people work at one browser: so the cookie is encrypted, and what was said
to one person is shown neither to whoever comes next, nor while nobody is logged in or the desk is locked.
"""

import json
from typing import Any

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.messages.storage.cookie import CookieStorage, MessageDecoder
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage
from django.http import HttpRequest

from config.sign_in.encryption import make_cipher
from config.sign_in.sessions import LOCKED

PURPOSE = "messages"


class SealedCookie(CookieStorage):
    """The cookie (MESSAGES_COOKIE_NAME)."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.cookie_name = settings.MESSAGES_COOKIE_NAME

    def _encode_parts(self, messages: list[str], encode_empty: bool = False) -> str | None:
        """What Django calls with messages as JSON each."""
        if not messages and not encode_empty:
            return None
        packed = json.dumps([self._find_person(), messages])
        return make_cipher(PURPOSE).encrypt(packed.encode()).decode()

    def _decode(self, data: str) -> list[Any] | None:
        """What Django calls with the cookie; None, and the cookie goes, if it was for somebody else."""
        if not data:
            return None
        try:
            person, messages = json.loads(make_cipher(PURPOSE).decrypt(data.encode("utf-8", "replace")))
        except (InvalidToken, ValueError):
            person, messages = None, []
        if person == self._find_person() and not _is_locked(self.request):
            return [json.loads(one, cls=MessageDecoder) for one in messages]
        self.used = True
        return None

    def _find_person(self) -> str:
        """The id of whoever is logged in, as the session has it; "" for nobody."""
        session: Any = getattr(self.request, "session", {})
        return str(session.get(SESSION_KEY, ""))


class UnlockedSession(SessionStorage):
    """What is too long for the cookie; a session belongs to one person."""

    def _get(self, *arguments: Any, **named: Any) -> tuple[list[Any] | None, bool]:
        found: tuple[list[Any] | None, bool] = super()._get(*arguments, **named)  # type: ignore[misc]
        return ([], True) if _is_locked(self.request) else found


class OwnMessages(FallbackStorage):
    """MESSAGE_STORAGE."""

    storage_classes = (SealedCookie, UnlockedSession)


def _is_locked(request: HttpRequest) -> bool:
    session: Any = getattr(request, "session", {})
    return bool(session.get(LOCKED))
