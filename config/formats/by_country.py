"""The names that Django asks for, each by the habits of the practice's country (product rule 55)."""

from collections.abc import Callable

from contacts.clock_habits import ClockHabits, read_habits

FORMATS: dict[str, Callable[[ClockHabits], str | list[str]]] = {
    "DATE_FORMAT": lambda habits: habits.day_with_year,
    "TIME_FORMAT": lambda habits: habits.clock,
    "DATETIME_FORMAT": lambda habits: f"{habits.day_with_year}, {habits.clock}",
    "SHORT_DATE_FORMAT": lambda habits: habits.day_with_year,
    "SHORT_DATETIME_FORMAT": lambda habits: f"{habits.day_with_year}, {habits.clock}",
    "MONTH_DAY_FORMAT": lambda habits: habits.month_day,
    "DATE_INPUT_FORMATS": lambda habits: [
        "%Y-%m-%d",
        *(("%m/%d/%Y", "%m/%d/%y") if habits.is_month_first else ("%d/%m/%Y", "%d/%m/%y", "%d.%m.%Y")),
    ],
}


def __getattr__(name: str) -> str | list[str]:
    """Not constants, so that what is read is what the setting says."""
    if name not in FORMATS:
        raise AttributeError(name)
    return FORMATS[name](read_habits())
