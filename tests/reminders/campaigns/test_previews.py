"""The preview of a campaign: who is called and when, who is not and why, and how busy that is."""

from collections import Counter
from copy import copy
from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from contacts.models import Appointment, Contact, Location
from reminders.campaigns.campaign_forecasts import foresee_campaign, foresee_edit
from reminders.campaigns.clinic_facts import ClinicFacts
from reminders.campaigns.differences import diff_activation
from reminders.campaigns.drafts import CampaignDraft, read_draft, take_draft
from reminders.campaigns.forecasts import Outcome
from reminders.campaigns.household_calls import find_household_calls
from reminders.campaigns.previews import CampaignPreview, count_forecast, preview_campaign, preview_hours
from reminders.campaigns.upcoming import read_visits_ahead
from reminders.deciding import number_caps
from reminders.deciding.coverage import CampaignFilters
from reminders.deciding.present import read_present
from reminders.deciding.shared_settings import read_shared_settings
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallCompanion, CallRecord, Campaign, Reminder, SendingSwitch, Step
from reminders.planning.planner import plan_all
from reminders.rules.reasons import Reason
from reminders.rules.speech_time import estimate_seconds
from tests.people import make_appointment, make_campaign, make_contact, make_location, make_step
from tests.reminders.campaigns.clinics import make_clinic

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def draft() -> Campaign:
    campaign = make_campaign(state="draft", activated_at=None)
    make_step(campaign, timing_kind="days_before", days=2, at=time(10), elapsed=timedelta(0))
    make_step(campaign)
    return campaign


def book(last: int, in_days: float = 5, **fields: object) -> Appointment:
    contact = make_contact(f"Patient {last}", number=f"+120255501{last:02}", **fields)
    return make_appointment(contact, starts_at=timezone.now() + timedelta(days=in_days))


def test_a_draft_is_previewed_as_if_it_were_activated_now(draft: Campaign) -> None:
    later, soon = book(1), book(2, in_days=1)
    preview = preview_campaign(read_draft(draft.pk))
    assert (preview.upcoming, preview.covered, preview.called, preview.people) == (2, 2, 2, 2)
    assert [(step.visits, step.reasons) for step in preview.steps] == [
        (1, {"before_activation": 1}),
        (2, {}),
    ]
    assert preview.messages.calls == 3
    assert {later.pk, soon.pk} & {visit for group in preview.reasons for visit in group.visits} == set()


def test_those_who_are_not_called_are_grouped_by_reason_with_their_visits(draft: Campaign) -> None:
    contacts = [book(1), book(2), book(3)]
    for visit in contacts[:2]:
        phone = visit.contact.phone
        assert phone
        phone.voice_opted_out_at = timezone.now()
        phone.save()
    Contact.objects.filter(pk=contacts[2].contact_id).update(phone=None)
    preview = preview_campaign(read_draft(draft.pk))
    found = {group.reason: set(group.visits) for group in preview.reasons}
    assert found == {"opted_out": {contacts[0].pk, contacts[1].pk}, "no_number": {contacts[2].pk}}
    assert (preview.called, preview.not_called) == (0, 3)


def test_a_trial_is_previewed_as_if_it_were_live(draft: Campaign) -> None:
    book(1)
    SendingSwitch.objects.create(mode="trial")
    preview = preview_campaign(read_draft(draft.pk))
    assert (preview.people, preview.reasons, preview.is_trial) == (1, (), True)
    assert diff_activation(draft.pk).send.people == 0, "an activation says what it really starts"


def foresee(saved: CampaignDraft, draft: CampaignDraft) -> CampaignPreview:
    return count_forecast(foresee_edit(saved, draft, timezone.now()).after)


def test_an_edit_that_is_not_saved_is_previewed(draft: Campaign) -> None:
    there = make_location("Eastside")
    book(1)
    Appointment.objects.update(location=there)
    saved = read_draft(draft.pk)
    elsewhere = saved.with_filters(CampaignFilters(locations=frozenset({there.pk + 1})))
    assert foresee(saved, elsewhere).not_meant == 1
    step = copy(saved.steps[0])
    step.days = 9
    preview = foresee(saved, saved.with_steps([step, *saved.steps[1:]]))
    assert [one.visits for one in preview.steps] == [0, 1]
    assert Step.objects.order_by("pk")[0].days == 2


