"""What was done while a provider was away: each visit, and how its patient is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.stored_sentences import translate_stored
from contacts.templatetags.display import clock, day
from reminders.models import Absence, AbsenceVisit, StaffText
from reminders.rules.reasons import phrase_for, sentence_for
from reminders.wording.absence_texts import say_change

Deed, State, Telling = Absence.Deed, AbsenceVisit.State, AbsenceVisit.Telling
NEWEST = 5
LOOKS: Mapping[AbsenceVisit.State, str] = {
    State.PLANNED: "being_planned",
    State.DONE: "done",
    State.REFUSED: "not_reminded",
    State.UNDONE: "not_reminded",
}


@dataclass(frozen=True)
class AbsenceOutcome:
    """A visit of a saved absence. `look`: of the chips; `telling`, `why`: how its patient learns of it."""

    appointment_id: int
    time: str
    name: str
    after: str
    look: str
    state: str
    refusal: str
    telling: str
    why: str


@dataclass(frozen=True)
class ShownAbsence:
    """A saved absence. `texts_at`: when its texts go out, by the location's clock; None once they have.

    `still_booked`: how many of the provider's visits of that day are booked as they were, and still ahead.
    """

    absence: Absence
    title: str
    outcomes: tuple[AbsenceOutcome, ...]
    texts_at: datetime | None
    is_unfinished: bool
    can_undo: bool
    still_booked: int


def name_absence(absence: Absence) -> str:
    """Such as "Dr. Reyes away on Fri, Nov 27"."""
    return _("%(provider)s away on %(day)s") % {
        "provider": absence.provider.name,
        "day": day(absence.day),
    }


def list_recent() -> list[tuple[Absence, str]]:
    """The newest absences with their titles; one query."""
    return [
        (absence, name_absence(absence))
        for absence in Absence.objects.select_related("provider").order_by("-pk")[:NEWEST]
    ]


def read_absence(absence: Absence, now: datetime, still_booked: int) -> ShownAbsence:
    """One query besides those that read the absence itself."""
    rows = absence.visits.select_related("appointment__contact", "appointment__location", "text").order_by(
        "starts_before", "pk"
    )
    visits = list(rows)
    waiting = [one for one in visits if one.telling == Telling.WAITING]
    zone = visits[0].appointment.location.zone if visits else None
    return ShownAbsence(
        absence=absence,
        title=name_absence(absence),
        outcomes=tuple(_describe(one, absence) for one in visits),
        texts_at=absence.texts_from.astimezone(zone) if waiting and absence.texts_from else None,
        is_unfinished=any(one.state == State.PLANNED for one in visits),
        can_undo=absence.undone_at is None
        and any(one.state == State.DONE and one.starts_before > now for one in visits),
        still_booked=0 if absence.undone_at else still_booked,
    )


def say_what_was_done(absence: Absence, done: int, left: int) -> str:
    """For the message after it was done."""
    if absence.deed == Deed.CANCEL:
        said = ngettext("%(count)d visit cancelled.", "%(count)d visits cancelled.", done)
    else:
        said = ngettext("%(count)d visit moved.", "%(count)d visits moved.", done)
    words = said % {"count": done}
    if left:
        more = ngettext("%(count)d was left as it was.", "%(count)d were left as they were.", left)
        words = f"{words} {more % {'count': left}}"
    return words


def name_main_button(deed: str, count: int) -> str:
    """Such as "Cancel 14 visits"."""
    if deed == Deed.CANCEL:
        return ngettext("Cancel %(count)d visit", "Cancel %(count)d visits", count) % {"count": count}
    return ngettext("Move %(count)d visit", "Move %(count)d visits", count) % {"count": count}


def _describe(one: AbsenceVisit, absence: Absence) -> AbsenceOutcome:
    visit = one.appointment
    zone = visit.location.zone
    before = one.starts_before.astimezone(zone)
    after = (one.to_starts_at or one.starts_before).astimezone(zone)
    provider = absence.to_provider.name if absence.to_provider else ""
    telling, why = _describe_telling(one)
    if one.state in (State.REFUSED, State.UNDONE):
        after_words = ""
    elif absence.deed == Deed.CANCEL:
        after_words = _("cancelled")
    else:
        after_words = say_change(before, after, provider)
    return AbsenceOutcome(
        appointment_id=visit.pk,
        time=clock(before),
        name=visit.contact.full_name,
        after=after_words,
        look=LOOKS[State(one.state)],
        state=str(State(one.state).label),
        refusal=translate_stored(one.refusal),
        telling=telling,
        why=why,
    )


def _describe_telling(one: AbsenceVisit) -> tuple[str, str]:
    """How the patient learns of it, and why so; nothing where there is nothing to tell."""
    if one.state == State.REFUSED or (one.state == State.UNDONE and one.telling == Telling.NOBODY):
        return "", ""
    if one.telling == Telling.TEXTED and one.text:
        return _("Text: %(state)s") % {"state": StaffText.State(one.text.state).label}, phrase_for(
            one.text.reason, one.text.detail
        )
    if one.telling == Telling.BY_PHONE:
        return str(Telling.BY_PHONE.label), sentence_for(one.why_by_phone) if one.why_by_phone else ""
    return str(Telling(one.telling).label), ""
