"""manage.py where_visits_stand: where each upcoming booked visit stands, and whether any was dropped."""

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from contacts.database.clock import read_database_clock
from contacts.numbers import mask
from contacts.templatetags.display import day_and_clock
from reminders.deciding.visits import Visit, find_upcoming, iterate_visits
from reminders.rules.reasons import sentence_for
from reminders.rules.visit_standings import VisitStanding


class Command(BaseCommand):
    help = (
        "Prints where each upcoming booked visit stands: confirmed, a reminder will go out, on the worklist, "
        "not reminded as a person chose, … Ends with status 1 if any is unaccounted for. Numbers are masked, "
        "and no names are printed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--counts", action="store_true", help="print the counts only")

    def handle(self, *args: Any, **options: Any) -> None:
        now = read_database_clock()
        counts: Counter[VisitStanding] = Counter()
        for visit in iterate_visits(find_upcoming(now), now):
            counts[visit.standing] += 1
            if not options["counts"]:
                self.stdout.write(describe_visit(visit))
        self.stdout.write(f"{counts.total()} upcoming visits")
        for standing in VisitStanding:
            self.stdout.write(f"{counts[standing]:8} {standing.label}")
        if counts[VisitStanding.UNACCOUNTED]:
            raise CommandError("Some visits are unaccounted for. Reconciliation puts them on the worklist.")


def describe_visit(visit: Visit) -> str:
    """One line: the appointment's id, its masked number, when it is by its location's clock, and why."""
    appointment = visit.appointment
    phone = appointment.contact.phone
    when = day_and_clock(appointment.starts_at.astimezone(appointment.location.zone))
    ends = [sentence_for(reminder.reason) for reminder, _ in visit.ends if reminder.reason]
    number = mask(phone.e164) if phone else "no number"
    why = f" ({ends[-1]})" if ends and visit.standing != VisitStanding.CONFIRMED else ""
    return f"appointment {appointment.pk}  {number}  {when}  {visit.standing.label}{why}"
