"""Passkeys: adding, naming, removing them, logging in with one, and what is refused."""

import html
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from config.sign_in.passkeys import CHALLENGE_FOR, LONGEST_ANSWER, MOST_PASSKEYS
from contacts.models import AuditEntry
from contacts.roles import ADMIN, FRONT_DESK, MANAGER
from tests.passkey_device import PasskeyDevice
from tests.people import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("nobody_waits")]
PASSWORD = "a quiet desk by the window"
REFUSED = "This passkey wasn&#x27;t accepted."
ADD, LOG_IN = "/sign-in/passkeys/add/", "/login/passkey/"


@pytest.fixture
def rosa() -> User:
    return make_user("rosa", password=PASSWORD)


@pytest.fixture
def device(rosa: User) -> PasskeyDevice:
    """Rosa's passkey."""
    made = PasskeyDevice()
    assert add_passkey(open_as(rosa), made).status_code == 302
    return made


def browse() -> Client:
    return Client(headers={"host": "localhost"})


def open_as(user: User) -> Client:
    client = browse()
    client.force_login(user)
    return client


def read_options(page: Any) -> dict[str, Any]:
    found = re.search(r'data-options="([^"]*)"', page.content.decode())
    assert found
    options: dict[str, Any] = json.loads(html.unescape(found[1]))
    return options


def add_passkey(client: Client, device: PasskeyDevice, name: str = "my phone") -> Any:
    answer = device.create(read_options(client.get(ADD)))
    return client.post(ADD, {"name": name, "credential": json.dumps(answer)})


def ask_to_log_in(client: Client) -> dict[str, Any]:
    answer = client.get(LOG_IN, headers={"accept": "application/json"})
    return dict(answer.json()["request_options"])


def log_in(device: PasskeyDevice, **more: str) -> tuple[Client, Any]:
    client = browse()
    answer = json.dumps(device.sign(ask_to_log_in(client)))
    return client, client.post(LOG_IN, {"credential": answer, **more})


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def happened() -> list[str]:
    return list(AuditEntry.objects.filter(kind="sign_in").order_by("id").values_list("what", flat=True))


def test_a_passkey_takes_the_place_of_password_and_code(rosa: User, device: PasskeyDevice) -> None:
    client, answer = log_in(device, next="/worklist/")
    assert answer["Location"] == "/worklist/"
    assert is_in(client)
    assert client.session.get_expiry_age() > CHALLENGE_FOR, "of the login, and no longer of the stranger"
    assert happened()[-3:] == ["passkey_added", "passkey_used", "signed_in"]
    assert AuditEntry.objects.get(what="passkey_used").by == rosa
    page = open_as(rosa).get("/sign-in/").content.decode()
    assert "my phone" in page
    assert "You have 10 recovery codes" in page


@pytest.mark.parametrize("then", ["https://example.org/", "//example.org", "javascript:alert(1)"])
def test_it_leads_to_no_other_site(device: PasskeyDevice, then: str) -> None:
    assert log_in(device, next=then)[1]["Location"] == "/"


def test_a_form_that_was_kept_comes_back_after_it(device: PasskeyDevice) -> None:
    late, _ = log_in(device)
    del late.cookies["sessionid"]
    page = late.post("/contacts/new/", {"first_name": "Zelda"}).content.decode()
    kept = re.search(r'name="kept" value="([^"]+)"', page)
    assert kept
    client, answer = log_in(device, kept=kept[1])
    assert answer["Location"] == "/kept-form/"
    assert "Zelda" in client.get("/kept-form/").content.decode()


def test_after_the_password_the_passkey_is_asked_for(rosa: User, device: PasskeyDevice) -> None:
    client = browse()
    assert client.post("/login/", {"username": "rosa", "password": PASSWORD})["Location"] == "/login/code/"
    page = client.get("/login/code/")
    assert not is_in(client)
    stranger = PasskeyDevice("another key").sign(read_options(page))
    page = client.post("/login/code/", {"credential": json.dumps(stranger)})
    assert REFUSED in page.content.decode()
    answer = device.sign(read_options(page))
    assert client.post("/login/code/", {"credential": json.dumps(answer)})["Location"] == "/"
    assert is_in(client)
    assert "wrong_passkey" in happened()


def test_a_passkey_can_be_used_after_a_password_was_entered_for_somebody_else(device: PasskeyDevice) -> None:
    other = make_user("omar", password=PASSWORD)
    add_passkey(open_as(other), PasskeyDevice("of omar"))
    client = browse()
    client.post("/login/", {"username": "omar", "password": PASSWORD})
    answer = json.dumps(device.sign(ask_to_log_in(client)))
    client.post(LOG_IN, {"credential": answer})
    assert client.get("/sign-in/").context["user"].username == "rosa"


