"""The texts to and from a number, as one thread; and the numbers that texts were written with lately."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db.models import BigIntegerField, CharField, Count, F, Max, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from contacts.models import Contact, Location, PhoneNumber
from contacts.models.people import Channel
from reminders.deciding.text_objections import find_text_location, find_text_objection, with_text_location
from reminders.models import (
    CallRecord,
    OptOutConfirmation,
    ReceivedText,
    SendingSwitch,
    StaffText,
    TextTemplate,
)
from reminders.rules.reasons import phrase_for, sentence_for
from reminders.rules.replies import ReplyMeaning
from reminders.rules.states import CallState

SHOWN = 100  # texts of each kind in a thread, and threads in the list: the newest
NAMED = 5  # people of a number who are named

# Its look (reminder_display.LOOKS) for the state of a text of ours.
LOOK_OF_STATE = {
    StaffText.State.WAITING: "submitting",
    StaffText.State.SUBMITTING: "submitting",
    StaffText.State.SUBMITTED: "submitted",
    StaffText.State.DELIVERED: "delivered",
    StaffText.State.UNDELIVERED: "failed",
    StaffText.State.UNKNOWN: "unknown",
    StaffText.State.DROPPED: "not_sent",
}


@dataclass(frozen=True)
class TextEntry:
    """One text. `at`: by the clock of the location; `who`: who wrote it, "" for the patient.

    `state`: a key of reminder_display.LOOKS, "" for a received text; `words`: that state, or what a received
    text was taken as; `why`: why it is in its state. `appointment`: the visit that a reminder is about.
    """

    key: str
    at: datetime
    is_ours: bool
    text: str
    who: str
    state: str = ""
    words: str = ""
    why: str = ""
    is_unread: bool = False
    appointment: int | None = None


class ToldText(NamedTuple):
    """A text of ours as it is read. `visit`: of a reminder; the names are of the member of staff, or "".

    `state`: of a reminder a CallState, of others a StaffText.State.
    """

    kind: str
    pk: int
    at: datetime
    text: str
    state: str
    reason: str
    detail: str
    first_name: str
    last_name: str
    username: str
    visit: int | None


@dataclass(frozen=True)
class Thread:
    """All texts with a number, the oldest first. `refusal`: why none can be written now, "" if one can.

    `newest_unread`: the id of the newest text that somebody has still to read; None if there is none.
    """

    number: PhoneNumber
    people: Sequence[Contact]
    entries: Sequence[TextEntry]
    refusal: str
    newest_unread: int | None
    templates: Sequence[TextTemplate]


@dataclass(frozen=True)
class ThreadLine:
    """A number in the list: who has it, the last text with it, and how many are unread."""

    number: PhoneNumber
    people: Sequence[Contact]
    at: datetime
    is_ours: bool
    text: str
    unread: int


def read_thread(
    number_id: int,
    user: User,
    now: datetime,
    *,
    locations: Sequence[Location],
    switch: SendingSwitch | None = None,
) -> Thread:
    """The thread of a number, the newest SHOWN of each kind. Raises PhoneNumber.DoesNotExist.

    `locations`: all of them, by name; `switch`: where it was read for this request already.
    """
    number = with_text_location(PhoneNumber.objects.all()).get(pk=number_id)
    location = find_text_location(number, locations)
    received = list(ReceivedText.objects.filter(number=number).order_by("-pk")[:SHOWN])
    unread = [text.pk for text in received if text.needs_reader and text.read_at is None]
    zone = location.zone if location else None
    texts = [*_list_received(received, zone), *_list_ours(number, zone)]
    draft = StaffText(number=number, by=user, location=location)
    objection = find_text_objection(draft, now, switch=switch, locations=locations)
    return Thread(
        number=number,
        people=_find_people([number]).get(number.pk, []),
        entries=sorted(texts, key=lambda entry: (entry.at, entry.key)),
        refusal=sentence_for(objection),
        newest_unread=max(unread, default=None),
        templates=list(TextTemplate.objects.all()),
    )


def list_threads() -> list[ThreadLine]:
    """The numbers with texts, those with unread ones first, then by their last text; six queries."""
    zone = location.zone if (location := Location.objects.first()) else None
    by_number = ReceivedText.objects.unread().order_by().values("number")
    found = by_number.annotate(count=Count("pk"), newest=Max("pk")).order_by("-newest")[:SHOWN]
    unread = {row["number"]: row for row in found}
    shown = Q(pk__in=[row["newest"] for row in unread.values()])
    received = ReceivedText.objects.select_related("number")
    written = StaffText.objects.select_related("number").order_by("-pk")[:SHOWN]
    last: dict[int, ReceivedText | StaffText] = {}
    newest: list[ReceivedText | StaffText] = [
        *received.order_by("-pk")[:SHOWN],
        *received.filter(shown),
        *written,
    ]
    for text in newest:
        known = last.get(text.number_id)
        if known is None or _date(text) > _date(known):
            last[text.number_id] = text
    order = sorted(last.values(), key=lambda text: (text.number_id in unread, _date(text)), reverse=True)
    people = _find_people([text.number for text in order[:SHOWN]])
    return [
        ThreadLine(
            text.number,
            people.get(text.number_id, []),
            _date(text).astimezone(zone),
            isinstance(text, StaffText),
            text.text,
            unread[text.number_id]["count"] if text.number_id in unread else 0,
        )
        for text in order[:SHOWN]
    ]


def count_unread_numbers() -> int:
    """How many numbers have a text that somebody has still to read."""
    return ReceivedText.objects.unread().values("number").distinct().count()


def _date(text: ReceivedText | StaffText) -> datetime:
    return text.created_at if isinstance(text, StaffText) else text.at


def _find_people(numbers: Iterable[PhoneNumber]) -> dict[int, list[Contact]]:
    """The first NAMED people of each number, by name."""
    found: dict[int, list[Contact]] = {}
    for contact in Contact.objects.filter(phone__in=list(numbers)).order_by("last_name", "first_name", "pk"):
        people = found.setdefault(contact.phone_id or 0, [])
        if len(people) < NAMED:
            people.append(contact)
    return found


def _list_received(texts: Iterable[ReceivedText], zone: tzinfo | None) -> Iterator[TextEntry]:
    taken_as = {
        ReplyMeaning.CONFIRM: _("taken as: confirms"),
        ReplyMeaning.ANOTHER_TIME: _("taken as: wants another time"),
        ReplyMeaning.OPT_OUT: _("taken as: no more texts"),
        ReplyMeaning.OPT_IN: _("taken as: texts again"),
    }
    for text in texts:
        is_taken = text.call_id is not None or not text.needs_reader
        yield TextEntry(
            key=f"received-{text.pk}",
            at=text.at.astimezone(zone),
            is_ours=False,
            text=text.text,
            who="",
            words=taken_as.get(ReplyMeaning(text.meaning), "") if is_taken else "",
            is_unread=text.needs_reader and text.read_at is None,
        )


def _list_ours(number: PhoneNumber, zone: tzinfo | None) -> Iterator[TextEntry]:
    """The texts by staff, reminders by text, and what confirmed an opt-out: one query."""
    staff = StaffText.objects.filter(number=number)
    confirmations = OptOutConfirmation.objects.filter(entry__number=number)
    reminders = CallRecord.objects.filter(number=number, channel=Channel.SMS)
    parts = [
        _tell(staff, "stafftext", at="created_at", by="by"),
        _tell(confirmations, "optoutconfirmation", at="entry__at"),
        _tell(reminders, "reminder", at="submitting_at", visit="reminder__appointment"),
    ]
    for row in parts[0].union(*parts[1:], all=True):
        told = ToldText(*row)
        yield _enter(told, zone) if told.visit is None else _enter_reminder(told, zone)


def _tell(
    texts: "QuerySet[Any]", kind: str, *, at: str, by: str = "", visit: str = ""
) -> "QuerySet[Any, Any]":
    """The newest SHOWN of these texts, each as a row of ToldText. `at`, `by`, `visit`: paths to columns."""
    nobody, nothing = Value(""), Cast(Value(None), BigIntegerField())
    told = texts.order_by("-pk").values_list(
        Value(kind, output_field=CharField()),
        "pk",
        F(at),
        Cast("text", TextField()),
        *(Cast(name, TextField()) for name in ("state", "reason", "detail")),
        Cast(F(f"{by}__first_name") if by else nobody, TextField()),
        Cast(F(f"{by}__last_name") if by else nobody, TextField()),
        Cast(F(f"{by}__username") if by else nobody, TextField()),
        Cast(F(visit), BigIntegerField()) if visit else nothing,
    )
    newest: QuerySet[Any, Any] = told[:SHOWN]
    return newest


def _enter(told: ToldText, zone: tzinfo | None) -> TextEntry:
    state = StaffText.State(told.state)
    writer = User(first_name=told.first_name, last_name=told.last_name, username=told.username)
    return TextEntry(
        key=f"{told.kind}-{told.pk}",
        at=told.at.astimezone(zone),
        is_ours=True,
        text=told.text,
        who=writer.get_full_name() or writer.username or _("Callboard, confirming the opt-out"),
        state=LOOK_OF_STATE[state],
        words=str(state.label),
        why=phrase_for(told.reason, told.detail),
    )


def _enter_reminder(told: ToldText, zone: tzinfo | None) -> TextEntry:
    is_delivered = told.state == CallState.ANSWERED
    return TextEntry(
        key=f"{told.kind}-{told.pk}",
        at=told.at.astimezone(zone),
        is_ours=True,
        text=told.text,
        who=_("Callboard, a reminder"),
        state="delivered" if is_delivered else told.state,
        words=str(CallState.DELIVERED.label) if is_delivered else "",
        why=phrase_for(told.reason, told.detail),
        appointment=told.visit,
    )
