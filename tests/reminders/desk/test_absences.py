"""A provider's day cancelled or moved as a whole, the patients told of it, and the undo of it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone, translation

from contacts.appointments import cancel_appointment, move_appointment
from contacts.models import Appointment, Location, PhoneNumber, Provider
from reminders.desk.absence_previews import AbsencePlan, preview_absence
from reminders.desk.absence_texts import tell_patients
from reminders.desk.absences import UNDONE_WITHIN, do_absence, finish_absences, plan_absence, undo_absence
from reminders.desk.bookings import confirm_by_staff
from reminders.desk.erasing import erase_person
from reminders.desk.staff_texts import find_fault_in_words
from reminders.models import Absence, AbsenceVisit, FollowUp, StaffText
from reminders.results.unanswered import account_for_all
from reminders.wording.absence_texts import WORDS
from tests.flows.optouts import opt_out
from tests.people import SARAH, at, make_appointment, make_contact, make_location, make_user
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db
ZONE = "America/New_York"
# Within a year, on days that are no weekend, so that a test holds whenever it runs.
FRIDAY = at(ZONE, timezone.now().year + 1, 6, 4, 9)
DAYS_TO_A_FRIDAY = (4 - FRIDAY.weekday()) % 7
FRIDAY += timedelta(days=DAYS_TO_A_FRIDAY)
ANN, BEN, CLEO = SARAH, "+12025550101", "+12025550102"
Deed, State, Telling = Absence.Deed, AbsenceVisit.State, AbsenceVisit.Telling


@pytest.fixture
def ann() -> User:
    return make_user("ann")


@pytest.fixture
def downtown() -> Location:
    return make_location(time_zone=ZONE, country="US")


@pytest.fixture
def visits(downtown: Location) -> list[Appointment]:
    """Dr. S. Chen's Friday: Ann at nine, Ben at ten, Cleo, who has no number, at eleven."""
    people = [("Ann", ANN), ("Ben", BEN), ("Cleo", None)]
    return [
        make_appointment(
            make_contact(name, number=number), location=downtown, starts_at=FRIDAY + timedelta(hours=hour)
        )
        for hour, (name, number) in enumerate(people)
    ]


def be_away(ann: User, deed: str = Deed.CANCEL, *, tells: bool = True, **changed: Any) -> Absence:
    """Dr. Chen is away on that Friday; every visit is ticked, and each question confirmed."""
    plan = AbsencePlan(
        provider=Provider.objects.get(name="Dr. S. Chen"),
        day=FRIDAY.date(),
        deed=deed,
        **{"words": WORDS[deed] if tells else {}, **changed},
    )
    seen = preview_absence(plan, timezone.now())
    absence = plan_absence(
        plan,
        {one.before.pk: list(one.questions) for one in seen},
        revisions={one.before.pk: one.before.revision for one in seen},
        public_id="form-1-of-ann",
        by=ann,
    )
    do_absence(absence)
    return absence


def let_texts_go_out(absence: Absence) -> None:
    """The time for an undo has passed, by day where the patients are."""
    Absence.objects.filter(pk=absence.pk).update(texts_from=timezone.now() - timedelta(seconds=1))
    PhoneNumber.objects.update(time_zones=[make_location("Noon").time_zone])
    Location.objects.update(time_zone=Location.objects.get(name="Noon").time_zone)
    tell_patients()


def read_states(absence: Absence) -> list[tuple[str, str]]:
    return list(absence.visits.order_by("starts_before").values_list("state", "telling"))


def read_kinds(*states: str) -> Sequence[str]:
    rows = FollowUp.objects.filter(state__in=states or ("open", "taken"))
    return list(rows.order_by("pk").values_list("kind", flat=True))


def test_all_visits_are_cancelled_and_nobody_hears_of_it_before_five_minutes_have_passed(
    ann: User, visits: list[Appointment]
) -> None:
    absence = be_away(ann)
    assert {visit.status for visit in Appointment.objects.all()} == {"cancelled"}
    assert absence.texts_from
    assert absence.texts_from - absence.at == UNDONE_WITHIN
    tell_patients()
    assert not StaffText.objects.exists()
    assert read_kinds() == []


