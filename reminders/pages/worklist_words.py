"""The sentences for each kind of follow-up: what happened, and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import Appointment, Location
from contacts.templatetags.display import clock, day_and_clock
from reminders.models import FollowUp
from reminders.rules.reasons import phrase_for

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
    Kind.NOTHING_FOLLOWS: (
        gettext_lazy("There is no answer from %(name)s about %(when)s, and nothing more will be sent."),
        gettext_lazy("Call them yourself while there is time."),
    ),
    Kind.EVENT_KEPT_BACK: (
        gettext_lazy("Robotalker sent a message about %(name)s, %(when)s, that can't be relied on."),
        gettext_lazy("Call them and ask, or have an administrator read the message."),
    ),
}
WORDS_OF_NO_CALL = (
    gettext_lazy("Robotalker sent a message that can't be relied on. It is not known whom it is about."),
    gettext_lazy("Have an administrator read the message."),
)


# Of an entry with several kinds, which says what to do: first what only a person can decide.
FIRST = (Kind.UNKNOWN_OUTCOME, Kind.WRONG_NUMBER)


@dataclass(frozen=True)
class WorklistLine:
    """One follow-up as shown. `since`: what made it unnecessary, or ""."""

    follow_up: FollowUp
    what_happened: str
    why: str
    since: str


@dataclass(frozen=True)
class WorklistEntry:
    """What is shown, taken and resolved together. `follow_up`: the one that says what to do.

    `due`: when the first of them is, by the location's clock. `seen`: the ids of all, so that only what was
    on the page is resolved.
    """

    follow_up: FollowUp
    lines: tuple[WorklistLine, ...]
    what_to_do: str
    due: str
    is_late: bool
    seen: str


def describe_entry(follow_ups: Sequence[FollowUp], now: datetime) -> WorklistEntry:
    """The entry in words, for follow-ups sorted by their due times."""
    leading = min(follow_ups, key=lambda one: FIRST.index(one.kind) if one.kind in FIRST else len(FIRST))
    location = location_of(leading)
    zone = location.zone if location else UTC
    due_at = follow_ups[0].due_at.astimezone(zone)
    is_today = due_at.date() == now.astimezone(zone).date()
    return WorklistEntry(
        follow_up=leading,
        lines=tuple(_describe_line(one, now) for one in follow_ups),
        what_to_do=str(_words_for(leading)[1]),
        due=clock(due_at) if is_today else day_and_clock(due_at),
        is_late=due_at < now,
        seen=",".join(str(one.pk) for one in follow_ups),
    )


def _describe_line(follow_up: FollowUp, now: datetime) -> WorklistLine:
    appointment, contact = follow_up.appointment, follow_up.contact
    about: dict[str, str] = {}
    if appointment and contact:
        about = {"name": contact.full_name, "when": day_and_clock(appointment.local_start)}
    return WorklistLine(
        follow_up=follow_up,
        what_happened=str(_words_for(follow_up)[0]) % about,
        why=phrase_for(follow_up.reason, follow_up.detail),
        since=_describe_later_change(appointment, now) if appointment else "",
    )


def _words_for(follow_up: FollowUp) -> tuple[Promise | str, Promise | str]:
    return WORDS[follow_up.kind] if follow_up.appointment else WORDS_OF_NO_CALL


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
