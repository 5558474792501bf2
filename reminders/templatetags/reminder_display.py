"""How states are shown: a hue, an icon and a word, never a hue alone."""

from dataclasses import dataclass

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from contacts.templatetags.display import icon

register = template.Library()


@dataclass(frozen=True)
class Look:
    """A state's hue (a class of callboard.css), icon (of Tabler's outline set) and word."""

    hue: str
    icon: str
    word: object  # str, or one that is translated when shown


UNHEARD_OF = Look("grey", "help-circle", _("state not known"))
LOOKS: dict[str, Look] = {
    # what the person said
    "confirmed": Look("green", "check", _("confirmed")),
    "wants_another_time": Look("violet", "arrows-left-right", _("wants another time")),
    # what is ahead
    "will_call": Look("slate", "clock", _("will call")),
    "will_text": Look("slate", "clock", _("will text")),
    "planned": Look("slate", "clock", _("planned")),
    "booked": Look("slate", "calendar-event", _("booked")),
    "moved": Look("slate", "calendar-time", _("moved")),
    "call_ordered": Look("blue", "phone-outgoing", _("call ordered")),
    # what is going on
    "calling": Look("blue moving", "phone-ringing", _("calling")),
    "claimed": Look("blue", "phone-outgoing", _("about to be called")),
    "in_progress": Look("blue", "phone-outgoing", _("in progress")),
    "submitting": Look("blue", "phone-outgoing", _("submitting")),
    "submitted": Look("blue moving", "phone-ringing", _("submitted")),
    # what came of it
    "answered": Look("slate", "phone-call", _("answered")),
    "delivered": Look("slate", "message", _("delivered")),
    "done": Look("slate", "circle-check", _("done")),
    "voicemail": Look("amber", "device-audio-tape", _("voicemail")),
    "no_answer": Look("amber", "phone-off", _("no answer")),
    "could_not_reach": Look("amber", "phone-off", _("could not be reached")),
    "late_answer": Look("amber", "hourglass", _("answered for an old time")),
    "unclear_answer": Look("amber", "help-circle", _("pressed a key without a meaning")),
    "unanswered": Look("slate", "clock", _("no answer yet")),
    # what is held or left out
    "held": Look("grey", "hand-stop", _("held")),
    "opted_out": Look("grey", "hand-stop", _("opted out")),
    "not_reminded": Look("grey", "bell-off", _("not reminded")),
    "skipped": Look("grey", "player-skip-forward", _("skipped")),
    "withdrawn": Look("grey", "arrow-back-up", _("withdrawn")),
    "cancelled": Look("grey", "ban", _("cancelled")),
    "abandoned": Look("grey", "flag-off", _("settled by a person")),
    # what went wrong
    "unknown": Look("red", "help-circle", _("unknown")),
    "unknown_outcome": Look("red", "help-circle", _("may or may not have been called")),
    "overdue": Look("red", "help-circle", _("no result yet")),
    "missed": Look("red", "x", _("missed")),
    "failed": Look("red", "x", _("failed")),
    "rejected": Look("red", "x", _("rejected")),
    "not_sent": Look("red", "x", _("not sent")),
    "wrong_number": Look("red", "x", _("number can't be used")),
    "trouble": Look("red", "x", _("failed or unknown")),
    # the visit
    "arrived": Look("green outlined", "user-check", _("arrived")),
    "no_show": Look("red outlined", "user-x", _("no-show")),
}


@register.simple_tag
def chip(state: str, words: str = "") -> SafeString:
    """A state as a chip; `words` stand in place of its own word ("confirmed 9:12 by key 1")."""
    look = LOOKS.get(state, UNHEARD_OF)
    hues = " ".join(f"chip-{hue}" for hue in look.hue.split())
    return format_html(
        '<span class="chip {}">{}<span class="chip-words">{}</span></span>',
        hues,
        icon(look.icon),
        words or look.word,
    )


@register.simple_tag
def state_icon(state: str) -> SafeString:
    """Only the state's icon in its hue, for where the word stands beside it."""
    look = LOOKS.get(state, UNHEARD_OF)
    hues = " ".join(f"hue-{hue}" for hue in look.hue.split())
    return format_html('<span class="{}">{}</span>', hues, icon(look.icon))
