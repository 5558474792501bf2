"""Opt-outs and opt-ins here and on Robotalker's list of contacts, as the tests set and read them."""

from typing import Any

from django.utils import timezone

from contacts.models import ConsentEntry, PhoneNumber
from contacts.optouts import record_optin, record_optout
from reminders.models import ListedNumber
from tests.people import SARAH, make_user
from tests.sandbox_server import SandboxServer


def opt_out(number: PhoneNumber, scope: str = "voice") -> None:
    record_optout(number.pk, scope=scope, source=ConsentEntry.Source.STAFF, at=timezone.now())


def opt_in(number: PhoneNumber, scope: str = "voice") -> None:
    user = make_user(f"user{ConsentEntry.objects.count()}")
    record_optin(number.pk, scope=scope, evidence="changed her mind", by=user, at=timezone.now())


def set_on_robotalkers_list(sandbox: SandboxServer, to: str, **opted_out: bool) -> None:
    """As if the patient had done so at Robotalker."""
    sandbox.api("POST", "/api/v1/contacts", {"to": to, "opted_out": opted_out})


def read_robotalkers_list(sandbox: SandboxServer) -> dict[str, Any]:
    contacts = sandbox.api("GET", "/api/v1/contacts").json()["contacts"]
    return {contact["to"]: contact["opted_out"] for contact in contacts}


def read_flags(e164: str = SARAH) -> tuple[bool, bool]:
    number = PhoneNumber.objects.get(e164=e164)
    return number.voice_opted_out_at is not None, number.sms_opted_out_at is not None


def try_again_now() -> None:
    ListedNumber.objects.update(next_attempt_at=None)
