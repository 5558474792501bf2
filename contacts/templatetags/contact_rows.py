"""The rows of the list of contacts. Each is filled into one pattern, which takes a tenth of the time of a
template. Whatever somebody has written is escaped here, by hand.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from contacts.languages import name_language
from contacts.models import Appointment, Contact, PhoneNumber
from contacts.row_addresses import write_row_address
from contacts.templatetags.display import day_and_clock, icon, masked

register = template.Library()
ROW = """<tr>
<td class="people-name"><a href="{href}">{name}</a> {id}</td>
<td class="people-number">{number}</td>
<td class="people-language">{language}</td>
<td class="people-next">{next}</td>
</tr>
"""
NEXT = '<a href="{href}">{when}</a> <small class="quiet">{place}</small>'
QUIET = '<small class="quiet">{}</small>'
NUMBER = '<span class="number">{}</span>'


@dataclass(frozen=True)
class ContactLine:
    """One row of the list."""

    contact: Contact
    next_appointment: Appointment | None


@dataclass(frozen=True)
class _Flags:
    """What may stand beside a number, or for an appointment, as HTML: looked up once for a page."""

    no_number: str
    unusable: str
    opted_out: str
    no_calls: str
    no_texts: str
    no_appointment: str


@register.filter
def contact_rows(lines: Iterable[ContactLine]) -> SafeString:
    """The contacts as rows of a table."""
    flags = _Flags(
        no_number=_draw_flag("amber", "phone-off", gettext("no number")),
        unusable=_draw_flag("red", "x", gettext("can't be used")),
        opted_out=_draw_flag("grey", "hand-stop", gettext("opted out")),
        no_calls=_draw_flag("grey", "hand-stop", gettext("no calls")),
        no_texts=_draw_flag("grey", "message-off", gettext("no texts")),
        no_appointment=format_html('<span class="quiet">{}</span>', gettext("no upcoming appointment")),
    )
    return SafeString("".join(_draw(line.contact, line.next_appointment, flags) for line in lines))


def _draw_flag(hue: str, icon_name: str, words: str) -> str:
    return format_html('<span class="flag hue-{}">{}{}</span>', hue, icon(icon_name), words)


def _draw(contact: Contact, coming: Appointment | None, flags: _Flags) -> str:
    return ROW.format(
        href=write_row_address("contact", contact.pk),
        name=escape(contact.full_name),
        id=QUIET.format(escape(contact.external_id)) if contact.external_id else "",
        number=_draw_number(contact.phone, flags) if contact.phone else flags.no_number,
        language=escape(name_language(contact.language)),
        next=_draw_next(coming) if coming else flags.no_appointment,
    )


def _draw_next(coming: Appointment) -> str:
    return NEXT.format(
        href=write_row_address("appointment", coming.pk),
        when=escape(day_and_clock(coming.local_start)),
        place=escape(coming.location.name),
    )


def _draw_number(number: PhoneNumber, flags: _Flags) -> str:
    """The number, and what keeps it from being called or texted."""
    shown = [NUMBER.format(escape(masked(number)))]
    if number.unusable_since or number.kind_fault:
        shown.append(flags.unusable)
    if number.voice_opted_out_at and number.sms_opted_out_at:
        shown.append(flags.opted_out)
    elif number.voice_opted_out_at:
        shown.append(flags.no_calls)
    elif number.sms_opted_out_at:
        shown.append(flags.no_texts)
    return " ".join(shown)
