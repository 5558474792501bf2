"""The command creates the demo clinic in an empty database and never changes an existing practice unasked."""

from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries, Settings

from contacts.models import Appointment, Contact
from reminders.models import CallRecord

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _on_a_laptop(settings: Settings) -> None:
    settings.DEBUG = True


def run(*args: str) -> str:
    out = StringIO()
    call_command("demo_clinic", *args, stdout=out)
    return out.getvalue()


def test_if_empty_creates_the_clinic_once_and_then_changes_nothing() -> None:
    assert "is ready" in run("--if-empty")
    made = set(Appointment.objects.values_list("pk", "updated_at"))
    assert run("--if-empty") == ""
    assert set(Appointment.objects.values_list("pk", "updated_at")) == made != set()


def test_the_command_refuses_a_database_with_a_practice() -> None:
    run()
    with pytest.raises(CommandError, match="--reset"):
        run()


def test_reset_replaces_all_data() -> None:
    run()
    before = Appointment.objects.count()
    Contact.objects.update(first_name="Changed")
    old = set(Appointment.objects.values_list("pk", flat=True))
    run("--reset")
    assert Appointment.objects.count() == before
    assert not Appointment.objects.filter(pk__in=old).exists()
    assert not Contact.objects.filter(first_name="Changed").exists()
    assert not CallRecord.objects.exclude(reminder__appointment__in=Appointment.objects.all()).exists()


@pytest.mark.parametrize("option", ["--reset", "--if-empty"])
def test_the_clinic_is_never_created_in_production(option: str, settings: Settings) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="DEBUG"):
        run(option)
    assert not Contact.objects.exists()


def test_the_demo_logins_work_with_their_roles() -> None:
    run()
    for name, group, is_staff in [
        ("frontdesk", "Front desk", False),
        ("manager", "Manager", True),
        ("admin", "Admin", True),
    ]:
        user = authenticate(username=name, password="callboard")
        assert user is not None
        assert user.is_staff == is_staff
        assert user.groups.filter(name=group).exists()


def test_the_clinic_is_created_with_few_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_max_num_queries(1500):
        run()