@pytest.mark.parametrize(("kids", "calls"), [(1, 1), (3, 1), (6, 1), (7, 2)])
def test_a_household_is_one_call_as_the_last_look_groups_it(kids: int, calls: int) -> None:
    step = make_step()
    mother = make_contact("Mother")
    location = make_location()
    start = timezone.now().astimezone(location.zone).replace(hour=14, minute=0, second=0, microsecond=0)
    for place in range(kids):
        kid = Contact.objects.create(first_name=f"Kid {place}", phone=mother.phone)
        make_appointment(kid, starts_at=start + place * timedelta(minutes=15), location=location)
    plan_all()
    forecast = foresee_campaign(read_draft(step.campaign_id), timezone.now())
    assert count_forecast(forecast).messages.calls == calls
    claim = claim_due(100)
    opened = open_calls(claim.reminder_ids, claim.token)
    companions = CallCompanion.objects.values_list("reminder__appointment", flat=True)
    foreseen = find_household_calls(forecast, forecast.steps[step.pk])
    if kids > 1:
        assert set(foreseen[0].visits) == {opened[0].reminder.appointment_id, *companions}


def test_of_visits_of_one_day_only_those_that_begin_too_early_are_missed(draft: Campaign) -> None:
    """In the evening, what waits since the morning goes tomorrow, where that is in time (product rule 8)."""
    location = make_location()
    draft.steps.filter(position=2).delete()
    Campaign.objects.update(state="active", activated_at=timezone.now() - 9 * DAY)
    Step.objects.update(since=timezone.now() - 9 * DAY, days=1)
    day = (timezone.now() + 4 * DAY).astimezone(location.zone).replace(minute=0, second=0, microsecond=0)
    early, late = book(1), book(2)
    for visit, hour in ((early, 8), (late, 12)):
        moved = day.replace(hour=hour)
        Appointment.objects.filter(pk=visit.pk).update(starts_at=moved, revised_at=timezone.now() - 9 * DAY)
    plan_all()
    evening = (day - DAY).replace(hour=22)
    forecast = foresee_campaign(read_draft(draft.pk), evening)
    [step] = forecast.steps.values()
    found = {visit: outcome for outcome, visits in step.outcomes.items() for visit in visits}
    assert (found[early.pk].verdict, found[early.pk].reason) == ("miss", "too_late")
    assert found[late.pk].moment == day.replace(hour=location.calling_opens.hour)


def test_hours_are_counted_against_the_desk_the_rate_and_the_plan(
    settings: Settings, draft: Campaign
) -> None:
    settings.ROBOTALKER_RATE, settings.ROBOTALKER_CALLS_PER_HOUR = "1/minute", 2
    draft.steps.filter(position=2).delete()
    for last in range(63):
        book(last)
    Location.objects.update(calls_per_minute=1)
    preview = preview_campaign(read_draft(draft.pk))
    (hour,) = preview.hours
    assert (hour.calls, hour.texts, hour.over_rate, hour.over_plan) == (63, 0, True, True)
    assert [(one.name, one.calls, one.desk_takes) for one in hour.too_many_for] == [("Downtown", 63, 60)]
    settings.ROBOTALKER_RATE, settings.ROBOTALKER_CALLS_PER_HOUR = "20/second", 0
    Location.objects.update(calls_per_minute=None)
    (hour,) = preview_campaign(read_draft(draft.pk)).hours
    assert (hour.over_rate, hour.over_plan, hour.too_many_for) == (False, False, [])


def test_texts_are_counted_apart_from_calls(draft: Campaign) -> None:
    draft.steps.update(channel="sms")
    book(1)
    messages = preview_campaign(read_draft(draft.pk)).messages
    assert (messages.calls, messages.texts, messages.seconds) == (0, 2, 0)
    assert messages.parts >= 2


def test_a_message_takes_longer_the_more_it_says() -> None:
    assert estimate_seconds("", "en") == 0
    assert 3 <= estimate_seconds("This is Harbor Clinic, calling for Sarah.", "en") <= 6
    assert estimate_seconds("Call 2 0 2 5 5 5 0 1 9 9.", "en") > estimate_seconds(
        "Call us back, please.", "en"
    )


def test_visits_and_reasons_add_up() -> None:
    clinic = make_clinic(5, 30)
    preview = preview_campaign(read_draft(clinic.campaign.pk))
    assert preview.called + preview.reminded + preview.not_called == preview.covered == preview.upcoming
    assert preview.called
    assert preview.not_called


