"""Secrets and signatures, as the library of the specification reads them."""

import base64
from datetime import UTC, datetime

import pytest

from webhooks.outgoing.signing import BadSecret, check_secret, make_secret, sign_request

# The example of the specification's reference implementations.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, AT = "msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.fromtimestamp(1614265330, UTC)
BODY = '{"test": 2432232314}'


def test_the_signature_of_the_specifications_example() -> None:
    assert sign_request([SECRET], ID, AT, BODY) == {
        "webhook-id": ID,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_new_secret_is_valid_and_never_the_same() -> None:
    first, second = make_secret(), make_secret()
    check_secret(first)
    assert first != second


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_MfKQ9r8G",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        "whsec_" + "!" * 32,
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsec_" + "é" * 32,
    ],
)
def test_what_is_no_secret_of_the_specifications_form_is_refused(secret: str) -> None:
    with pytest.raises(BadSecret):
        check_secret(secret)
