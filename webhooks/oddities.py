"""What was passed over in an event's body, in words for the admin (product rule 34)."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reminders.robotalker.tolerant_json import Oddity

WORDS = {
    Oddity.NOT_UTF8: gettext_lazy("It is not written in UTF-8."),
    Oddity.LOOSE_JSON: gettext_lazy("It is not correct JSON, such as by a comma too many."),
    Oddity.NOT_A_NUMBER: gettext_lazy("It has NaN or Infinity instead of a number."),
    Oddity.REPEATED: gettext_lazy("It has a field more than once."),
    Oddity.REMOVED: gettext_lazy("Characters that can't be stored were left out."),
    Oddity.TOO_DEEP: gettext_lazy("It is nested too deeply; the inner values were left out."),
    Oddity.WRAPPED: gettext_lazy("The event stands inside of another object or a list."),
    Oddity.NO_NAME: gettext_lazy("It doesn't name its event; by its text it is a reply."),
    Oddity.UNREADABLE: gettext_lazy("A field could not be read:"),
}


def write_out_oddities(codes: str) -> str:
    """The sentences of these codes, such as "wrapped unreadable:timestamp"."""
    return " ".join(_describe(code) for code in codes.split())


def _describe(code: str) -> str:
    name, _colon, field = code.partition(":")
    words = WORDS.get(Oddity(name)) if name in set(Oddity) else _("Something else was passed over.")
    return f"{words} {field}." if field else str(words)
