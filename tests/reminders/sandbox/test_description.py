"""The sandbox conforms to docs/robotalker-openapi.yaml for generated requests."""

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import unsupported_method

from tests.sandbox_server import SandboxServer

DESCRIPTION = Path(__file__).parents[3] / "docs" / "robotalker-openapi.yaml"
schema = schemathesis.openapi.from_path(DESCRIPTION)

load_all_checks()


@pytest.fixture
def silent_sandbox(sandbox: SandboxServer) -> SandboxServer:
    """Posts no events: the generated URLs could belong to anybody."""
    sandbox.faults({"kind": "lost"})
    return sandbox


@pytest.mark.usefixtures("silent_sandbox")
@schema.parametrize()
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_response_matches_the_description(
    case: "schemathesis.Case[Any]", running_sandbox: SandboxServer
) -> None:
    case.call_and_validate(
        base_url=running_sandbox.url,
        headers={"Authorization": f"Bearer {running_sandbox.api_key}"},
        excluded_checks=[unsupported_method],
    )


def test_every_assumption_has_a_reason() -> None:
    text = DESCRIPTION.read_text()
    assert text.count("x-assumption: true") == text.count("x-assumption-why: ") > 10