def test_each_patient_is_texted_and_who_has_no_number_is_called_by_a_person(
    ann: User, visits: list[Appointment]
) -> None:
    absence = be_away(ann)
    let_texts_go_out(absence)
    texts = [text.text for text in StaffText.objects.order_by("pk")]
    assert len(texts) == 2
    assert texts[0].startswith("Harbor Clinic, Downtown: Dr. S. Chen is away, so your visit on Fri")
    assert "9:00" in texts[0]
    assert "10:00" in texts[1]
    assert read_kinds() == ["visit_changed"]
    assert FollowUp.objects.get().contact == visits[2].contact
    assert read_states(absence) == [("done", "texted"), ("done", "texted"), ("done", "by_phone")]
    account_for_all()
    assert read_kinds() == ["visit_changed"], "a cancelled visit does not settle that they must be told"
    assert not AbsenceVisit.objects.exclude(words="").exists()
    tell_patients()
    assert StaffText.objects.count() == 2, "once each"


def test_who_has_opted_out_of_texts_is_called(ann: User, visits: list[Appointment]) -> None:
    opt_out(PhoneNumber.objects.get(e164=ANN), "sms")
    let_texts_go_out(be_away(ann))
    assert StaffText.objects.get().number.e164 == BEN
    assert FollowUp.objects.get(contact=visits[0].contact).reason == "text_opted_out"


@pytest.mark.parametrize("state", ["dropped", "undelivered", "unknown"])
def test_whom_the_text_did_not_reach_is_called(ann: User, visits: list[Appointment], state: str) -> None:
    absence = be_away(ann)
    let_texts_go_out(absence)
    StaffText.objects.filter(number__e164=BEN).update(state=state, reason="text_too_late")
    tell_patients()
    assert FollowUp.objects.get(contact=visits[1].contact).kind == "visit_changed"
    tell_patients()
    assert FollowUp.objects.count() == 2, "Ben and Cleo, once each"


def test_an_undo_before_the_texts_leaves_everything_as_it_was(ann: User, visits: list[Appointment]) -> None:
    confirm_by_staff(visits[0].pk, by=ann)
    absence = be_away(ann)
    assert undo_absence(absence, by=ann) == (3, 0)
    let_texts_go_out(absence)
    assert not StaffText.objects.exists()
    assert read_kinds() == []
    assert {visit.status for visit in Appointment.objects.all()} == {"booked"}
    assert Appointment.objects.get(pk=visits[0].pk).is_confirmed, "she never heard of it"
    assert read_states(absence) == [("undone", "nobody")] * 3


def test_an_undo_after_the_texts_has_everybody_called_who_was_told(
    ann: User, visits: list[Appointment]
) -> None:
    confirm_by_staff(visits[0].pk, by=ann)
    absence = be_away(ann)
    let_texts_go_out(absence)
    assert undo_absence(absence, by=ann) == (3, 0)
    assert sorted(FollowUp.objects.filter(state="open").values_list("contact__first_name", flat=True)) == [
        "Ann",
        "Ben",
    ]
    assert not Appointment.objects.get(pk=visits[0].pk).is_confirmed, "she believes that it is cancelled"


def test_an_undo_leaves_alone_what_somebody_has_changed_since(ann: User, visits: list[Appointment]) -> None:
    absence = be_away(ann, Deed.OTHER_DAY, to_day=(FRIDAY + timedelta(days=3)).date())
    later = FRIDAY + timedelta(days=10)
    move_appointment(visits[0].pk, starts_at=later, ends_at=later + timedelta(minutes=30))
    assert undo_absence(absence, by=ann) == (2, 1)
    assert Appointment.objects.get(pk=visits[0].pk).starts_at == later
    assert Appointment.objects.get(pk=visits[1].pk).starts_at == visits[1].starts_at
    let_texts_go_out(absence)
    assert not StaffText.objects.exists(), "the text would name a day that no longer holds"
    assert FollowUp.objects.filter(kind="visit_changed").get().contact == visits[0].contact


