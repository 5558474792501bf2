"""The sentences for each kind of follow-up: what happened, and what to do about it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from hashlib import sha256

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.models import Appointment, Location, PhoneNumber
from contacts.templatetags.display import clock, day_and_clock
from reminders.models import FollowUp, FollowUpDeed
from reminders.pages.quoted_replies import QuotedReplies, quote_replies
from reminders.pages.sentences import explain_follow_up
from reminders.pages.story import name_person
from reminders.pages.worklist import group_by_visit
from reminders.rules.reasons import Reason

Kind = FollowUp.Kind
Status = Appointment.Status

# kind: (what happened, what to do); %(name)s is the person, %(when)s the appointment by its location's clock
WORDS: dict[str, tuple[Promise | str, Promise | str]] = {
    Kind.WANTS_ANOTHER_TIME: (
        gettext_lazy("%(name)s asked for another time instead of %(when)s."),
        gettext_lazy("Call them and move the appointment."),
    ),
    Kind.COULD_NOT_REACH: (
        gettext_lazy("%(name)s could not be reached about %(when)s."),
        gettext_lazy("Call them yourself, or try another number."),
    ),
    Kind.UNKNOWN_OUTCOME: (
        gettext_lazy("%(name)s may or may not have been called about %(when)s: the result is not known."),
        gettext_lazy("Choose whether to call again."),
    ),
    Kind.WRONG_NUMBER: (
        gettext_lazy("%(name)s can't be called about %(when)s: there is no working number."),
        gettext_lazy("Find the right number and enter it. Upcoming reminders then go to it."),
    ),
    Kind.LATE_ANSWER: (
        gettext_lazy("%(name)s answered a call about an old time; the appointment is now on %(when)s."),
        gettext_lazy("Tell them the new time and ask whether it works for them."),
    ),
    Kind.UNCLEAR_ANSWER: (
        gettext_lazy("%(name)s answered about %(when)s, but the answer was not understood."),
        gettext_lazy("Call them and ask whether they are coming."),
    ),
    Kind.MAY_WANT_TO_CANCEL: (
        gettext_lazy("%(name)s may want to cancel %(when)s, or only the messages."),
        gettext_lazy("Call them and ask. If they want reminders again, record an opt-in."),
    ),
    Kind.DOUBTFUL_OPT_OUT: (
        gettext_lazy("%(name)s, booked on %(when)s, may not want any more calls or text messages."),
        gettext_lazy("Ask what they meant. If they want reminders again, record an opt-in."),
    ),
    Kind.MISSED: (
        gettext_lazy("%(name)s was not reminded of %(when)s in time."),
        gettext_lazy("Call them yourself while there is time."),
    ),
    Kind.OTHER_PROVIDER: (
        gettext_lazy("%(name)s was told another provider's name for %(when)s than it now has."),
        gettext_lazy("Decide whether they must know. If so, call them and say who will see them."),
    ),
    Kind.VISIT_CHANGED: (
        gettext_lazy("The practice has changed %(when)s, and %(name)s does not know yet."),
        gettext_lazy("Call them and tell them."),
    ),
    Kind.NOTHING_FOLLOWS: (
        gettext_lazy("There is no answer from %(name)s about %(when)s, and nothing more will be sent."),
        gettext_lazy("Call them yourself while there is time."),
    ),
    Kind.EVENT_KEPT_BACK: (
        gettext_lazy("Robotalker sent a message about %(name)s, %(when)s, that can't be relied on."),
        gettext_lazy("Call them and ask, or have an administrator read the message."),
    ),
}
# Of NOTHING_FOLLOWS, where somebody picked up or replied: it is no answer about the visit.
WORDS_OF_HEARD = (
    gettext_lazy("%(name)s has not said whether they come on %(when)s, and nothing more will be sent."),
    WORDS[Kind.NOTHING_FOLLOWS][1],
)
WORDS_OF_NO_CALL = (
    gettext_lazy("Robotalker sent a message that can't be relied on. It is not known whom it is about."),
    gettext_lazy("Have an administrator read the message."),
)


# Of an entry with several kinds, which says what to do: first what only a person can decide.
FIRST = (Kind.UNKNOWN_OUTCOME, Kind.WRONG_NUMBER)
What = FollowUpDeed.What
# what somebody did; %(to)s is a colleague, %(until)s a time
DEED_WORDS: dict[str, Promise | str] = {
    What.HANDED_ON: gettext_lazy("Handed on to %(to)s."),
    What.SNOOZED: gettext_lazy("Snoozed until %(until)s."),
}


@dataclass(frozen=True)
class WorklistLine:
    """One follow-up as shown. `since`: what made it unnecessary, or ""; `replies`: what they wrote."""

    what_happened: str
    why: str
    since: str
    replies: QuotedReplies | None = None


@dataclass(frozen=True)
class WorklistVisit:
    """What an entry says about one visit.

    `lead`, `ids`: the first of its follow-ups, and all with commas; `is_ahead`: booked and to come.
    """

    lead: int
    appointment_id: int | None
    name: str
    lines: tuple[WorklistLine, ...]
    ids: str
    is_ahead: bool


@dataclass(frozen=True)
class DeedLine:
    """One line of an entry's history."""

    when: str
    who: str
    what: str
    note: str