def test_what_is_signed_counts_once(device: PasskeyDevice) -> None:
    client = browse()
    answer = {"credential": json.dumps(device.sign(ask_to_log_in(client)))}
    assert client.post(LOG_IN, answer).status_code == 302
    client.logout()
    assert client.post(LOG_IN, answer).status_code == 200
    other = browse()
    ask_to_log_in(other)
    assert other.post(LOG_IN, answer).status_code == 200
    assert not is_in(other)


# how the device of a stranger, or of another page, differs
WRONG = [
    {"asks": False},
    {"origin": "http://evil.localhost"},
    {"origin": "http://localhost:8080"},
    {"origin": "https://example.org"},
]


@pytest.mark.parametrize("how", WRONG)
def test_a_key_that_asks_for_nothing_or_is_used_on_another_page_is_refused(
    rosa: User, device: PasskeyDevice, how: dict[str, Any]
) -> None:
    new = PasskeyDevice("new", **how)
    page = add_passkey(open_as(rosa), new)
    assert REFUSED in page.content.decode()
    for name, value in how.items():
        setattr(device, name, value)
    client, answer = log_in(device)
    assert REFUSED in answer.content.decode()
    assert not is_in(client)
    assert Authenticator.objects.filter(type="webauthn").count() == 1


def test_whoever_was_deactivated_does_not_come_in(rosa: User, device: PasskeyDevice) -> None:
    User.objects.filter(pk=rosa.pk).update(is_active=False)
    client, answer = log_in(device)
    assert REFUSED in answer.content.decode()
    assert not is_in(client)
    assert "passkey_used" not in happened()


HOSTILE = [
    *("", "{", "[]", "7", "null", '"x"', "NaN", "[" * 9000, "{}", '{"response": 7}', '{"response": []}'),
    *("x" * (LONGEST_ANSWER + 1), '{"id": "\\u0000", "rawId": "\\u0000", "response": {}}'),
    '{"id": "YQ", "rawId": "YQ", "type": "public-key", "response": {"clientDataJSON": "e30"}}',
]
PARTS = ("id", "rawId", "type", "response", "clientDataJSON", "attestationObject", "authenticatorData")
VALUES: tuple[Any, ...] = (None, 7, [], {}, "", "\0", "!", "e30", "oA", "x" * 2000)


def spoil(answer: dict[str, Any]) -> Iterator[str]:
    for part in (*PARTS, "signature", "userHandle"):
        for value in VALUES:
            whole = json.loads(json.dumps(answer))
            for place in (whole, whole["response"]):
                if isinstance(place, dict) and part in place:
                    place[part] = value
            if whole != answer:
                yield json.dumps(whole)


