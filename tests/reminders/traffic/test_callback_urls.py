"""The callback addresses: what is in them, how long they are valid, and which keys verify them."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.core.signing import TimestampSigner, b62_decode
from django.utils import timezone
from pytest_django import Settings

from reminders.models import CallBatch, CallRecord
from reminders.traffic.callback_urls import (
    SALT,
    BadToken,
    Callback,
    ExpiredToken,
    account_url,
    key_of,
    key_urls,
    name_key,
    read_database_name,
    read_token,
    status_url,
)

pytestmark = pytest.mark.django_db

OLD, NEW = "old-" + "x" * 50, "new-" + "y" * 50
CALL = CallRecord(public_id="pUbLiC_-iD012345")
BATCH = CallBatch(public_id="bAtCh_-iD0123456")


def token_of(url: str) -> str:
    return urlsplit(url).path.removeprefix("/hooks/robotalker/")


def test_an_address_names_its_call_or_batch_and_its_purpose() -> None:
    identity = read_database_name()
    assert read_token(token_of(status_url(CALL))) == Callback("c", CALL.public_id, "status", identity)
    assert read_token(token_of(status_url(BATCH))) == Callback("b", BATCH.public_id, "status", identity)
    purposes = {key: read_token(token_of(url)).purpose for key, url in key_urls(CALL).items()}
    assert {key: key_of(purpose) for key, purpose in purposes.items()} == {"1": "1", "2": "2"}


def test_every_purpose_has_an_address_of_its_own() -> None:
    assert len({status_url(CALL), *key_urls(CALL).values(), status_url(BATCH), account_url()}) == 5


def test_the_mac_has_256_bits() -> None:
    mac = token_of(status_url(CALL)).rpartition(":")[2]
    assert len(mac) * 6 // 8 == 32


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha512"])
def test_a_mac_of_another_kind_is_refused_though_the_key_is_ours(algorithm: str, settings: Settings) -> None:
    token = token_of(status_url(CALL))
    key, value = settings.WEBHOOK_KEYS[0], token.rsplit(":", 2)[0]
    ours, other = (
        TimestampSigner(key=key, salt=SALT, algorithm=one).sign(value) for one in ("sha256", algorithm)
    )
    assert read_token(ours).public_id == CALL.public_id
    with pytest.raises(BadToken):
        read_token(other)


@pytest.mark.parametrize("url", [status_url, lambda call: key_urls(call)["1"]])
def test_an_address_is_shorter_than_200_characters(url: object, settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = "https://callboard.a-practice-with-a-long-name.example.org"
    assert callable(url)
    assert len(url(CALL)) < 200


def test_every_webhook_key_verifies_and_the_first_signs(settings: Settings) -> None:
    settings.WEBHOOK_KEYS = [OLD]
    before = token_of(status_url(CALL))
    settings.WEBHOOK_KEYS = [NEW, OLD]
    assert read_token(before).public_id == CALL.public_id
    assert token_of(status_url(CALL)).startswith(f"{name_key(NEW)}.")


def test_a_token_signed_by_a_removed_key_is_refused(settings: Settings) -> None:
    settings.WEBHOOK_KEYS = [OLD]
    before = [token_of(status_url(CALL)), token_of(account_url())]
    settings.WEBHOOK_KEYS = [NEW]
    for token in before:
        with pytest.raises(BadToken):
            read_token(token)


def test_a_token_counts_for_its_purpose_and_no_other() -> None:
    token = token_of(status_url(CALL))
    assert ".status." in token
    for other in ("key-1", "key-9", "optouts", "STATUS"):
        with pytest.raises(BadToken):
            read_token(token.replace(".status.", f".{other}."))


def test_a_token_with_the_name_of_another_key_is_refused(settings: Settings) -> None:
    settings.WEBHOOK_KEYS = [OLD]
    token = token_of(status_url(CALL))
    settings.WEBHOOK_KEYS = [NEW, OLD]
    with pytest.raises(BadToken):
        read_token(token.replace(name_key(OLD), name_key(NEW)))


def test_the_name_of_a_key_does_not_reveal_the_key() -> None:
    assert name_key(OLD) not in OLD
    assert len(name_key(OLD)) == 8


def test_an_address_has_its_date_of_issue() -> None:
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        token = token_of(status_url(CALL))
        assert b62_decode(token.split(":")[1]) == int(timezone.now().timestamp())


@pytest.mark.parametrize(("days", "valid"), [(0, True), (29.9, True), (30.1, False), (4000, False)])
def test_an_address_is_valid_for_thirty_days(days: float, valid: bool, settings: Settings) -> None:
    settings.WEBHOOK_TOKEN_DAYS = 30
    issued = timezone.now()
    token = token_of(status_url(CALL))
    with time_machine.travel(issued + timedelta(days=days), tick=False):
        if valid:
            assert read_token(token).public_id == CALL.public_id
        else:
            with pytest.raises(ExpiredToken):
                read_token(token)


def test_the_accounts_address_stays_the_same_and_never_expires() -> None:
    url = account_url()
    with time_machine.travel(timezone.now() + timedelta(days=4000), tick=False):
        assert account_url() == url
        assert read_token(token_of(url)) == Callback("a", "account", "optouts")
