"""Measure search in contacts, beside a query that reads nothing and one that reads every contact."""

import random
from collections.abc import Callable, Iterator
from statistics import median

from django.db import connection

from contacts.contact_search import find_contacts, read_search_words
from contacts.models import Contact, PhoneNumber
from reminders.demo.people import ENGLISH, FRENCH, SPANISH
from tests.bench.measure import Line, stopwatch, take_turns
from tests.bench.rows import CHUNK, vacuum_tables

CONTACTS = 200_000
ROUNDS = 7
AIM = 0.050  # seconds
ADDED = 5_000
SYLLABLES = [
    "an",
    "ber",
    "ca",
    "do",
    "el",
    "fi",
    "gar",
    "han",
    "in",
    "jo",
    "ka",
    "lin",
    "ma",
    "nor",
    "os",
    "pe",
    "qui",
    "ra",
    "son",
    "ti",
    "ul",
    "ven",
    "wi",
    "xa",
    "yo",
    "zel",
    "mar",
    "ten",
]
SEARCHES = {
    "a last name": "lindqvist",
    "two names, without accents": "maria garcia",
    "the inner part of a name": "ndqvi",
    "four digits": "0142",
    "three digits that many numbers have": "555",
    "three digits that most numbers have": "202",
    "one letter": "a",
    "two letters": "an",
    "two letters that begin no name": "nn",
    "forty words": " ".join(f"{one}{two}" for one in "abcde" for two in "aeiourns"),
}


def bench_search() -> Iterator[Line]:
    """Each search as the list of contacts makes it: what was typed is folded, the first page is read."""
    _make_contacts()
    slowest = 0.0
    for what, text in SEARCHES.items():
        times = take_turns(
            {"search": _timed(lambda: _search(text)), "nothing": _timed(_read_nothing), "scan": _scan(text)},  # noqa: B023
            ROUNDS,
        )
        ours, nothing, scan = (median(measured) for measured in times.values())
        slowest = max(slowest, ours)
        ratios = sorted(scan / mine for mine, scan in zip(times["search"], times["scan"], strict=True))
        yield Line(
            f"search of {CONTACTS:,} contacts: {what}",
            f"{ours * 1000:.1f} ms",
            f"SELECT 1: {nothing * 1000:.1f} ms; reading every contact: {scan * 1000:.0f} ms",
            f"{median(ratios):.1f} times as fast ({ratios[0]:.1f} to {ratios[-1]:.1f})",
        )
    yield Line("the slowest of these searches", f"{slowest * 1000:.0f} ms", f"aim: {AIM * 1000:.0f} ms")
    yield _measure_sizes()
    yield from _measure_inserts()


def _make_contacts() -> None:
    drawn = random.Random(4)
    names = [name.split() for name in ",".join([ENGLISH, SPANISH, FRENCH]).replace("\n", " ").split(",")]
    given = [name[0] for name in names] + ["María", "Anna", "Hannah"]
    last = [_make_up_name(drawn) for _ in range(30_000)] + [name[-1] for name in names] + ["García"]
    missing = CONTACTS - Contact.objects.count()
    start = 2_000_000 + PhoneNumber.objects.count()
    for first in range(0, missing, CHUNK):
        places = range(start + first, start + min(first + CHUNK, missing))
        numbers = PhoneNumber.objects.bulk_create(
            PhoneNumber(e164=f"+1{drawn.choice((202, 212, 305))}{place:07}") for place in places
        )
        Contact.objects.bulk_create(
            Contact(
                first_name=_draw(drawn, given),
                last_name=_draw(drawn, last),
                phone=number,
                source="bench",
                external_id=f"P-{place}",
            )
            for place, number in zip(places, numbers, strict=True)
        )
    vacuum_tables()


def _draw(drawn: random.Random, names: list[str]) -> str:
    """Some names are far more common than others, as everywhere; the last of the list are."""
    return names[-1 - min(int(len(names) * drawn.random() ** 2.2), len(names) - 1)]


def _make_up_name(drawn: random.Random) -> str:
    return "".join(drawn.choices(SYLLABLES, k=drawn.choice([2, 2, 3, 3]))).title()


def _search(text: str) -> None:
    people = find_contacts(text)
    people.count()
    list(people[:100])


def _read_nothing() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _scan(text: str) -> Callable[[], float]:
    """The same rows by the same rule, without the index: every contact is looked at."""
    rows = Contact.objects.order_by("last_name", "first_name", "id")
    for word in read_search_words(text):
        rows = rows.filter(search_text__contains=word.forms[0])
    return _timed(lambda: list(rows.values_list("pk", flat=True)))


def _timed(run: Callable[[], object]) -> Callable[[], float]:
    def measure() -> float:
        with stopwatch() as watch:
            run()
        return watch.seconds

    return measure


def _measure_sizes() -> Line:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_relation_size('contact_search'), pg_relation_size('contacts_contact'),"
            " sum(length(search_text)) FROM contacts_contact"
        )
        index, table, texts = (size / 2**20 for size in map(int, cursor.fetchone()))
    return Line(
        "search: size of the index",
        f"{index:.0f} MB",
        f"of the table: {table:.0f} MB, {texts:.0f} of them searched",
    )


def _measure_inserts() -> Iterator[Line]:
    """Contacts added in bulk, beside the same without the trigger and the index."""
    with_search = _add()
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX contact_search; ALTER TABLE contacts_contact DISABLE TRIGGER USER")
    without = _add()
    yield Line(
        f"contacts added in bulk, {ADDED:,}",
        f"{with_search:,.0f} /s",
        f"without search: {without:,.0f} /s",
        f"{with_search / without:.0%}",
    )
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE contacts_contact ENABLE TRIGGER USER")
        cursor.execute(
            "CREATE INDEX contact_search ON contacts_contact USING gin (callboard_grams(search_text))"
        )


def _add() -> float:
    rates = []
    for _ in range(3):
        people = [
            Contact(first_name="Hannah", last_name="García-Lindqvist", external_id="") for _ in range(ADDED)
        ]
        with stopwatch() as watch:
            Contact.objects.bulk_create(people, CHUNK)
        rates.append(watch.rate(ADDED))
    return median(rates)
