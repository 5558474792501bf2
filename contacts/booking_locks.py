"""Who books something for a patient, or with a provider, locks them, so that the next one sees it.

These are advisory locks, since no row may be locked yet. Patients come before providers.
"""

from collections.abc import Iterable

from django.db import connection

# The first halves of the keys; the second is an id.
_PATIENT, _PROVIDER = 7_364_004, 7_364_005
_SECOND_HALF = 2**31  # ids that differ by this share a lock, which lets one of them wait without need
_LOCK = "SELECT pg_advisory_xact_lock(%s, id) FROM unnest(%s::int[]) AS wanted (id)"


def lock_patients(contact_ids: Iterable[int]) -> None:
    """Until the transaction ends let nothing else be booked for these patients, at the desk, by the API or by
    a list. To be called before any row is locked that bookings lock too; nobody waits for those of others.
    """
    _lock(_PATIENT, contact_ids)


def lock_providers(provider_ids: Iterable[int]) -> None:
    """The same for providers, after the patients."""
    _lock(_PROVIDER, provider_ids)


def _lock(kind: int, ids: Iterable[int]) -> None:
    wanted = sorted({pk % _SECOND_HALF for pk in ids})
    if wanted:
        with connection.cursor() as cursor:
            cursor.execute(_LOCK, [kind, wanted])
