"""Whatever is imported, merged, erased and edited, in any order: no “no” is lost (product rules 10 and 64).

After each step the row of each number is what its ledger comes to, and what a simple model says that was kept
beside it. SEQUENCE_EXAMPLES=2000 tries more.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import Q
from django.test import Client, override_settings
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.appointments import cancel_appointment
from contacts.consent_ledger import find_consent_differences
from contacts.database.clock import read_database_clock
from contacts.erasing import ErasureRefused
from contacts.merging import MergeRefused, plan_merge
from contacts.models import Contact, PhoneNumber, UnusableReason
from contacts.models.people import FORBIDDEN_CHANNELS, Channel
from contacts.optouts import SCOPE_BY_CHANNEL, record_optouts, scope_of_optout
from contacts.people import get_or_create_numbers, mark_number_unusable, mark_numbers_usable
from contacts.roles import MANAGER
from reminders.deciding.situations import read_reminder_facts, with_situation
from reminders.desk.erasing import erase_person
from reminders.desk.merging import merge_and_plan
from reminders.models import CallRecord, Reminder, Step
from reminders.results.answers import opt_out
from reminders.rules.states import REMINDER_PENDING
from reminders.sweeps.other_numbers import use_other_numbers
from reminders.traffic.callback_urls import account_url
from tests.contacts.imports.example_lists import AISHA, import_rows
from tests.office import make_call
from tests.people import make_appointment, make_location, make_step, make_user
from tests.reminders.api.client import ApiClient
from tests.webhooks.robotalker import post

EXAMPLES = int(os.environ.get("SEQUENCE_EXAMPLES", "6"))
NUMBERS = [f"+1202555010{index}" for index in range(4)]
NAMES = [("Ann", "Okafor"), ("Ben", "Okafor"), ("Cara", "Stone"), ("Dov", "Reyes")]
NOES_IN_FILES: list[dict[str, str]] = [
    {},
    {"Do not contact": "Yes"},
    {"Do not call": "x", "Text OK": "Yes"},
    {"Text OK": "No"},
    {"Contact method": "Text only"},
    {"Contact method": "Call only"},
    {"Contact method": "Call"},
]
ALL = frozenset(Channel)
CHANNELS: dict[str, frozenset[Channel]] = {
    scope: frozenset([channel]) if channel else ALL for channel, scope in SCOPE_BY_CHANNEL.items()
}
Pick = tuple[int, int, int]
Noes = frozenset[Channel]


class World:
    """The practice, and the model: what each number (E.164) has said no to, and on which basis it is called.

    `excused`: contacts of whom a step may bring back what was stopped: a number of theirs was edited, or
    opted in again. What a person wishes never to get is never excused.
    """

    def __init__(self) -> None:
        self.noes: defaultdict[str, Noes] = defaultdict(frozenset)
        self.basis: defaultdict[str, str] = defaultdict(lambda: "given_for_care")
        self.excused: set[int] = set()
        make_location(name="Downtown", time_zone="America/New_York")
        make_step(elapsed=timedelta(hours=4))
        self.user = make_user("boss", role=MANAGER)
        self.client, self.api = Client(), ApiClient()
        self.client.force_login(self.user)
        self.files = 0

    def say_no(self, e164: str, channels: Noes) -> None:
        self.noes[e164] |= channels

    def take_back(self, e164: str, channels: Noes) -> None:
        self.noes[e164] -= channels
        having = Q(phone__e164=e164) | Q(other_phone__e164=e164)
        self.excused |= set(Contact.objects.filter(having).values_list("pk", flat=True))

    def find_person(self, index: int) -> Contact | None:
        people = list(read_people())
        return people[index % len(people)] if people else None

    def find_number(self, index: int) -> tuple[Contact, PhoneNumber] | None:
        """A number of somebody, with its person."""
        held = [(one, number) for one in read_people() for number in numbers_of(one)]
        return held[index % len(held)] if held else None

    def stopped(self) -> dict[int, Noes]:
        """By contact: what they must not get, by the model, the two numbers of the record, and their wish."""
        return {one.pk: self.find_noes(one) for one in read_people()}

    def find_noes(self, contact: Contact) -> Noes:
        said = FORBIDDEN_CHANNELS.get(contact.preferred_channel, frozenset())
        if contact.phone:
            said |= self.noes[contact.phone.e164]
            if contact.other_phone and contact.other_phone_use == "unreachable":
                said |= self.noes[contact.other_phone.e164]
        return said


def read_people() -> Iterable[Contact]:
    return Contact.objects.filter(erased_at=None).select_related("phone", "other_phone").order_by("pk")


def numbers_of(contact: Contact) -> list[PhoneNumber]:
    return list(dict.fromkeys(one for one in (contact.phone, contact.other_phone) if one))


def import_a_list(world: World, pick: Pick) -> None:
    first, second, which = pick
    no = NOES_IN_FILES[which % len(NOES_IN_FILES)]
    held = {one.pk: [number.pk for number in numbers_of(one)] for one in read_people()}
    rows = []
    for index in {first % 4, (first + second) % 4}:
        name, last = NAMES[index]
        mobile, home = NUMBERS[second % 4], NUMBERS[which % 4]
        world.files += 1
        row = {"id": f"V{world.files}", "patient": f"P{index}", "first": name, "last": last}
        row |= {"mobile": mobile, "home": home if which % 2 else "", "date": "12/15/2027"}
        rows.append(AISHA | row | no)
    import_rows(*rows)
    for one in read_people():
        if held.get(one.pk) != [number.pk for number in numbers_of(one)]:
            world.excused.add(one.pk)


def tell_staff(world: World, pick: Pick) -> None:
    """At the desk, by letter and so on."""
    if found := world.find_number(pick[0]):
        contact, number = found
        way = ["desk", "phone", "letter", "email", "message"][pick[1] % 5]
        scope = list(CHANNELS)[pick[2] % 3]
        entries = {"number": number.pk, "scope": scope, "way": way, "note": contact.first_name}
        assert world.client.post(f"/contacts/{contact.pk}/opt-out/", entries).status_code == 302
        world.say_no(number.e164, CHANNELS[scope])


def opt_in_again(world: World, pick: Pick) -> None:
    if found := world.find_number(pick[0]):
        contact, number = found
        scope = list(CHANNELS)[pick[2] % 3]
        entries = {"number": number.pk, "scope": scope, "reason": "asked for it"}
        answer = world.client.post(f"/contacts/{contact.pk}/opt-in/", entries)
        if answer.status_code == 302:  # else the number had not opted out of that
            world.take_back(number.e164, CHANNELS[scope])


def press_nine(world: World, pick: Pick) -> None:
    contact = world.find_person(pick[0])
    if contact and contact.phone:
        visit = make_appointment(contact, starts_at=timezone.now() + timedelta(hours=3, minutes=pick[1]))
        times = dict.fromkeys(("due_at", "not_after", "next_look_at"), timezone.now())
        reminder = Reminder.objects.create(
            appointment=visit, step=Step.objects.get(), revision=1, state="done", **times
        )
        opt_out(make_call(reminder, key_pressed="9"), timezone.now(), Channel.VOICE)
        world.say_no(contact.phone.e164, CHANNELS[scope_of_optout(Channel.VOICE)])


def use_the_api(world: World, pick: Pick) -> None:
    """Also for a number that nobody has."""
    e164, scope = NUMBERS[pick[0] % 4], list(CHANNELS)[pick[2] % 3]
    assert world.api.post("opt-outs/", {"number": e164, "scope": scope}).status_code in (200, 201)
    world.say_no(e164, CHANNELS[scope])


def post_account_event(world: World, pick: Pick) -> None:
    e164, channel = NUMBERS[pick[0] % 4], [None, *Channel][pick[1] % 3]
    event = {"event": "contact.optout", "to": e164, "timestamp": timezone.now().isoformat()}
    assert post(account_url(), event | ({"channel": channel} if channel else {})) == 200
    world.say_no(e164, CHANNELS[scope_of_optout(channel)])


def text(words: str) -> Callable[[World, Pick], None]:
    def send(world: World, pick: Pick) -> None:
        e164 = NUMBERS[pick[0] % 4]
        event = {"event": "sms.received", "from": e164, "to": "+12025550199", "text": words}
        assert post(account_url(), event | {"timestamp": timezone.now().isoformat()}) == 200
        if words == "STOP":
            world.say_no(e164, CHANNELS[scope_of_optout(Channel.SMS)])
        else:
            world.take_back(e164, frozenset([Channel.SMS]))

    send.__name__ = f"text_{words.lower()}"
    return send


def pull_robotalkers_list(world: World, pick: Pick) -> None:
    e164 = NUMBERS[pick[0] % 4]
    get_or_create_numbers([e164])
    ids = PhoneNumber.objects.filter(e164=e164).values_list("pk", flat=True)
    scope = list(CHANNELS)[pick[2] % 3]
    record_optouts(list(ids), scope=scope, source="robotalker", at=timezone.now())
    if ids:  # else it was erased, and its “no” is kept
        world.say_no(e164, CHANNELS[scope])


def record_a_consent(world: World, pick: Pick) -> None:
    if found := world.find_number(pick[0]):
        contact, number = found
        basis = PhoneNumber.ConsentBasis.values[pick[2] % 4]
        entries = {"number": number.pk, "basis": basis, "evidence": "a form"}
        assert world.client.post(f"/contacts/{contact.pk}/consent/", entries).status_code == 302
        world.basis[number.e164] = basis


def edit_the_numbers(world: World, pick: Pick) -> None:
    if contact := world.find_person(pick[0]):
        entries = {
            "first_name": contact.first_name,
            "last_name": contact.last_name,
            "language": contact.language,
            "preferred_channel": contact.preferred_channel,
            "number": ["", *NUMBERS][pick[1] % 5],
            "other_number": ["", *NUMBERS][pick[2] % 5],
            "other_phone_use": ["never", "unreachable"][(pick[1] + pick[2]) % 2],
            "anyway": [one.pk for one in read_people()],
        }
        assert world.client.post(f"/contacts/{contact.pk}/edit/", entries).status_code == 302
        world.excused.add(contact.pk)


def swap_the_numbers(world: World, pick: Pick) -> None:
    contact = world.find_person(pick[0])
    if contact and contact.phone:
        if pick[1] % 3 == 0:
            mark_numbers_usable([contact.phone.pk], by=None)
        else:
            make_appointment(contact, starts_at=timezone.now() + timedelta(days=2, minutes=pick[1]))
            Contact.objects.filter(pk=contact.pk).update(other_phone_use="unreachable")
            mark_number_unusable(contact.phone.pk, UnusableReason.INVALID_NUMBER, timezone.now())
        use_other_numbers()


def merge_two(world: World, pick: Pick) -> None:
    people = list(read_people())
    if not people:
        return
    one, other = people[pick[0] % len(people)], people[pick[1] % len(people)]
    if one == other:
        return
    before = world.find_noes(one) | world.find_noes(other)
    plan = plan_merge(one, other, read_database_clock())
    try:
        merge_and_plan(one.pk, other.pk, token=plan.token, cancelled=[], by=world.user)
    except MergeRefused:
        return
    after = Contact.objects.select_related("phone", "other_phone").get(pk=one.pk)
    assert world.find_noes(after) >= before, "what either of them didn't want, the one person doesn't"


def erase_one(world: World, pick: Pick) -> None:
    contact = world.find_person(pick[0])
    if contact is None:
        return
    for visit in contact.appointments.filter(status="booked"):
        cancel_appointment(visit.pk, by=world.user)
    wish = FORBIDDEN_CHANNELS.get(contact.preferred_channel, frozenset())
    said = world.find_noes(contact) if contact.phone else wish
    called = CallRecord.objects.filter(reminder__appointment__contact=contact).values("number")
    going = [
        number
        for number in PhoneNumber.objects.filter(
            Q(pk__in=called) | Q(contacts=contact) | Q(other_contacts=contact), erased_at=None
        ).distinct()
        if not any(number in numbers_of(one) for one in read_people() if one != contact)
    ]
    is_pair = contact.other_phone_use == "unreachable"
    try:
        erase_person(contact.pk, by=world.user)
    except ErasureRefused:
        return
    for number in going:
        world.say_no(number.e164, said if is_pair and number in numbers_of(contact) else wish)
        if world.basis[number.e164] != "none":
            world.basis.pop(number.e164)


STEPS: dict[str, Callable[[World, Pick], None]] = {
    step.__name__: step
    for step in (
        import_a_list,
        tell_staff,
        opt_in_again,
        press_nine,
        use_the_api,
        post_account_event,
        text("STOP"),
        text("START"),
        pull_robotalkers_list,
        record_a_consent,
        edit_the_numbers,
        swap_the_numbers,
        merge_two,
        erase_one,
    )
}


def check(world: World, before: dict[int, Noes], wishes: dict[int, Noes], done: str) -> None:
    """That nothing was lost; `before`, `wishes`: by contact, before the step."""
    assert not list(find_consent_differences()), done
    for number in PhoneNumber.objects.filter(erased_at=None):
        flags = frozenset(channel for channel in Channel if number.opted_out_at(channel))
        assert flags == world.noes[number.e164], (done, number.e164)
        assert number.consent_basis == world.basis[number.e164], (done, number.e164)
    after = world.stopped()
    for one in read_people():
        if one.pk not in world.excused:
            assert after[one.pk] >= before.get(one.pk, frozenset()), (done, one.pk)
        now_wished = FORBIDDEN_CHANNELS.get(one.preferred_channel, frozenset())
        assert now_wished >= wishes.get(one.pk, frozenset()), (done, one.pk)


def check_decisions(world: World) -> None:
    """That decide() is told of each “no”."""
    for reminder in with_situation(Reminder.objects.filter(state__in=REMINDER_PENDING)):
        contact = reminder.appointment.contact
        situation = read_reminder_facts(reminder, sending_paused=False).situation
        is_stopped = situation.opted_out or situation.other_number_opted_out or situation.refusal is not None
        assert is_stopped == (Channel.VOICE in world.find_noes(contact))


@pytest.mark.django_db
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES < 100,
    suppress_health_check=list(HealthCheck),
)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(sorted(STEPS)),
            st.tuples(st.integers(0, 11), st.integers(0, 11), st.integers(0, 11)),
        ),
        min_size=4,
        max_size=12,
    ),
    scope=st.sampled_from(["all", "channel"]),
)
def test_no_no_is_lost_in_any_sequence(steps: list[tuple[str, Pick]], scope: str) -> None:
    with override_settings(OPT_OUT_SCOPE=scope), transaction.atomic():
        world = World()
        import_a_list(world, (0, 1, 0))
        for name, pick in steps:
            world.excused = set()
            before = world.stopped()
            wishes = {
                one.pk: FORBIDDEN_CHANNELS.get(one.preferred_channel, frozenset()) for one in read_people()
            }
            STEPS[name](world, pick)
            check(world, before, wishes, name)
        check_decisions(world)
        transaction.set_rollback(True)
