"""How states are shown: a hue, an icon and a word, never a hue alone."""

from functools import lru_cache

from django import template
from django.contrib.messages.storage.base import Message
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from contacts.templatetags.chips import UNKNOWN_STATE, VISIT_LOOKS, ChipLook, draw_chip
from contacts.templatetags.display import icon
from reminders.robotalker.masking import mask_numbers_in

register = template.Library()
register.filter("hide_numbers", mask_numbers_in)
UNDO_TAG = "undo-"  # the extra tag of a message: with the appointment's id, and its status before and now

LOOKS: dict[str, ChipLook] = {
    **VISIT_LOOKS,
    # what is ahead
    "will_call": ChipLook("slate", "clock", _("will call")),
    "will_text": ChipLook("slate", "clock", _("will text")),
    "would_call": ChipLook("grey", "clock-pause", _("would be reminded")),
    "planned": ChipLook("slate", "clock", _("planned")),
    "being_planned": ChipLook("slate", "clock", _("being planned")),
    "provider_changed": ChipLook("slate", "user-edit", _("given to another provider")),
    "moved": ChipLook("slate", "calendar-time", _("moved")),
    "call_ordered": ChipLook("blue", "phone-outgoing", _("call ordered")),
    # in progress
    "calling": ChipLook("blue moving", "phone-ringing", _("calling")),
    "claimed": ChipLook("blue", "phone-outgoing", _("about to be called")),
    "in_progress": ChipLook("blue", "phone-outgoing", _("in progress")),
    "submitting": ChipLook("blue", "phone-outgoing", _("about to go out")),
    "submitted": ChipLook("blue moving", "phone-ringing", _("taken by Robotalker")),
    # the result
    "answered": ChipLook("slate", "phone-call", _("answered")),
    "replied": ChipLook("slate", "message-reply", _("replied by text")),
    "delivered": ChipLook("slate", "message", _("text delivered")),
    "done": ChipLook("slate", "circle-check", _("done")),
    "voicemail": ChipLook("amber", "device-audio-tape", _("voicemail")),
    "no_answer": ChipLook("amber", "phone-off", _("no answer")),
    "could_not_reach": ChipLook("amber", "phone-off", _("could not be reached")),
    "nothing_follows": ChipLook("amber", "bell-off", _("no answer, and nothing more goes out")),
    "late_answer": ChipLook("amber", "hourglass", _("answered for an old time")),
    "visit_changed": ChipLook("amber", "calendar-exclamation", _("has to be told of a change")),
    "other_provider": ChipLook("amber", "user-question", _("told another provider's name")),
    "unclear_answer": ChipLook("amber", "help-circle", _("answer not understood")),
    "may_want_to_cancel": ChipLook("amber", "help-circle", _("may want to cancel")),
    "doubtful_opt_out": ChipLook("amber", "hand-stop", _("may have opted out")),
    "event_kept_back": ChipLook("amber", "help-circle", _("message from Robotalker to check")),
    "unanswered": ChipLook("slate", "clock", pgettext_lazy("of a count of visits", "not confirmed yet")),
    # held or not sent
    "held": ChipLook("grey", "hand-stop", _("held")),
    "opted_out": ChipLook("grey", "hand-stop", _("opted out")),
    "not_reminded": ChipLook("grey", "bell-off", _("not reminded")),
    "skipped": ChipLook("grey", "player-skip-forward", _("skipped")),
    "withdrawn": ChipLook("grey", "arrow-back-up", _("withdrawn")),
    "abandoned": ChipLook("grey", "flag-off", _("closed by staff")),
    # what went wrong
    "unknown": ChipLook("red", "help-circle", _("unknown")),
    "unknown_outcome": ChipLook("red", "help-circle", _("may or may not have been called")),
    "overdue": ChipLook("red", "help-circle", _("no result yet")),
    "missed": ChipLook("red", "x", _("missed")),
    "failed": ChipLook("red", "x", _("failed")),
    "rejected": ChipLook("red", "x", _("rejected")),
    "not_sent": ChipLook("red", "x", _("not sent")),
    "wrong_number": ChipLook("red", "x", _("number can't be used")),
    "trouble": ChipLook("red", "x", _("failed or unknown")),
    # a campaign
    "active": ChipLook("green", "player-play", _("active")),
    "draft": ChipLook("grey", "pencil", _("draft")),
    "paused": ChipLook("amber", "player-pause", _("paused")),
}


# The hue and icon of each RuleResult (rules/rule_results.py); the word stands beside it.
RESULT_LOOKS = {
    "passed": ("green", "check"),
    "decides": ("amber", "arrow-right"),
    "also": ("grey", "ban"),
}


@register.simple_tag
def result_icon(result: str) -> SafeString:
    """The icon of what one check of an explanation says."""
    hue, name = RESULT_LOOKS[result]
    return format_html('<span class="hue-{}">{}</span>', hue, icon(name))


@register.filter
def visit_to_undo(message: Message) -> dict[str, str] | None:
    """The visit (`pk`) whose arrival or no-show a message offers to undo; its status `before` and `now`."""
    tag = next((tag for tag in message.tags.split() if tag.startswith(UNDO_TAG)), "")
    parts = tag.removeprefix(UNDO_TAG).split("-")
    return dict(zip(("pk", "before", "now"), parts, strict=True)) if tag else None


@register.simple_tag
def chip(state: str, words: str = "") -> SafeString:
    """A state as a chip; `words` replace its own word ("confirmed 9:12 by key 1")."""
    return draw_state(state, words, get_language())


@lru_cache(maxsize=4096)  # most rows of a day have one of a few; no words are about a person
def draw_state(state: str, words: str, language: str | None) -> SafeString:
    """The same; `language`: that of the page, in which the state's own word is shown."""
    return draw_chip(LOOKS.get(state, UNKNOWN_STATE), words)


@register.simple_tag
def state_icon(state: str) -> SafeString:
    """Only the state's icon in its hue, for use beside the word."""
    look = LOOKS.get(state, UNKNOWN_STATE)
    hues = " ".join(f"hue-{hue}" for hue in look.hue.split())
    return format_html('<span class="{}">{}</span>', hues, icon(look.icon))
