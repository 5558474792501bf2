"""The clinic whose reminders go out meanwhile, and the oracle's judgement. Import it after Django's setup."""

import random
from typing import Any, cast

from django.core.management import call_command
from django.db import connection

from contacts.models import Contact
from tests.sandbox_server import SandboxServer
from tests.torture.actions import Staff
from tests.torture.facts import read_facts
from tests.torture.fault_phase import FaultPhase, SystemUnderTest
from tests.torture.generated_clinic import GeneratedClinic, generate_clinic
from tests.torture.oracle import count_violations
from tests.torture.sandbox_faults import PATIENT_BEHAVIOUR
from tests.torture.scenario import REPOST_PAUSES
from tests.torture.settling import wait_until_settled
from tests.torture.size import Size


class Clinic:
    """One run's patients and appointments."""

    def __init__(self, size: Size, sandbox: SandboxServer) -> None:
        call_command("migrate", verbosity=0)
        Contact.objects.create(first_name="Nobody", last_name="Here")  # so that it makes no demo clinic
        self._size, self._sandbox = size, sandbox
        self._staff = Staff(random.Random(size.seed))
        self._generated: GeneratedClinic | None = None
        sandbox.behave(mix=PATIENT_BEHAVIOUR, repost_after_seconds=REPOST_PAUSES)
        connection.close()

    def generate(self) -> None:
        """Make the patients; their reminders become due from now on."""
        self._generated = generate_clinic(self._size)
        connection.close()

    def settle(self) -> None:
        """Wait until no reminder is due or under way, without the waiting times of a practice."""
        connection.close()  # it may be of a server that was killed
        nothing: Any = None
        system = SystemUnderTest(nothing, nothing, self._sandbox, nothing, self._staff)
        wait_until_settled(FaultPhase(system, self._size))
        self._facts = read_facts(self._sandbox, cast(GeneratedClinic, self._generated))
        connection.close()

    def judge(self) -> dict[str, int]:
        """How often each rule of the oracle is broken."""
        return count_violations(self._facts)
