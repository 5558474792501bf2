"""A campaign's outcomes, ours beside Robotalker's."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from contacts.roles import AUDITOR, ensure_roles
from reminders.models import CallBatch, CallRecord
from reminders.reports.batches import NOT_ENDED, ComparedCount, compare_counts
from tests.office import act, address_of, make_call, make_colleague
from tests.people import make_contact, make_due_reminder

pytestmark = pytest.mark.django_db


def make_batch(*states: str, channel: str = "voice", **reported: object) -> CallBatch:
    batch = CallBatch.objects.create(robotalker_id="cmp_1", channel=channel, **reported)
    for state in states:
        number = f"+1202555{CallRecord.objects.count() + 100:04}"
        call = make_call(make_due_reminder(make_contact(number=number)), state=state)
        CallRecord.objects.filter(pk=call.pk).update(batch=batch)
    return batch


def test_each_outcome_is_counted_on_both_sides() -> None:
    batch = make_batch(
        "answered",
        "answered",
        "no_answer",
        "submitted",
        reported_at=timezone.now(),
        reported_counts={"answered": 1, "no-answer": 1, "busy": 1, "Queued": 1, "hung_up": 2},
    )
    assert compare_counts([batch])[batch.pk] == [
        ComparedCount(NOT_ENDED, ours=1, theirs=1),
        ComparedCount("failed", ours=0, theirs=1),
        ComparedCount("no_answer", ours=1, theirs=1),
        ComparedCount("answered", ours=2, theirs=1),
        ComparedCount("hung_up", ours=0, theirs=2),
    ]


def test_robotalkers_count_of_all_calls_is_no_outcome_that_differs() -> None:
    batch = make_batch(
        "answered", reported_at=timezone.now(), reported_counts={"total": 1, "Total-Calls": 1, "answered": 1}
    )
    assert compare_counts([batch])[batch.pk] == [ComparedCount("answered", ours=1, theirs=1)]


def test_before_robotalker_was_asked_nothing_differs() -> None:
    batch = make_batch("answered")
    [count] = compare_counts([batch])[batch.pk]
    assert (count.theirs, count.difference) == (None, 0)


def test_many_batches_are_compared_in_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    batches = [make_batch("answered"), make_batch("voicemail")]
    with django_assert_num_queries(1):
        compare_counts(batches)


def test_the_admin_shows_robotalkers_counts_beside_ours_and_what_differs(office: Client) -> None:
    batch = make_batch(
        "answered",
        "submitted",
        reported_at=timezone.now(),
        reported_status="completed",
        reported_counts={"answered": 2},
    )
    page = office.get(address_of(CallBatch, f"{batch.pk}/change/")).content.decode()
    assert "<tr><td>answered</td><td>1</td><td>2</td><td>+1</td></tr>" in page
    assert "<tr><td>not known yet</td><td>1</td><td>0</td><td>-1</td></tr>" in page
    listed = office.get(address_of(CallBatch)).content.decode()
    assert '<td class="field-differs">1</td>' in listed
    assert "“completed”" in listed


def test_the_list_of_batches_takes_the_same_queries_for_two_as_for_one(
    office: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    make_batch("answered")
    with django_assert_max_num_queries(100) as for_one:
        office.get(address_of(CallBatch))
    make_batch("answered")
    make_batch("answered")
    with django_assert_max_num_queries(len(for_one.captured_queries)):
        office.get(address_of(CallBatch))


def test_a_person_can_have_robotalker_asked_about_campaigns_but_not_about_texts(office: Client) -> None:
    campaign, texts = make_batch("answered"), make_batch("delivered", channel="sms")
    page = act(office, CallBatch, "ask_robotalker", campaign, texts)
    assert "Robotalker will be asked about 1 campaign within a minute." in page
    assert "Robotalker can’t be asked about texts." in page or "can&#x27;t be asked about texts" in page
    assert list(CallBatch.objects.filter(is_question_wanted=True)) == [campaign]


def test_an_auditor_sees_the_counts_and_can_not_have_robotalker_asked(client: Client) -> None:
    ensure_roles()
    auditor = make_colleague("auditor", is_staff=True)
    auditor.groups.add(Group.objects.get(name=AUDITOR))
    client.force_login(auditor)
    batch = make_batch("answered")
    assert "cmp_1" in client.get(address_of(CallBatch)).content.decode()
    act(client, CallBatch, "ask_robotalker", batch)
    assert not CallBatch.objects.filter(is_question_wanted=True).exists()
