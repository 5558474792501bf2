"""The migration to modes: nothing starts by it, and nothing stops.

The functions of the migrations are called with the present models, which have all that they look at.
"""

import hashlib
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone
from pytest_django import Settings

from contacts.models import Contact, ImportBatch
from reminders.deciding.sending_mode import read_mode
from reminders.models import Campaign, SendingSwitch
from reminders.traffic.switch import pause_sending, read_switch
from tests.office import make_call
from tests.people import make_campaign, make_contact, make_due_reminder, make_user

pytestmark = pytest.mark.django_db

REAL = "https://api.robotalker.example"
SANDBOX = "http://127.0.0.1:8765"
keep_live_what_is_live = import_module("reminders.migrations.0018_modes").keep_live_what_is_live
mark_demo_patients = import_module("contacts.migrations.0011_modes").mark_demo_patients


def call_somebody() -> None:
    make_call(make_due_reminder())
    Campaign.objects.update(state="draft", activated_at=None)


def set_up_a_demo() -> None:
    call_somebody()
    Contact.objects.update(is_demo=True)


CASES: list[tuple[str, Callable[[], Any], str, str]] = [
    ("an empty database, real address", lambda: None, REAL, "trial"),
    ("an empty database, sandbox", lambda: None, SANDBOX, "sandbox"),
    ("calls have gone out", call_somebody, REAL, "live"),
    ("a campaign is active, and its first call is tomorrow's", make_campaign, REAL, "live"),
    ("a campaign is a draft", lambda: make_campaign(state="draft", activated_at=None), REAL, "trial"),
    ("a campaign is paused, and nobody was called", lambda: make_campaign(state="paused"), REAL, "trial"),
    ("calls in the sandbox", call_somebody, SANDBOX, "sandbox"),
    ("a demo clinic that somebody gave a real address", set_up_a_demo, REAL, "trial"),
    ("a demo clinic", set_up_a_demo, SANDBOX, "sandbox"),
]


@pytest.mark.parametrize(("why", "prepare", "address", "mode"), CASES, ids=[case[0] for case in CASES])
def test_what_called_patients_goes_on_and_nothing_else_begins(
    settings: Settings, why: str, prepare: Callable[[], Any], address: str, mode: str
) -> None:
    prepare()
    settings.ROBOTALKER_BASE_URL = address
    keep_live_what_is_live(apps, None)
    assert read_mode() == mode, why
    assert not SendingSwitch.objects.exclude(live_since=None).exists(), "nothing is skipped as due before"


def test_a_pause_goes_on(settings: Settings) -> None:
    call_somebody()
    pause_sending(by=make_user())
    settings.ROBOTALKER_BASE_URL = REAL
    keep_live_what_is_live(apps, None)
    assert read_switch().paused_at is not None
    assert read_mode() == "live"


@pytest.mark.parametrize("is_demo", [True, False])
def test_the_patients_of_an_earlier_demo_clinic_are_marked_and_no_others(is_demo: bool) -> None:
    name = "this-mornings-list.csv"
    sha256 = hashlib.sha256(name.encode() if is_demo else b"a real list").hexdigest()
    ImportBatch.objects.create(
        file_name=name,
        sha256=sha256,
        by=make_user(),
        applied_at=timezone.now(),
        counts={},
        source="Practice system",
    )
    made_up = make_contact("Priya", source="Practice system", external_id="P4117")
    patient = make_contact("Ann", number="+12025550107", source="Practice system", external_id="77120")
    mark_demo_patients(apps, None)
    assert Contact.objects.get(pk=made_up.pk).is_demo is is_demo
    assert not Contact.objects.get(pk=patient.pk).is_demo
