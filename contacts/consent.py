"""Record the consent on which a number may be called. Only this module changes a number's consent basis."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from contacts.consent_ledger import add_entry
from contacts.models import ConsentEntry, PhoneNumber


@transaction.atomic
def record_consent_basis(
    number_id: int, basis: str, *, evidence: str, by: User | None, at: datetime, is_kept: bool = False
) -> bool:
    """Set a number's consent basis and add it to the consent ledger; return True if it changed.

    `evidence` says how the practice knows it, such as where the signed form is kept. `is_kept`: nobody says
    it now; it was kept when the number was erased (contacts/erased_numbers.py).
    """
    number = PhoneNumber.objects.select_for_update().get(pk=number_id)
    entry = ConsentEntry(
        number=number,
        what=ConsentEntry.What.CONSENT,
        scope=ConsentEntry.Scope.ALL,
        source=ConsentEntry.Source.KEPT if is_kept else ConsentEntry.Source.STAFF,
        basis=PhoneNumber.ConsentBasis(basis),
        evidence=evidence,
        by=by,
        at=at,
    )
    return add_entry(number, entry)
