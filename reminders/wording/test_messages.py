"""The words of test calls: a script filled in for an example visit, and the call that speaks a code."""

from datetime import datetime, time, timedelta

from contacts.models import Appointment, Contact, Location, Provider
from reminders.wording.scripts import fill_message, fill_variables, speak

EXAMPLE_NAMES = {"es": "Lucía", "fr": "Camille"}
EXAMPLE_NAME = "Alex"
EXAMPLE_TIME = time(10, 30)
CODE = "CODE"
# Spoken twice, since nobody writes it down at once. English: it is for staff, whose pages are English too.
CODE_MESSAGE = (
    "Hello, this is Callboard for {PRACTICE}. Your code is: {CODE}. Once more: {CODE}. "
    "If you did not ask for it, hang up."
)


def fill_example(
    text: str, language: str, location: Location, today: datetime, *, is_text: bool
) -> tuple[dict[str, str], str]:
    """A script's text, as by fill_message(), for a made-up visit there, a week after `today` (aware)."""
    visit = make_up_visit(language, location, Provider.objects.first(), today)
    values = fill_variables(visit, language, is_text=is_text)
    return fill_message(text, values, is_text=is_text)


def make_up_visit(
    language: str, location: Location, provider: Provider | None, today: datetime
) -> Appointment:
    """A visit that is nowhere stored, a week after `today` (aware), of a patient who speaks the language."""
    day = today.astimezone(location.zone).date() + timedelta(days=7)
    return Appointment(
        contact=Contact(first_name=EXAMPLE_NAMES.get(language, EXAMPLE_NAME)),
        location=location,
        provider=provider,
        local_start=datetime.combine(day, EXAMPLE_TIME),
    )


def make_up_location() -> Location:
    """A location that is nowhere stored, for an installation without one."""
    return Location(spoken_name="Harbor View Clinic", time_zone="UTC", callback_number="+12025550199")


def say_code(code: str) -> str:
    """The digits one by one, with pauses: "4, 8, 2"."""
    return ", ".join(code)


def fill_code(practice: str, code: str) -> dict[str, str]:
    """The variables of CODE_MESSAGE."""
    return {"PRACTICE": practice, CODE: say_code(code)}


def speak_without_code(practice: str) -> str:
    """What the call says, without the code itself: that is stored nowhere."""
    return speak(CODE_MESSAGE, {"PRACTICE": practice, CODE: "…"})