@dataclass(frozen=True)
class WorklistEntry:
    """What is shown and taken together: all about one number. Only values, so that `version` tells a change.

    `pk`, `kind`, `call_id`, `contact_id`: of the follow-up that says what to do. `seen`: the ids of all, so
    that only what was on the page is ended. Times are by the clock of the visit's location.
    """

    key: str
    pk: int
    kind: str
    call_id: int | None
    contact_id: int | None
    names: str
    number: PhoneNumber | None = field(repr=False)
    e164: str
    is_usable: bool
    opted_out: bool
    visits: tuple[WorklistVisit, ...]
    what_to_do: str
    due: str
    is_late: bool
    age: str
    holder_id: int | None
    holder: str
    held_since: str
    snoozed_until: str
    seen: str
    history: tuple[DeedLine, ...]

    @property
    def version(self) -> str:
        return sha256(repr(self).encode()).hexdigest()[:12]

    @property
    def visits_ahead(self) -> tuple[WorklistVisit, ...]:
        return tuple(visit for visit in self.visits if visit.is_ahead)

    @property
    def latest(self) -> DeedLine | None:
        """What was done last, if anything."""
        return self.history[-1] if len(self.history) > 1 else None


def describe_entry(follow_ups: Sequence[FollowUp], now: datetime, key: str = "") -> WorklistEntry:
    """The entry in words, for follow-ups sorted by their due times, with their deeds."""
    leading = min(follow_ups, key=lambda one: FIRST.index(one.kind) if one.kind in FIRST else len(FIRST))
    location = location_of(leading)
    zone = location.zone if location else UTC
    due_at = follow_ups[0].due_at
    number = leading.contact.phone if leading.contact else None
    taken = next((one for one in follow_ups if one.taken_by_id), None)
    snoozed = [one.snoozed_until for one in follow_ups if one.snoozed_until and one.snoozed_until > now]
    names = dict.fromkeys(one.contact.full_name for one in follow_ups if one.contact)
    return WorklistEntry(
        key=key or f"follow-up-{leading.pk}",
        pk=leading.pk,
        kind=leading.kind,
        call_id=leading.call_id,
        contact_id=leading.contact_id,
        names=", ".join(names),
        number=number,
        e164=number.e164 if number else "",
        is_usable=number is not None and number.unusable_since is None,
        opted_out=number is not None and number.voice_opted_out_at is not None,
        visits=tuple(_describe_visit(of_one, now) for of_one in group_by_visit(follow_ups)),
        what_to_do=str(_words_for(leading)[1]),
        due=write_near(due_at, zone, now),
        is_late=due_at < now,
        age=write_age(min(one.created_at for one in follow_ups), now),
        holder_id=taken.taken_by_id if taken else None,
        holder=name_person(taken.taken_by) if taken else "",
        held_since=write_near(taken.taken_at, zone, now) if taken and taken.taken_at else "",
        snoozed_until=write_near(min(snoozed), zone, now) if len(snoozed) == len(follow_ups) else "",
        seen=_join_ids(follow_ups),
        history=tuple(_describe_history(follow_ups, zone, now)),
    )


