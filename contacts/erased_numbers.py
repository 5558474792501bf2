"""What is left of a number that was erased: its “no”, under a digest that only this installation can make.

A telephone number is short, so a plain hash of it is soon guessed; the digest is keyed (ERASED_NUMBERS_KEYS).
As soon as the number comes back, from a list, a form or an event, contacts/people.py brings its “no” back
(product rule 64).
"""

import hashlib
import hmac
from collections.abc import Collection
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from contacts.consent import record_consent_basis
from contacts.database.arrays import is_any_text
from contacts.models import ConsentEntry, ErasedOptOut, PhoneNumber
from contacts.models.people import Channel
from contacts.optouts import SCOPE_BY_CHANNEL, record_optout

PURPOSE = b"callboard: erased number "
EVIDENCE = "of a person who was erased"


def make_digests(e164: str) -> list[str]:
    """The digest of a number by each key, that of the newest key first."""
    message = PURPOSE + e164.encode()
    return [
        hmac.new(key.encode(), message, hashlib.sha256).hexdigest() for key in settings.ERASED_NUMBERS_KEYS
    ]


def keep_no(
    e164: str, *, voice_at: datetime | None, sms_at: datetime | None, without_consent: bool
) -> ErasedOptOut | None:
    """Keep the “no” of a number that is erased now; None if there is none to keep. One kept before goes."""
    ErasedOptOut.objects.filter(digest__in=make_digests(e164)).delete()
    if not (voice_at or sms_at or without_consent):
        return None
    return ErasedOptOut.objects.create(
        digest=make_digests(e164)[0],
        voice_opted_out_at=voice_at,
        sms_opted_out_at=sms_at,
        without_consent=without_consent,
    )


def find_erased(e164s: Collection[str]) -> dict[str, str]:
    """Those of these numbers whose “no” was kept when they were erased: digest by number (E.164)."""
    by_digest = {digest: e164 for e164 in e164s for digest in make_digests(e164)}
    kept = ErasedOptOut.objects.filter(is_any_text("digest", by_digest)).values_list("digest", flat=True)
    return {by_digest[digest]: digest for digest in kept}


def bring_back(number: PhoneNumber, digest: str) -> None:
    """Give a number that has come back its “no”, in the caller's transaction. Done once, by one of many."""
    kept = ErasedOptOut.objects.select_for_update().filter(digest=digest).first()
    if kept is None:
        return
    no_since = {Channel.VOICE: kept.voice_opted_out_at, Channel.SMS: kept.sms_opted_out_at}
    for channel, at in no_since.items():
        if at:
            scope, source = SCOPE_BY_CHANNEL[channel], ConsentEntry.Source.KEPT
            record_optout(number.pk, scope=scope, source=source, at=at, evidence=EVIDENCE)
    if kept.without_consent:
        basis = PhoneNumber.ConsentBasis.NONE
        record_consent_basis(number.pk, basis, evidence=EVIDENCE, by=None, at=timezone.now(), is_kept=True)
    kept.delete()
