"""What the mode forbids is refused where a request is built, before a byte of it leaves this machine."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from contacts.models import Contact, PhoneNumber
from reminders.desk.modes import choose_mode
from reminders.dispatch.post_threads import PostThreads
from reminders.robotalker.client import RobotalkerClient
from reminders.robotalker.errors import Meaning, RobotalkerError
from reminders.robotalker.payloads import (
    Recipient,
    build_call,
    build_campaign,
    build_contact,
    build_sms,
    build_sms_batch,
)
from reminders.rules.modes import SendingMode
from reminders.traffic.client import make_client
from reminders.traffic.local_faults import RequestForbidden
from reminders.traffic.request_guard import read_request_guard
from tests.people import SARAH, make_contact, make_number
from tests.waiting import find_free_port

pytestmark = pytest.mark.django_db

STAFF = "+12025550177"
US = "+18005550199"
URL = "https://callboard.example/hooks/x"
SPEECH = {"from_number": US, "message": "Hello", "status_url": URL}
VOICE = {**SPEECH, "voice": "en-US-Neural-F", "key_urls": {}}


def call(client: RobotalkerClient, *numbers: str) -> None:
    client.create_call(build_call(to=numbers[0], variables={}, **VOICE))  # type: ignore[arg-type]


def text(client: RobotalkerClient, *numbers: str) -> None:
    client.send_sms(build_sms(to=numbers[0], variables={}, **SPEECH))


def call_together(client: RobotalkerClient, *numbers: str) -> None:
    recipients = [Recipient(number, {}) for number in numbers]
    client.create_campaign(build_campaign(recipients=recipients, **VOICE))  # type: ignore[arg-type]


def text_together(client: RobotalkerClient, *numbers: str) -> None:
    client.send_sms_batch(build_sms_batch(recipients=[Recipient(number, {}) for number in numbers], **SPEECH))


def opt_out(client: RobotalkerClient, *numbers: str) -> None:
    client.create_contact(build_contact(to=numbers[0], voice_opted_out=True))


def ask(client: RobotalkerClient, *_numbers: str) -> None:
    client.get_call("call_1")


def read_list(client: RobotalkerClient, *_numbers: str) -> None:
    client.get_contacts(opted_out=True)


Request = Callable[..., None]
REACHING = [call, text, call_together, text_together]
ALL = [*REACHING, opt_out, ask, read_list]


@pytest.fixture
def real(settings: Settings) -> str:
    """A real address at which nobody listens; a request that leaves ends in an error of the network."""
    settings.ROBOTALKER_BASE_URL = f"https://robotalker.invalid:{find_free_port()}"
    make_contact(number=SARAH)
    PhoneNumber.objects.filter(pk=make_number(STAFF).pk).update(verified_at=timezone.now())
    return STAFF


def is_refused(request: Request, *numbers: str) -> bool:
    """Whether it was refused here; else it ended in an error because nobody listens."""
    with make_client() as client, pytest.raises(RobotalkerError) as error:
        request(client, *numbers)
    assert error.value.meaning == Meaning.NOT_SENT
    return isinstance(error.value, RequestForbidden)


@pytest.mark.parametrize("request_", ALL, ids=lambda one: one.__name__)
def test_in_sandbox_mode_no_request_goes_to_a_real_address(real: str, sam: User, request_: Request) -> None:
    choose_mode(SendingMode.SANDBOX, by=sam)
    assert is_refused(request_, STAFF)


@pytest.mark.parametrize("request_", REACHING, ids=lambda one: one.__name__)
def test_a_trial_calls_and_texts_verified_numbers_only(real: str, request_: Request) -> None:
    assert is_refused(request_, SARAH)
    assert not is_refused(request_, STAFF)


@pytest.mark.parametrize("request_", [call_together, text_together], ids=lambda one: one.__name__)
def test_one_stranger_among_several_is_enough(real: str, request_: Request) -> None:
    assert is_refused(request_, STAFF, SARAH)


@pytest.mark.parametrize("request_", [opt_out, ask, read_list], ids=lambda one: one.__name__)
def test_a_trial_may_ask_and_may_tell_robotalker_of_an_optout(real: str, request_: Request) -> None:
    assert not is_refused(request_, SARAH)


@pytest.mark.parametrize("request_", ALL, ids=lambda one: one.__name__)
def test_live_everything_may_be_sent(real: str, sam: User, request_: Request) -> None:
    choose_mode(SendingMode.LIVE, by=sam)
    assert not is_refused(request_, SARAH)


@pytest.mark.parametrize("mode", [SendingMode.TRIAL, SendingMode.LIVE])
@pytest.mark.parametrize("request_", [*REACHING, opt_out], ids=lambda one: one.__name__)
def test_nothing_about_a_made_up_patient_leaves_this_machine(
    real: str, sam: User, request_: Request, mode: SendingMode
) -> None:
    choose_mode(mode, by=sam)
    Contact.objects.update(is_demo=True)
    PhoneNumber.objects.update(verified_at=timezone.now())
    assert is_refused(request_, SARAH)
    assert not is_refused(request_, STAFF)


def test_the_threads_that_post_are_guarded_too(real: str) -> None:
    threads = PostThreads(1)
    try:
        assert threads._guard == read_request_guard()
        assert threads._guard is not None
    finally:
        threads.close()


def test_in_the_sandbox_there_is_nothing_to_guard_against(sam: User) -> None:
    choose_mode(SendingMode.TRIAL, by=sam)
    assert read_request_guard() is None
