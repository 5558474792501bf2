"""How things are shown: icons, masked numbers, and times by the location's own clock."""

from datetime import date, datetime, time
from functools import cache

from django import template
from django.templatetags.static import static
from django.templatetags.tz import do_timezone
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from contacts import clock_habits, numbers
from contacts.models import Location, PhoneNumber

register = template.Library()


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """The outline icon `name` of Tabler's set. It is decoration: a word stands beside it."""
    return _draw_icon(name, classes)


@register.filter
def masked(number: PhoneNumber | str | None) -> str:
    """The number with all but its country code and its end hidden; "" for none."""
    if not number:
        return ""
    return numbers.mask(number.e164 if isinstance(number, PhoneNumber) else number)


@register.filter
def at_location(moment: datetime | None, location: Location) -> datetime | None:
    """The moment by the location's clock; templates don't convert it to the server's zone."""
    return do_timezone(moment, location.zone) if moment else None


@register.filter
def clock(moment: datetime | time | None) -> str:
    """The time of day of `moment` in its own zone, such as "2:05 pm", or "14:05" by country; "" for none."""
    return clock_habits.write_clock(moment) if moment is not None else ""


@register.filter
def day(moment: datetime | date | None) -> str:
    """The day of `moment` in its own zone, such as "Tue, Jul 14", with a year that isn't this one."""
    if moment is None:
        return ""
    return clock_habits.write_day(moment, with_year=moment.year != timezone.now().year)


@register.filter
def long_day(moment: datetime | date | None) -> str:
    """The day in full, such as "Tuesday, July 14", with the year if it isn't this year; "" for none."""
    if moment is None:
        return ""
    return clock_habits.write_long_day(moment, with_year=moment.year != timezone.now().year)


@register.filter
def day_and_clock(moment: datetime | None) -> str:
    """Both, such as "Tue, Jul 14, 9:05 am" or "Tue 14 Jul, 9:05"; "" for none."""
    return f"{day(moment)}, {clock(moment)}" if moment else ""


@register.filter
def iso_day(moment: datetime | date | None) -> str:
    """The day as addresses and browsers' own date fields have it: 2026-07-14; "" for none."""
    return f"{moment:%Y-%m-%d}" if moment else ""


@register.filter
def iso_minute(moment: datetime | None) -> str:
    """The wall time as forms of ours send it: 2026-07-14T09:05; "" for none."""
    return moment.isoformat(timespec="minutes")[:16] if moment else ""


@cache  # the address of the file never changes while the process runs
def _draw_icon(name: str, classes: str) -> SafeString:
    file = static("built/icons.svg")
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"></use></svg>',
        f"icon {classes}".strip(),
        file,
        name,
    )
