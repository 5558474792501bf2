"""manage.py explain: why a step goes out for a visit, or not, with every rule and what it saw."""

from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from contacts.database.clock import read_database_clock
from contacts.models import Appointment
from contacts.templatetags.display import day_and_clock
from reminders.deciding.rule_words import CheckLine
from reminders.models import Step
from reminders.pages.step_explanation import StepExplanation, explain_step
from reminders.rules.schedule import first_moment_at
from reminders.rules.zones import zone_or_utc

MARKS = {"passed": "   ", "decides": "=> ", "also": " ! "}
AT_HELP = "a date and time by the location's clock, such as 2026-12-01T10:00; without it, now"


class Command(BaseCommand):
    help = (
        "Prints why a step goes out for a visit, or not: the verdict, and every rule in order with what it "
        "saw. Numbers are masked, and no names of patients are printed. => marks the rule that decides, "
        "! further objections."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("visit", type=int, help="the number in the address of the visit's page")
        parser.add_argument("step", type=int, help="the number of the step, as in the admin")
        parser.add_argument("--at", default="", help=AT_HELP)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            moment = read_moment(options["visit"], options["at"])
            explanation = explain_step(options["visit"], options["step"], moment)
        except Appointment.DoesNotExist:
            raise CommandError("There is no visit with this number.") from None
        except Step.DoesNotExist:
            raise CommandError("There is no step with this number.") from None
        for line in write_explanation(explanation):
            self.stdout.write(line)


def read_moment(appointment_id: int, written: str) -> datetime:
    """The moment (aware) of `--at`; now without it. Raises CommandError and Appointment.DoesNotExist."""
    appointment = Appointment.objects.select_related("location").get(pk=appointment_id)
    if not written:
        return read_database_clock()
    try:
        wall = datetime.fromisoformat(written)
    except ValueError:
        wall = None
    if wall is None or not 1970 <= wall.year <= 2200:
        raise CommandError(f"--at takes {AT_HELP}.")
    return wall if wall.tzinfo else first_moment_at(wall, zone_or_utc(appointment.location.time_zone))


def write_explanation(explanation: StepExplanation) -> Iterator[str]:
    """The explanation in lines of text."""
    step = explanation.step
    yield f"visit {explanation.appointment.pk}, step {step.pk}: {step}, {step.campaign}"
    yield f"{day_and_clock(explanation.moment)}: {explanation.sentence}"
    if explanation.due_at and explanation.last_moment:
        due, last = day_and_clock(explanation.due_at), day_and_clock(explanation.last_moment)
        yield f"Due {due}, last moment {last}."
    for title, lines in (("Planning", explanation.planning), ("Rules", explanation.rules)):
        if lines:
            yield f"\n{title}. {explanation.note if title == 'Rules' else ''}".rstrip()
            for line in lines:
                yield from _write_check(line)


def _write_check(line: CheckLine) -> Iterator[str]:
    yield f"{MARKS[line.result]}{line.title}: {line.decision or line.result_words}"
    for sentence in line.seen:
        yield f"      {sentence}"
