"""Fixtures for the tests of the client: Sarah's call, and a client with short timeouts."""

from collections.abc import Callable

import pytest

from reminders.robotalker.client import RobotalkerClient, RobotalkerSettings
from reminders.robotalker.payloads import CallPayload, build_call

API_KEY = "rk_live_4f9a8b7c6d5e"
SARAH = "+12125550100"
MESSAGE = (
    "Hello {FIRST_NAME}, this is a reminder about your appointment on {APPT_DATE} at {APPT_TIME}. "
    "Press 1 to confirm or 2 to reschedule."
)
VARIABLES = {"FIRST_NAME": "Sarah", "APPT_DATE": "Tuesday, April 15th", "APPT_TIME": "3:15 PM"}

OpenClient = Callable[..., RobotalkerClient]


@pytest.fixture
def sarahs_call() -> CallPayload:
    """The call of the guide's example."""
    return build_call(
        to=SARAH,
        from_number="+18005550199",
        message=MESSAGE,
        voice="en-US-Neural-F",
        variables=VARIABLES,
        status_url="https://yourapp.com/call-status",
        key_urls={"1": "https://yourapp.com/confirm", "2": "https://yourapp.com/reschedule"},
    )


@pytest.fixture
def open_client() -> OpenClient:
    """A function that opens a client for a server's URL; timeouts are short, in seconds."""

    def open_one(url: str, **settings: float) -> RobotalkerClient:
        waits = {"connect_timeout": 1.0, "read_timeout": 1.0, "total_deadline": 5.0} | settings
        return RobotalkerClient(RobotalkerSettings(base_url=url, api_key=API_KEY, **waits))  # type: ignore[arg-type]

    return open_one
