"""Whether a number has the consent that a campaign requires: one rule, in Python and in SQL."""

from django.db.models import Q

from contacts.models import PhoneNumber
from reminders.rules.consent import ENOUGH, is_enough


def lacks_consent(required: str, number: PhoneNumber | None) -> bool:
    """Whether the consent that a Campaign.Consent requires is not on record; never so without a number."""
    return number is not None and not is_enough(required, number.consent_basis)


def _has_consent() -> Q:
    condition = Q(step__campaign__consent="") | Q(appointment__contact__phone=None)
    for required, bases in ENOUGH.items():
        condition |= Q(step__campaign__consent=required, appointment__contact__phone__consent_basis__in=bases)
    return condition


HAS_REQUIRED_CONSENT = _has_consent()  # for reminders
