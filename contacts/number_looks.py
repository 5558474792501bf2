"""Numbers in full, for those who have to dial: who may see them, and who saw which (product rule 59)."""

from collections.abc import Iterable

from django.contrib.auth.models import AnonymousUser, User

from contacts.audit.trail import record_numbers_seen
from contacts.models import PhoneNumber

PERMISSION = "contacts.dial_phonenumber"


def show_in_full(numbers: Iterable[PhoneNumber | None], user: User | AnonymousUser) -> bool:
    """Whether `user` may see these numbers; if so, record that they saw them. Call it before they are shown.

    Each number is recorded once for each person and day.
    """
    if not isinstance(user, User) or not user.has_perm(PERMISSION):
        return False
    record_numbers_seen({number.pk for number in numbers if number}, by=user)
    return True
