"""Logging in: whoever guesses passwords has to wait, and locks out nobody else."""

import re
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client, RequestFactory
from limits.storage import MemoryStorage
from pytest_django import Settings
from redis import Redis

from config import sign_in_limits
from config.sign_in_limits import find_client_address
from tests.people import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nobody_waits")]
DESK, STRANGER = "198.51.100.7", "203.0.113.9"
PASSWORD = "a quiet desk"


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def rosa() -> User:
    return make_user("rosa", password=PASSWORD)


def log_in(name: str, password: str, address: str = DESK, page: str = "/login/") -> Any:
    return Client(REMOTE_ADDR=address).post(page, {"username": name, "password": password})


def guess(name: str, times: int, address: str = STRANGER) -> list[int]:
    return [log_in(name, f"guess {number}", address).status_code for number in range(times)]


def test_of_sixty_wrong_passwords_five_are_looked_at(rosa: User) -> None:
    assert guess("rosa", 60) == [200] * 5 + [429] * 55
    assert log_in("rosa", PASSWORD, STRANGER).status_code == 429, "nor is the right one any more"


def test_the_page_says_in_plain_words_when_to_try_again(rosa: User) -> None:
    guess("rosa", 5)
    answer = log_in("rosa", "guess", STRANGER)
    page = answer.content.decode()
    assert "Too many wrong passwords. Try again in 15 minutes." in page
    assert "Wrong username or password" not in page
    assert 840 <= int(answer["Retry-After"]) <= 900


def test_a_stranger_does_not_lock_out_the_desk(rosa: User) -> None:
    assert log_in("rosa", PASSWORD).status_code == 302
    guess("rosa", 120)
    guess("someone", 60)
    assert log_in("rosa", PASSWORD).status_code == 302


def test_a_stranger_at_the_same_address_locks_one_name_only(rosa: User) -> None:
    make_user("omar", password=PASSWORD)
    log_in("omar", PASSWORD)
    guess("rosa", 60, DESK)
    assert log_in("rosa", PASSWORD).status_code == 429
    assert log_in("omar", PASSWORD).status_code == 302


def test_one_address_can_not_try_many_names(rosa: User) -> None:
    statuses = [log_in(f"name{number}", "guess", STRANGER).status_code for number in range(40)]
    assert statuses == [200] * 30 + [429] * 10
    assert log_in("rosa", PASSWORD, STRANGER).status_code == 429


def test_one_name_can_not_be_tried_from_many_addresses(rosa: User) -> None:
    log_in("rosa", PASSWORD)
    statuses = [log_in("rosa", "guess", f"203.0.113.{number}").status_code for number in range(110)]
    assert statuses == [200] * 100 + [429] * 10
    assert log_in("rosa", PASSWORD).status_code == 302, "from where she has logged in before"


def test_many_people_may_log_in_from_one_address() -> None:
    for number in range(40):
        make_user(f"user{number}", password=PASSWORD)
        assert log_in(f"user{number}", PASSWORD).status_code == 302


def test_a_few_typing_errors_are_forgotten_after_a_login(rosa: User) -> None:
    for _ in range(5):
        guess("rosa", 3, DESK)
        assert log_in("rosa", PASSWORD).status_code == 302


@pytest.mark.parametrize("written", ["ROSA", " rosa ", "ｒｏｓａ", "Rosa"])
def test_another_way_to_write_the_name_gives_no_more_tries(rosa: User, written: str) -> None:
    guess("rosa", 5)
    assert log_in(written, PASSWORD, STRANGER).status_code == 429


def test_the_admins_own_login_leads_to_the_same_page(rosa: User) -> None:
    answer = Client().post("/admin/login/?next=/admin/", {"username": "rosa", "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/admin/")
    assert "_auth_user_id" not in answer.client.session


def test_the_wait_ends(rosa: User) -> None:
    with time_machine.travel("2026-07-14T12:00:00Z", tick=False) as clock:
        counters = sign_in_limits.Counters(MemoryStorage(), MemoryStorage())
        waits = [counters.begin_try("rosa", DESK) for _ in range(6)]
        clock.shift(901)
        assert (waits[:5], waits[5] > 0) == ([0.0] * 5, True)
        assert counters.begin_try("rosa", DESK) == 0.0


def test_without_redis_a_web_process_still_counts(rosa: User, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    assert guess("rosa", 7) == [200] * 5 + [429] * 2


def test_a_command_ends_every_wait(rosa: User) -> None:
    guess("rosa", 6)
    call_command("unlock_logins")
    assert log_in("rosa", PASSWORD, STRANGER).status_code == 302


# proxies, REMOTE_ADDR, X-Forwarded-For, the client's address, why
ADDRESSES = [
    (0, "198.51.100.7", "", "198.51.100.7", "no proxy"),
    (0, "198.51.100.7", "203.0.113.9", "198.51.100.7", "without a proxy anybody may write the header"),
    (1, "10.0.0.2", "203.0.113.9", "203.0.113.9", "as the proxy says"),
    (1, "10.0.0.2", "192.0.2.1, 203.0.113.9", "203.0.113.9", "what stands before was written by the client"),
    (2, "10.0.0.2", "192.0.2.1, 203.0.113.9, 10.0.0.3", "203.0.113.9", "two proxies"),
    (2, "10.0.0.2", "203.0.113.9", "10.0.0.2", "too few entries"),
    (1, "10.0.0.2", "", "10.0.0.2", "no header"),
    (1, "10.0.0.2", "203.0.113.9:50123", "203.0.113.9", "a port differs with each connection"),
    (1, "10.0.0.2", "[2001:db8:1:2::3]:50123", "2001:db8:1:2::/64", "nor does it count beside IPv6"),
    (0, "2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64", "of IPv6 the first half"),
    (0, "::ffff:198.51.100.7", "", "198.51.100.7", "IPv4 within IPv6"),
    (1, "10.0.0.2", "unknown", "unknown", "what is no address still counts together"),
    (0, "", "", "", "a socket without an address"),
]


@pytest.mark.parametrize(("proxies", "remote", "header", "address", "why"), ADDRESSES)
def test_the_clients_address(
    settings: Settings, proxies: int, remote: str, header: str, address: str, why: str
) -> None:
    settings.PROXY_COUNT = proxies
    headers = {"X-Forwarded-For": header} if header else {}
    request = RequestFactory(REMOTE_ADDR=remote).post("/login/", headers=headers)
    assert find_client_address(request) == address, why


def test_neither_names_nor_addresses_are_stored_as_they_are(rosa: User, settings: Settings) -> None:
    guess("rosa", 2)
    log_in("rosa", PASSWORD)
    with Redis.from_url(settings.REDIS_URL) as redis:
        keys = [key.decode() for key in redis.scan_iter("callboard:login*")]
    assert keys
    assert not [key for key in keys if re.search(r"rosa|203\.0|198\.51", key)]
