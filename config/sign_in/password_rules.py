"""Which passwords are refused, besides Django's lists: those that are a name with a few characters added.

As OWASP ASVS 5 (6.2) asks: a length, no rules about which characters, none of the common ones, and nothing
that is known of the person or the product.
"""

import re
from collections.abc import Iterator

from django.contrib.auth.models import AbstractBaseUser, User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

PRODUCT_WORDS = (
    "callboard",
    "robotalker",
    "password",
    "passwort",
    "contraseña",
    "reminder",
    "clinic",
)
SHORTEST_WORD = 3  # characters; two letters of a name stand in many words
LEAST_OF_ONES_OWN = 8  # characters beside the known words


class NameWithAdditions:
    """Refuses `adminadmin1` for `admin`: without the names in it, hardly anything is left."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        rest = password.casefold()
        for word in sorted(set(list_known_words(user)), key=len, reverse=True):
            rest = rest.replace(word, "")
        if rest != password.casefold() and len(rest) < LEAST_OF_ONES_OWN:
            raise ValidationError(
                gettext("It is mostly a name or a word that others know. Choose words that nobody expects."),
                code="name_with_additions",
            )

    def get_help_text(self) -> str:
        return gettext("Not your name, nor another word that others know, with something added.")


class EnoughDifferentCharacters:
    """Refuses `aaaaaaaaaaaa` and `121212121212`."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        if len(set(password)) < 5:
            raise ValidationError(
                gettext("It repeats the same few characters."), code="few_different_characters"
            )

    def get_help_text(self) -> str:
        return gettext("Not the same few characters again and again.")


def list_known_words(user: AbstractBaseUser | None) -> Iterator[str]:
    """What others know of this person, and of what the password is for."""
    yield from PRODUCT_WORDS
    if not isinstance(user, User):
        return
    for text in (user.username, user.first_name, user.last_name, user.email.partition("@")[0]):
        whole = text.casefold().strip()
        yield from (word for word in {whole, *re.split(r"[\W_\d]+", whole)} if len(word) >= SHORTEST_WORD)
