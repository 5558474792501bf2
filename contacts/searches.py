"""Searches that are kept in the session, so that the names and numbers searched for stay out of addresses.

An address gets a key in place of the text; browsers keep addresses in their history, and proxies log them.
"""

import secrets
from collections.abc import MutableMapping
from typing import Any

SEARCHES = "searches"  # in the session: text by key, oldest first
KEPT = 20
LONGEST = 200  # characters
MARK = "~"


def clean_search(text: str) -> str:
    """What is searched for: without NUL and halves of letters, which PostgreSQL refuses."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode()[:LONGEST].strip()


def remember_search(session: MutableMapping[str, Any], text: str) -> str:
    """The key by which this session finds the text again; "" for an empty text."""
    text = clean_search(text)
    if not text:
        return ""
    kept: dict[str, str] = session.get(SEARCHES, {})
    key = next((key for key, known in kept.items() if known == text), MARK + secrets.token_urlsafe(6))
    others = [(known, words) for known, words in kept.items() if known != key]
    session[SEARCHES] = dict([*others[1 - KEPT :], (key, text)])
    return key


def recall_search(session: MutableMapping[str, Any], key: str) -> str:
    """The text; "" for a key that this session doesn't know, or knows no more."""
    text: str = session.get(SEARCHES, {}).get(key, "")
    return text


def forget_all_searches(session: MutableMapping[str, Any]) -> None:
    """Forget all that this session has searched for."""
    session.pop(SEARCHES, None)


def is_search_key(text: str) -> bool:
    """Whether this is a key, and not the text itself, as in an address typed by hand."""
    return text.startswith(MARK)
