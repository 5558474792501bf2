"""manage.py check_consent: prove that each number's opt-outs and consent basis are what its ledger says."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from contacts.consent_ledger import find_consent_differences
from contacts.models import PhoneNumber
from contacts.numbers import mask

WORDS = {
    "voice_opted_out_at": "opted out of calls",
    "sms_opted_out_at": "opted out of text messages",
    "consent_basis": "consent basis",
}


class Command(BaseCommand):
    help = "Compares all numbers with their consent ledgers; lists those that differ, and then fails."

    def handle(self, *args: Any, **options: Any) -> None:
        differing = 0
        for difference in find_consent_differences():
            differing += 1
            fields = ", ".join(WORDS[name] for name in difference.fields)
            number = difference.number
            self.stdout.write(f"number {number.pk} ({mask(number.e164)}) differs from its ledger: {fields}")
        if differing:
            raise CommandError(
                f"{differing} of {PhoneNumber.objects.count()} numbers differ from their ledgers."
            )
        self.stdout.write(f"All {PhoneNumber.objects.count()} numbers are as their ledgers say.")