def test_the_number_of_queries_does_not_grow_with_the_visits(draft: Campaign) -> None:
    counts = []
    for first in (0, 20):
        for last in range(first, first + 15):
            book(last)
        config = read_shared_settings().config  # which is kept until one of the settings changes
        with CaptureQueriesContext(connection) as queries:
            preview_campaign(take_draft(draft.pk, config), present=read_present(config=config))
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 7


def test_an_empty_clinic_has_an_empty_preview(draft: Campaign) -> None:
    Location.objects.all().delete()
    preview = preview_campaign(read_draft(draft.pk))
    assert (preview.upcoming, preview.called, preview.hours, preview.reasons) == (0, 0, (), ())


def test_the_two_equal_hours_of_a_night_are_two_lines(draft: Campaign) -> None:
    """Clocks go back in New York on 7 November 2027 at 2:00: the hour from 1:00 comes twice."""
    Location.objects.all().delete()
    make_location(time_zone="America/New_York")
    book(1)
    forecast = foresee_campaign(read_draft(draft.pk), timezone.now())
    night = datetime(2027, 11, 7, 5, 15, tzinfo=UTC)
    forecast.facts.now = night
    [location] = forecast.facts.locations
    moments = [night + timedelta(minutes=minutes) for minutes in (0, 30, 60, 120)]
    calls = Counter(Outcome("wait", "", one.timestamp(), "voice", None, location) for one in moments)
    hours = preview_hours(forecast, [calls])
    assert [(hour.starts_at.hour, hour.starts_at.fold, hour.total) for hour in hours] == [
        (1, 0, 2),
        (1, 1, 1),
        (2, 0, 1),
    ]


def test_a_visit_that_is_deleted_while_it_is_counted_is_left_out(draft: Campaign) -> None:
    gone, stays = book(1), book(2)
    now = timezone.now()
    everybody = read_draft(draft.pk).filters
    for deleted, left in ((gone, {stays.pk}), (stays, set())):
        visits = read_visits_ahead(everybody, everybody, now)
        deleted.delete()
        assert set(ClinicFacts(visits, read_present(now)).visits.class_of) == left


@pytest.mark.parametrize("late", [True, False])
def test_who_was_booked_late_goes_in_nobodys_call_of_another_day(late: bool) -> None:
    """(product rule 12) "At once, or not at all" holds for companions too, as the last look asks it."""
    location = make_location(calls_per_minute=1)
    step = make_step(elapsed=timedelta(hours=26), if_late="now")
    tomorrow = (timezone.now() + DAY).astimezone(location.zone).replace(minute=0, second=0, microsecond=0)
    mother = make_contact("Mother")
    son = Contact.objects.create(first_name="Son", phone=mother.phone)
    visits = [make_appointment(one, starts_at=tomorrow.replace(hour=13)) for one in (mother, son)]
    old = timezone.now() - 9 * DAY
    Appointment.objects.filter(pk__in=[one.pk for one in visits[: 1 if late else 2]]).update(
        revised_at=old, booked_at=old
    )
    plan_all()
    first, second = tomorrow.replace(hour=9), tomorrow.replace(hour=10)
    Reminder.objects.filter(appointment=visits[0]).update(
        try_after=first, next_look_at=first, reason=Reason.TRY_AGAIN
    )
    Reminder.objects.filter(appointment=visits[1]).update(next_look_at=second, reason=Reason.DESK_PACE)
    forecast = foresee_campaign(read_draft(step.campaign_id), timezone.now())
    calls = [call.visits for call in find_household_calls(forecast, forecast.steps[step.pk])]
    [one, other] = [visit.pk for visit in visits]
    assert calls == ([(one,), (other,)] if late else [(one, other)])


def test_calls_to_many_numbers_are_read_as_those_to_few(monkeypatch: pytest.MonkeyPatch) -> None:
    clinic, now = make_clinic(5, 60), timezone.now()
    here = CampaignFilters(locations=frozenset({clinic.locations[0].pk}))
    by_number = read_visits_ahead(here, here, now).uses
    monkeypatch.setattr(number_caps, "FEW_NUMBERS", 0)
    of_the_week = read_visits_ahead(here, here, now).uses
    assert 0 < len(by_number) < CallRecord.objects.values("number").distinct().count()
    assert {number: len(use.calls) for number, use in of_the_week.items()} == {
        number: len(use.calls) for number, use in by_number.items()
    }
