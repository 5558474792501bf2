"""The rows of the calendar's table. As on Today (day_rows.py), a day may have some hundreds of them."""

from collections.abc import Iterable
from html import escape

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext

from contacts.clock_habits import write_clock
from reminders.pages.calendar import CalendarVisit
from reminders.templatetags.reminder_display import draw_state

register = template.Library()
ROW = """<tr>
<td class="number">{begin} – {end}</td>
{who}
<td>{provider}</td>
<td>{chip}</td>
</tr>
"""
ELSEWHERE = '<td class="quiet">{place}</td>'
WHO = '<td><a href="{href}">{name}</a> <span class="quiet">{kind}</span></td>'


@register.filter
def table_rows(visits: Iterable[CalendarVisit], shows_names: bool) -> SafeString:
    """The visits as rows of a table; without names for those who may not see them."""
    nameless, language = escape(gettext("A patient")), get_language()
    return SafeString(
        "".join(_draw(visit, escape(visit.name) if shows_names else nameless, language) for visit in visits)
    )


def _draw(visit: CalendarVisit, name: str, language: str | None) -> str:
    """`name`: escaped."""
    if visit.elsewhere:
        who, chip = ELSEWHERE.format(place=escape(gettext("At %(place)s") % {"place": visit.elsewhere})), ""
    else:
        who = WHO.format(href=visit.href, name=name, kind=escape(visit.kind))
        chip = draw_state(visit.state, "", language)
    return ROW.format(
        begin=escape(write_clock(visit.starts_at)),
        end=escape(write_clock(visit.ends_at)),
        who=who,
        provider=escape(visit.provider),
        chip=chip,
    )