def test_no_answer_that_a_browser_would_not_send_makes_a_page_fail(
    rosa: User, device: PasskeyDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.sign_in.passkeys.begin_try", lambda *_: 0.0)
    monkeypatch.setattr("config.sign_in.passkeys.take_once", lambda *_: True)
    stranger, inside = browse(), open_as(rosa)
    for answer in (*HOSTILE, *spoil(device.sign(ask_to_log_in(stranger)))):
        ask_to_log_in(stranger)
        assert stranger.post(LOG_IN, {"credential": answer}).status_code == 200, answer
    assert not is_in(stranger)
    for answer in (*HOSTILE, *spoil(PasskeyDevice("new").create(read_options(inside.get(ADD))))):
        assert inside.post(ADD, {"name": "x", "credential": answer}).status_code == 200, answer
    keyless = PasskeyDevice("new").create(read_options(inside.get(ADD)), tells_key=False)
    assert inside.post(ADD, {"name": "x", "credential": json.dumps(keyless)}).status_code == 200
    assert Authenticator.objects.filter(type="webauthn").count() == 1


def test_only_what_is_needed_of_an_answer_is_stored(device: PasskeyDevice) -> None:
    stored = Authenticator.objects.get(type="webauthn").data["credential"]
    assert set(stored) == {"id", "rawId", "type", "response", "clientExtensionResults"}
    assert set(stored["response"]) == {"clientDataJSON", "attestationObject"}
    assert stored["clientExtensionResults"] == {"credProps": {"rk": True}}


def test_nobody_fills_the_table_with_passkeys_nor_with_long_names(rosa: User) -> None:
    client = open_as(rosa)
    assert add_passkey(client, PasskeyDevice("long"), "x" * 61).status_code == 200
    for number in range(MOST_PASSKEYS):
        assert add_passkey(client, PasskeyDevice(str(number))).status_code == 302
    assert "You have ten passkeys" in add_passkey(client, PasskeyDevice("more")).content.decode()
    assert Authenticator.objects.filter(type="webauthn").count() == MOST_PASSKEYS


def test_wrong_passkeys_can_not_be_tried_nor_asked_for_without_end(device: PasskeyDevice) -> None:
    stranger = PasskeyDevice("another key")
    stranger._person = device._person
    answers = [log_in(stranger)[1] for _ in range(6)]
    assert REFUSED in answers[4].content.decode()
    assert "Too many wrong" in answers[5].content.decode()
    assert happened().count("wrong_passkey") == 5
    asked = [browse().get(LOG_IN, headers={"accept": "application/json"}).status_code for _ in range(61)]
    assert asked[-1] == 429


def test_a_strangers_session_ends_soon() -> None:
    client = browse()
    ask_to_log_in(client)
    assert client.session.get_expiry_age() == CHALLENGE_FOR


def test_without_a_script_its_address_leads_to_the_page_to_log_in() -> None:
    assert browse().get(LOG_IN)["Location"] == "/login/"


def find_passkey() -> int:
    return int(Authenticator.objects.get(type="webauthn").pk)


def test_a_passkey_is_renamed_and_removed(rosa: User, device: PasskeyDevice) -> None:
    client, address = open_as(rosa), f"/sign-in/passkeys/{find_passkey()}/"
    assert client.post(address, {"name": "the desk's key"})["Location"] == "/sign-in/"
    assert client.post(address, {"name": "x" * 61}).status_code == 200
    assert "the desk&#x27;s key" in client.get(f"{address}remove/").content.decode()
    assert client.post(f"{address}remove/")["Location"] == "/sign-in/"
    assert not Authenticator.objects.filter(user=rosa).exists(), "nor recovery codes"
    assert "passkey_removed" in happened()
    assert not is_in(log_in(device)[0])


@pytest.mark.parametrize("role", [FRONT_DESK, MANAGER, ADMIN])
def test_nobody_touches_the_passkey_of_another(device: PasskeyDevice, role: str) -> None:
    client = open_as(make_user("omar", role=role))
    for address in (f"/sign-in/passkeys/{find_passkey()}/", f"/sign-in/passkeys/{find_passkey()}/remove/"):
        assert client.get(address).status_code == 404
        assert client.post(address, {"name": "mine"}).status_code == 404
        assert browse().post(address).status_code == 302
    assert Authenticator.objects.get(type="webauthn").data["name"] == "my phone"


def test_the_password_is_asked_again_before_passkeys_change(rosa: User, device: PasskeyDevice) -> None:
    client, key = open_as(rosa), find_passkey()
    session = client.session
    session["password_at"] = time.time() - 301
    session.save()
    for address in (ADD, f"/sign-in/passkeys/{key}/", f"/sign-in/passkeys/{key}/remove/"):
        assert client.get(address)["Location"].startswith("/sign-in/password/")
        assert client.post(address, {"name": "x"})["Location"].startswith("/sign-in/password/")
    assert Authenticator.objects.get(pk=key).data["name"] == "my phone"


def test_a_passkey_counts_as_the_second_factor_of_managers(settings: Settings) -> None:
    settings.SECOND_FACTOR_FOR = "managers"
    client = open_as(make_user("omar", role=MANAGER))
    assert client.get("/")["Location"] == "/sign-in/app/"
    assert ADD in client.get("/sign-in/app/").content.decode()
    assert add_passkey(client, PasskeyDevice()).status_code == 302
    assert client.get("/").status_code == 200
    client.post(f"/sign-in/passkeys/{find_passkey()}/remove/")
    assert client.get("/")["Location"] == "/sign-in/app/"


def test_an_admin_removes_the_passkeys_of_whoever_lost_them(rosa: User, device: PasskeyDevice) -> None:
    admin = open_as(make_user("adam", role=ADMIN))
    assert "Remove app and passkeys" in admin.get("/people/").content.decode()
    admin.post(f"/people/{rosa.pk}/app/remove/")
    entry = AuditEntry.objects.get(what="passkey_removed")
    assert (entry.by_name, entry.about_id) == ("adam", rosa.pk)
    assert not is_in(log_in(device)[0])


def test_a_locked_desk_is_not_opened_by_it(rosa: User, device: PasskeyDevice) -> None:
    client, _ = log_in(device)
    client.post("/locked/now/")
    client.post(LOG_IN, {"credential": "{}"})
    assert client.get("/")["Location"].startswith("/locked/")
    client.post("/locked/", {"who": rosa.pk, "password": PASSWORD})
    assert client.get("/").status_code == 200
