"""A receiver, and an endpoint that sends to it."""

from collections.abc import Iterator

import pytest

from tests.webhooks.outgoing.receiver import Receiver, run_receiver
from webhooks.outgoing.models import WANTED_TYPES, OutgoingEndpoint

EVERYTHING = [value for value, _label in WANTED_TYPES]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with run_receiver() as running:
        yield running


@pytest.fixture
def endpoint(receiver: Receiver) -> OutgoingEndpoint:
    return OutgoingEndpoint.objects.create(name="Practice system", url=receiver.url, types=EVERYTHING)
