"""The OpenAPI description: complete, served to everybody, and kept by every answer to generated requests.

`API_EXAMPLES=50` sends more requests to each address.
"""

import os
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, settings
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import positive_data_acceptance

from contacts.models import ApiScope
from contacts.optouts import record_optout
from reminders.api.description import write_description
from tests.office import make_call
from tests.people import make_due_reminder, make_user
from tests.reminders.api.client import make_secret

EXAMPLES = int(os.environ.get("API_EXAMPLES", "4"))

load_all_checks()
schema = schemathesis.openapi.from_dict(write_description())


@pytest.fixture
def secret(transactional_db: None, settings: Settings) -> str:
    """A token that may do all, in a practice that has something of each kind."""
    settings.API_RATE = settings.API_WRONG_TOKENS = "100000/minute"
    reminder = make_due_reminder()
    make_call(reminder, ended_at=timezone.now())
    number = reminder.appointment.contact.phone
    assert number
    record_optout(
        number.pk, scope="all", source="staff", at=timezone.now() - timedelta(days=1), by=make_user()
    )
    return make_secret()


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(
    case: "schemathesis.Case[Any]", secret: str, live_server: LiveServer
) -> None:
    # what is right by its shape may still be refused: a number that can't be called, a day that is closed
    case.call_and_validate(
        base_url=live_server.url,
        headers={"Authorization": f"Bearer {secret}"},
        excluded_checks=[positive_data_acceptance],
    )


def test_the_description_has_no_warnings() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", os.devnull)


@pytest.mark.django_db
def test_everybody_can_read_the_description() -> None:
    answer = Client().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["openapi"] == "3.1.0"


def test_every_operation_needs_a_token_and_may_answer_a_problem() -> None:
    for address, operations in write_description()["paths"].items():
        for method, operation in operations.items():
            assert operation["security"] == [{"token": []}], (method, address)
            assert "application/problem+json" in operation["responses"]["default"]["content"]
            assert operation["description"], (method, address)


def test_the_api_of_the_description_is_that_of_the_addresses() -> None:
    from reminders.api.urls import urlpatterns
    from tests.reminders.api.test_tokens import SCOPES

    described = {
        (method.upper(), address)
        for address, operations in write_description()["paths"].items()
        for method in operations
    }
    assert len(described) == len(SCOPES), "a new door needs a row in the table of scopes"
    assert len({address for _method, address in described}) == len(urlpatterns) - 2


def test_every_scope_opens_something() -> None:
    from tests.reminders.api.test_tokens import SCOPES

    assert set(SCOPES.values()) == set(ApiScope.values)
