"""Staff and events close follow-ups of one number at the same time, without waiting for each other."""

import threading
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction
from django.utils import timezone

from reminders.desk.worklist import AlreadyResolved, take_follow_up
from reminders.desk.worklist_endings import resolve_follow_up, resolve_unknown_outcome
from reminders.lifecycle.follow_ups import open_follow_up
from reminders.models import FollowUp
from tests.people import make_contact, make_due_reminder, make_user

COUNT_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("deed", [resolve_follow_up, take_follow_up])
def test_an_entry_is_locked_from_its_first_follow_up_on(deed) -> None:  # type: ignore[no-untyped-def]
    for name in ("Mia", "Leo"):
        open_follow_up("could_not_reach", reminder=make_due_reminder(make_contact(name)))
    first, second = FollowUp.objects.order_by("pk")
    by = make_user("rosa")

    def act() -> None:
        try:
            deed(second.pk, by=by)
        finally:
            connection.close()

    staff = threading.Thread(target=act)
    with transaction.atomic():
        FollowUp.objects.select_for_update().get(pk=first.pk)  # as an event does that closes both
        staff.start()
        wait_until_somebody_waits()
        FollowUp.objects.select_for_update(nowait=True).get(pk=second.pk)
    staff.join(timeout=20)
    assert not FollowUp.objects.filter(state="open").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("deed", [resolve_follow_up, take_follow_up])
def test_whoever_waited_for_an_entry_that_is_removed_is_told_so(deed) -> None:  # type: ignore[no-untyped-def]
    open_follow_up("could_not_reach", reminder=make_due_reminder(make_contact()))
    entry, by = FollowUp.objects.get(), make_user("rosa")
    said: list[str] = []

    def act() -> None:
        try:
            deed(entry.pk, by=by)
        except AlreadyResolved as refused:
            said.append(str(refused))
        finally:
            connection.close()

    staff = threading.Thread(target=act)
    with transaction.atomic():
        FollowUp.objects.select_for_update().get().delete()  # as the undo of an import does
        staff.start()
        wait_until_somebody_waits()
    staff.join(timeout=20)
    assert [one.partition(":")[0] for one in said] == ["This is no longer on the worklist"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "deed", [resolve_follow_up, take_follow_up, partial(resolve_unknown_outcome, call_again=True)]
)
def test_an_entry_that_was_removed_before_says_so(deed) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(AlreadyResolved, match="no longer on the worklist"):
        deed(1, by=make_user("rosa"))


def wait_until_somebody_waits() -> None:
    deadline = timezone.now() + timedelta(seconds=20)
    with connection.cursor() as cursor:
        while timezone.now() < deadline:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(COUNT_WAITING)
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits")