def test_a_visit_that_was_given_to_a_third_provider_since_is_left_there_and_its_patient_called(
    ann: User, visits: list[Appointment]
) -> None:
    """Another provider makes no new revision, so the patient was texted the name of the second."""
    reyes, novak = (Provider.objects.create(name=name) for name in ("Dr. Reyes", "Dr. Novak"))
    absence = be_away(ann, Deed.OTHER_PROVIDER, to_provider=reyes)
    move_appointment(visits[0].pk, starts_at=visits[0].starts_at, ends_at=visits[0].ends_at, provider=novak)
    let_texts_go_out(absence)
    assert not StaffText.objects.filter(number=visits[0].contact.phone).exists()
    assert FollowUp.objects.filter(kind="visit_changed", contact=visits[0].contact).exists()
    assert undo_absence(absence, by=ann) == (2, 1)
    assert Appointment.objects.get(pk=visits[0].pk).provider == novak


def test_what_has_changed_since_it_was_shown_is_left_as_it_is_and_the_rest_is_done(
    ann: User, visits: list[Appointment]
) -> None:
    plan = AbsencePlan(provider=visits[0].provider, day=FRIDAY.date(), deed=Deed.CANCEL)  # type: ignore[arg-type]
    absence = plan_absence(
        plan,
        {visit.pk: [] for visit in visits},
        revisions={v.pk: 1 for v in visits},
        public_id="x" * 9,
        by=ann,
    )
    cancel_appointment(visits[0].pk)
    later = FRIDAY + timedelta(hours=5)
    move_appointment(visits[1].pk, starts_at=later, ends_at=later + timedelta(minutes=30))
    AbsenceVisit.objects.filter(appointment=visits[2]).update(seen_revision=1)
    with translation.override("es"):
        do_absence(absence)
    assert [state for state, _ in read_states(absence)] == ["refused", "refused", "done"]
    stored = {one.refusal for one in absence.visits.filter(state="refused")}
    assert stored == {"It is no longer booked.", "Somebody has changed it meanwhile."}, "in English"
    assert Appointment.objects.get(pk=visits[1].pk).status == "booked"


def test_another_provider_at_the_same_times_keeps_the_answers_and_says_who_is_busy(
    ann: User, visits: list[Appointment]
) -> None:
    reyes = Provider.objects.create(name="Dr. Reyes")
    busy = make_appointment(make_contact("Dora", number=CLEO), starts_at=FRIDAY)
    Appointment.objects.filter(pk=busy.pk).update(provider=reyes)
    confirm_by_staff(visits[1].pk, by=ann)
    plan = AbsencePlan(
        provider=visits[0].provider,  # type: ignore[arg-type]
        day=FRIDAY.date(),
        deed=Deed.OTHER_PROVIDER,
        to_provider=reyes,
    )
    seen = {one.before.pk: list(one.questions) for one in preview_absence(plan, timezone.now())}
    assert seen == {visits[0].pk: ["provider_busy"], visits[1].pk: [], visits[2].pk: []}
    absence = plan_absence(
        plan,
        {pk: [] for pk in seen},  # the question about the first was not confirmed
        revisions={visit.pk: visit.revision for visit in visits},
        public_id="form-2-of-ann",
        by=ann,
    )
    do_absence(absence)
    assert [state for state, _ in read_states(absence)] == ["refused", "done", "done"]
    assert "another appointment" in absence.visits.get(state="refused").refusal
    moved = Appointment.objects.get(pk=visits[1].pk)
    assert (moved.provider, moved.is_confirmed) == (reyes, True)


def test_another_day_keeps_the_wall_time_when_the_clocks_change_between(
    ann: User, downtown: Location
) -> None:
    before = at(ZONE, 2027, 11, 5, 9)  # the clocks go back on November 7
    visit = make_appointment(location=downtown, starts_at=before)
    plan = AbsencePlan(
        provider=visit.provider,  # type: ignore[arg-type]
        day=before.date(),
        deed=Deed.OTHER_DAY,
        to_day=(before + timedelta(days=3)).date(),
    )
    (seen,) = preview_absence(plan, datetime(2027, 11, 1, tzinfo=UTC))
    assert seen.after.local_start == datetime(2027, 11, 8, 9)  # noqa: DTZ001
    assert seen.after.starts_at - visit.starts_at == timedelta(days=3, hours=1)


