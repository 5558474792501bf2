"""What would happen with the visits of a provider who is away, and how each patient would be told.

Nothing is changed here; absences.py does it.
"""

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import QuerySet

from contacts import appointments
from contacts.models import Appointment, Location, Provider
from contacts.models.people import Channel
from contacts.templatetags.display import clock
from contacts.wall_times import find_moment
from reminders.deciding.text_objections import find_text_objections
from reminders.desk.booking_questions import BookingQuestion, WantedSlot, find_questions_at_locations
from reminders.desk.staff_texts import find_fault_in_words
from reminders.models import Absence, AbsenceVisit, SendingSwitch, StaffText
from reminders.rules.reasons import Reason, ReasonOfText, sentence_for
from reminders.wording.absence_texts import choose_text_language, fill_absence_text, say_change
from reminders.wording.scripts import caller_id, find_refusal

Deed = Absence.Deed
MOST_VISITS = 100  # on one page; the rest of a provider's day stands on the next ones


@dataclass(frozen=True)
class AbsencePlan:
    """What somebody wants to do with a provider's day. `words`: the text by language, none to tell nobody."""

    provider: Provider
    day: date
    deed: str
    location: Location | None = None
    to_provider: Provider | None = None
    to_day: date | None = None
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ChangedVisit:
    """One visit before and after. `questions`: what is asked first; `words`: its text, "" for none."""

    before: Appointment
    after: Appointment
    questions: tuple[BookingQuestion, ...]
    words: str


@dataclass(frozen=True)
class ShownPart:
    """Which of `total` visits a page shows: those after `skip`, at most MOST_VISITS."""

    total: int = 0
    skip: int = 0

    @property
    def first(self) -> int:
        return self.skip + 1

    @property
    def last(self) -> int:
        return min(self.skip + MOST_VISITS, self.total)

    @property
    def is_all(self) -> bool:
        return self.total <= MOST_VISITS

    @property
    def rest(self) -> int:
        return self.total - self.last

    @property
    def next_skip(self) -> int:
        """After the last page comes the first again."""
        return self.last if self.rest else 0


@dataclass(frozen=True)
class AbsenceLine:
    """A visit in a preview. `after`: what changes, "" if it is cancelled; `questions`: sentences.

    `asked`: their codes with commas; `words`: its text; `by_phone`: why it is a call instead, "" if it isn't.
    """

    pk: int
    revision: int
    time: str
    name: str
    kind: str
    after: str
    questions: tuple[str, ...]
    asked: str
    words: str
    by_phone: str
    is_chosen: bool


def find_visits_of_absence(
    provider: Provider, day: date, location: Location | None, now: datetime
) -> QuerySet[Appointment]:
    """Their booked visits of that day, by the locations' clocks, that are still ahead."""
    start = datetime.combine(day, datetime.min.time())
    booked = Appointment.objects.filter(
        provider=provider,
        status=Appointment.Status.BOOKED,
        local_start__gte=start,
        local_start__lt=start + timedelta(days=1),
        starts_at__gt=now,
    )
    return booked.filter(location=location) if location else booked


def count_still_booked(absence: Absence, now: datetime) -> int:
    """Of the provider's visits of that day, without those that are about to be changed."""
    booked = find_visits_of_absence(absence.provider, absence.day, absence.location, now)
    planned = AbsenceVisit.objects.filter(absence=absence, state=AbsenceVisit.State.PLANNED)
    return booked.exclude(pk__in=planned.values("appointment")).count()


def choose_visits(plan: AbsencePlan, skip: int, now: datetime) -> ShownPart:
    """The page of the visits after `skip`, which somebody sent; the first where there are none after it."""
    total = find_visits_of_absence(plan.provider, plan.day, plan.location, now).count()
    return ShownPart(total, skip if skip < total else 0)


def preview_absence(
    plan: AbsencePlan, now: datetime, *, skip: int = 0, only: Collection[int] | None = None
) -> list[ChangedVisit]:
    """Each visit as it would be, and what is asked about it. Changes nothing.

    A page of them, `skip` after the first; with `only` all visits with these ids instead.
    """
    found = find_visits_of_absence(plan.provider, plan.day, plan.location, now)
    found = found.select_related("contact__phone", "location", "provider").order_by("starts_at", "pk")
    visits = list(found[skip : skip + MOST_VISITS] if only is None else found.filter(pk__in=only))
    after = {visit.pk: _change(visit, plan) for visit in visits}
    questions = _ask_about(visits, after, plan, now) if visits and plan.deed != Deed.CANCEL else {}
    return [
        ChangedVisit(
            visit,
            after[visit.pk],
            tuple(questions.get(visit.pk, ())),
            _fill_words(plan, visit, after[visit.pk]),
        )
        for visit in visits
    ]