def write_near(moment: datetime, zone: tzinfo, now: datetime) -> str:
    """A moment by the clock of a zone; without its day if that is today."""
    shown = moment.astimezone(zone)
    return clock(shown) if shown.date() == now.astimezone(zone).date() else day_and_clock(shown)


def write_age(since: datetime, now: datetime) -> str:
    """For how long, in whole hours or days, such as "2 hours"; "" for less, which says nothing."""
    hours = max(int((now - since).total_seconds()), 0) // 3600
    if hours < 1:
        return ""
    if hours < 48:
        return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
    return _("%(count)d days") % {"count": hours // 24}


def _describe_visit(follow_ups: Sequence[FollowUp], now: datetime) -> WorklistVisit:
    appointment, contact = follow_ups[0].appointment, follow_ups[0].contact
    is_ahead = appointment is not None and appointment.status == Status.BOOKED and appointment.starts_at > now
    return WorklistVisit(
        lead=follow_ups[0].pk,
        appointment_id=follow_ups[0].appointment_id,
        name=contact.full_name if contact else "",
        lines=tuple(_describe_line(one, now) for one in follow_ups),
        ids=_join_ids(follow_ups),
        is_ahead=is_ahead,
    )


def _join_ids(follow_ups: Sequence[FollowUp]) -> str:
    return ",".join(str(one.pk) for one in follow_ups)


def _describe_line(follow_up: FollowUp, now: datetime) -> WorklistLine:
    appointment, contact = follow_up.appointment, follow_up.contact
    about: dict[str, str] = {}
    if appointment and contact:
        about = {"name": contact.full_name, "when": day_and_clock(appointment.local_start)}
    return WorklistLine(
        what_happened=str(_words_for(follow_up)[0]) % about,
        why=explain_follow_up(follow_up),
        since=_describe_later_change(appointment, now) if appointment else "",
        replies=quote_replies(follow_up),
    )


def _describe_history(follow_ups: Sequence[FollowUp], zone: tzinfo, now: datetime) -> Iterator[DeedLine]:
    """How it came onto the list, and each deed once, oldest first."""
    opened = min(one.created_at for one in follow_ups)
    yield DeedLine(write_near(opened, zone, now), "", _("Put on the worklist."), "")
    deeds = sorted(
        {deed.act: deed for one in follow_ups for deed in one.deeds.all()}.values(),
        key=lambda deed: (deed.at, deed.pk),
    )
    for deed in deeds:
        about = {"to": name_person(deed.to), "until": write_near(deed.until, zone, now) if deed.until else ""}
        words = str(DEED_WORDS.get(deed.what, deed.get_what_display())) % about
        yield DeedLine(write_near(deed.at, zone, now), name_person(deed.by), words, deed.note)


def describe_gone(follow_up: FollowUp) -> str:
    """Why an entry has left the list, for whoever still has it before them."""
    how = follow_up.get_resolution_display()
    if follow_up.resolved_by:
        return _("Closed by %(who)s. %(how)s") % {"who": name_person(follow_up.resolved_by), "how": how}
    return _("Closed by itself. %(how)s") % {"how": how}


def _words_for(follow_up: FollowUp) -> tuple[Promise | str, Promise | str]:
    if follow_up.appointment is None:
        return WORDS_OF_NO_CALL
    is_heard = follow_up.kind == Kind.NOTHING_FOLLOWS and follow_up.reason == Reason.REACHED
    return WORDS_OF_HEARD if is_heard else WORDS[follow_up.kind]


def location_of(follow_up: FollowUp) -> Location | None:
    """By whose clock its times are shown: its appointment's location, else the practice's first one."""
    return (
        follow_up.appointment.location if follow_up.appointment else Location.objects.order_by("pk").first()
    )


def _describe_later_change(appointment: Appointment, now: datetime) -> str:
    if appointment.status == Status.CANCELLED:
        return _("The appointment has been cancelled since.")
    if appointment.status in (Status.ARRIVED, Status.NO_SHOW):
        return _("The visit has been recorded since.")
    if appointment.starts_at < now:
        return _("The appointment has passed.")
    return ""