def test_a_form_sent_twice_is_one_absence_and_a_tick_goes_on_with_what_was_left(
    ann: User, visits: list[Appointment]
) -> None:
    first = be_away(ann, tells=False)
    AbsenceVisit.objects.filter(appointment=visits[1]).update(state=State.PLANNED)
    Appointment.objects.filter(pk=visits[1].pk).update(status="booked")
    assert be_away(ann, tells=False) == first
    assert Absence.objects.count() == 1
    AbsenceVisit.objects.filter(appointment=visits[1]).update(state=State.PLANNED)
    Appointment.objects.filter(pk=visits[1].pk).update(status="booked")
    assert finish_absences() == 0, "whoever pressed may still be at it"
    Absence.objects.update(at=timezone.now() - timedelta(minutes=2))
    assert finish_absences() == 1
    assert Appointment.objects.get(pk=visits[1].pk).status == "cancelled"


def test_each_language_has_words_that_fit_into_one_text(ann: User, visits: list[Appointment]) -> None:
    for deed in Deed.values:
        for language in ("en", "es", "fr"):
            visits[0].contact.language = language
            visits[0].contact.save()
            plan = AbsencePlan(
                provider=visits[0].provider,  # type: ignore[arg-type]
                day=FRIDAY.date(),
                deed=deed,
                to_provider=visits[0].provider,
                to_day=(FRIDAY + timedelta(days=3)).date(),
                words=WORDS[deed],
            )
            words = preview_absence(plan, timezone.now())[0].words
            assert not find_fault_in_words(words), words


def test_words_that_grow_too_long_once_filled_in_are_a_call(ann: User, visits: list[Appointment]) -> None:
    Location.objects.update(name="Harbor Clinic of the Holy Ghost and of all the Saints")
    absence = be_away(ann, words={"en": "{PRACTICE} " * 25})
    let_texts_go_out(absence)
    assert {telling for _state, telling in read_states(absence)} == {"by_phone"}


def test_an_undo_does_not_put_a_visit_where_somebody_else_was_booked_since(
    ann: User, visits: list[Appointment]
) -> None:
    absence = be_away(ann)
    make_appointment(
        make_contact("Dana", number="+12025550103"), location=visits[0].location, starts_at=FRIDAY
    )
    assert undo_absence(absence, by=ann) == (2, 1)
    assert absence.visits.get(appointment=visits[0]).refusal


def test_nobody_is_asked_to_call_a_person_who_was_erased_before_the_texts_went_out(
    ann: User, visits: list[Appointment]
) -> None:
    absence = be_away(ann)
    erase_person(visits[0].contact_id, by=ann)
    let_texts_go_out(absence)
    assert not FollowUp.objects.filter(contact=visits[0].contact).exists()
    assert absence.visits.get(appointment=visits[0]).telling == Telling.NOBODY


@pytest.mark.django_db(transaction=True)
def test_a_form_sent_twice_at_once_is_one_absence(ann: User, visits: list[Appointment]) -> None:
    def send_again() -> int:
        try:
            return be_away(ann).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as worker:
        with transaction.atomic():
            absence = be_away(ann)
            again = worker.submit(send_again)
            wait_until(is_somebody_waiting, "the second form to wait for the first")
        assert again.result() == absence.pk


@pytest.mark.django_db(transaction=True)
def test_an_erasure_and_a_text_wait_for_each_other_in_one_order(ann: User, visits: list[Appointment]) -> None:
    """Whoever holds the number first goes first, and the text holds nothing while it waits."""
    absence = be_away(ann)
    Absence.objects.update(texts_from=timezone.now() - timedelta(seconds=1))

    def tell() -> None:
        try:
            tell_patients()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as worker:
        with transaction.atomic():
            PhoneNumber.objects.select_for_update().get(e164=ANN)  # as an erasure does
            telling = worker.submit(tell)
            wait_until(is_somebody_waiting, "the text to wait for the number")
            AbsenceVisit.objects.select_for_update(nowait=True).get(absence=absence, appointment=visits[0])
        telling.result()


def is_somebody_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_a_visit_that_somebody_holds_keeps_no_other_from_its_turn(
    ann: User, visits: list[Appointment]
) -> None:
    absence = be_away(ann, tells=False)
    AbsenceVisit.objects.update(state=State.PLANNED)
    Appointment.objects.update(status="booked")
    Absence.objects.update(at=timezone.now() - timedelta(minutes=2))

    def go_on() -> None:
        try:
            finish_absences()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as worker, transaction.atomic():
        Appointment.objects.select_for_update().get(pk=visits[0].pk)
        worker.submit(go_on).result(timeout=30)
    assert [state for state, _telling in read_states(absence)] == ["planned", "done", "done"]