def describe_changed_visits(
    visits: Sequence[ChangedVisit],
    plan: AbsencePlan,
    user: User,
    now: datetime,
    switch: SendingSwitch | None = None,
) -> list[AbsenceLine]:
    """The lines of a preview; two queries besides, one more for the switch where it wasn't read already."""
    texts = [
        draft_text(each.before, each.words, user) if plan.words and each.before.contact.phone else None
        for each in visits
    ]
    objections = _find_objections(texts, now, switch)
    return [
        AbsenceLine(
            pk=each.before.pk,
            revision=each.before.revision,
            time=clock(each.before.local_start),
            name=each.before.contact.full_name,
            kind=each.before.kind,
            after=_describe_after(each, plan),
            questions=tuple(str(question.label) for question in each.questions),
            asked=",".join(each.questions),
            words=each.words,
            by_phone=sentence_for(find_reason_to_call(each.before, text, objection)) if plan.words else "",
            is_chosen=not each.questions,
        )
        for each, text, objection in zip(visits, texts, objections, strict=True)
    ]


def draft_text(visit: Appointment, words: str, by: User) -> StaffText | None:
    """The text to the visit's patient, not saved; None without a number."""
    number = visit.contact.phone
    if number is None:
        return None
    return StaffText(
        number=number,
        by=by,
        location=visit.location,
        from_number=caller_id(visit.location),
        text=words,
    )


def find_reason_to_call(visit: Appointment, text: StaffText | None, objection: str) -> str:
    """The code of why the patient is called and not texted, or "". `objection`: of find_text_objection()."""
    if text is None:
        return Reason.NO_NUMBER
    if refusal := find_refusal(Channel.SMS, visit.contact.preferred_channel):
        return str(refusal)
    return ReasonOfText.TEXT_UNFIT if find_fault_in_words(text.text) else objection


def _describe_after(each: ChangedVisit, plan: AbsencePlan) -> str:
    if plan.deed == Deed.CANCEL:
        return ""
    provider = plan.to_provider.name if plan.to_provider else ""
    return say_change(each.before.local_start, each.after.local_start, provider)


def _find_objections(
    texts: Sequence[StaffText | None], now: datetime, switch: SendingSwitch | None
) -> list[str]:
    """What speaks against each text, in their order."""
    written = [text for text in texts if text is not None]
    found = iter(find_text_objections(written, now, switch=switch, may_wait=True) if written else [])
    return ["" if text is None else next(found) for text in texts]


def _change(visit: Appointment, plan: AbsencePlan) -> Appointment:
    """The visit as it would be; a time that its new day doesn't have is that to which the clocks skip."""
    changed = copy(visit)
    if plan.deed == Deed.OTHER_PROVIDER:
        changed.provider = plan.to_provider
    elif plan.deed == Deed.OTHER_DAY and plan.to_day:
        wall = datetime.combine(plan.to_day, visit.local_start.time())
        moment = find_moment(wall, visit.location.time_zone, 0)
        appointments.set_times(changed, moment, moment + (visit.ends_at - visit.starts_at))
    return changed


def _fill_words(plan: AbsencePlan, before: Appointment, after: Appointment) -> str:
    words = plan.words.get(choose_text_language(before.contact.language), "")
    return fill_absence_text(words, before, after) if words else ""


def _ask_about(
    visits: Sequence[Appointment], after: Mapping[int, Appointment], plan: AbsencePlan, now: datetime
) -> dict[int, list[BookingQuestion]]:
    """What is asked about each, by its id; three queries."""
    changed = [after[visit.pk] for visit in visits]
    wanted = [(WantedSlot(one.contact_id, one.starts_at, one.ends_at), one.location) for one in changed]
    moved = [visit.pk for visit in visits]
    asked = find_questions_at_locations(wanted, plan.to_provider or plan.provider, now, besides=moved)
    return dict(zip(moved, asked, strict=True))
