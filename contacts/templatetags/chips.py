"""How states are shown as chips: a hue, an icon and a word, never a hue alone. Here are those of visits; the
others are in reminders/templatetags/reminder_display.py.
"""

from dataclasses import dataclass

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from contacts.models import Appointment
from contacts.templatetags.display import icon

register = template.Library()


@dataclass(frozen=True)
class ChipLook:
    """A state's hue (a class of callboard.css), icon (of Tabler's outline set) and word."""

    hue: str
    icon: str
    word: object  # str, or one that is translated when shown


UNKNOWN_STATE = ChipLook("grey", "help-circle", _("state not known"))
# the status of a visit, and the patient's answer
VISIT_LOOKS = {
    "confirmed": ChipLook("green", "check", _("confirmed")),
    "wants_another_time": ChipLook("violet", "arrows-left-right", _("wants another time")),
    "booked": ChipLook("slate", "calendar-event", _("booked")),
    "cancelled": ChipLook("grey", "ban", _("cancelled")),
    "arrived": ChipLook("green outlined", "user-check", _("arrived")),
    "no_show": ChipLook("red outlined", "user-x", _("no-show")),
}


def draw_chip(look: ChipLook, words: str = "") -> SafeString:
    """The chip; `words` replace its own word."""
    hues = " ".join(f"chip-{hue}" for hue in look.hue.split())
    return format_html(
        '<span class="chip {}">{}<span class="chip-words">{}</span></span>',
        hues,
        icon(look.icon),
        words or look.word,
    )


@register.simple_tag
def visit_chip(visit: Appointment) -> SafeString:
    """What the patient answered to a booked visit; else the visit's status."""
    state = (visit.current_answer if visit.status == Appointment.Status.BOOKED else "") or visit.status
    return draw_chip(VISIT_LOOKS.get(state, UNKNOWN_STATE))
