"""Codes and names of the languages that calls and texts can be in."""

from django.conf.locale import LANG_INFO
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

# Languages that patients of many practices speak and that Django's own list lacks.
MORE_LANGUAGES = {
    "am": _("Amharic"),
    "ht": _("Haitian Creole"),
    "so": _("Somali"),
    "tl": _("Tagalog"),
    "zh": _("Chinese"),
}


def name_language(code: str) -> str:
    """Return the name of an ISO 639-1 code in the reader's language, or the code itself if it is unknown."""
    if code in MORE_LANGUAGES:
        return str(MORE_LANGUAGES[code])
    return gettext(LANG_INFO[code]["name"]) if code in LANG_INFO else code


def list_languages(also: str) -> list[tuple[str, str]]:
    """Return pairs of code and name, sorted by name. `also`: a code to include even if it is unknown."""
    codes = {code for code in LANG_INFO if len(code) == len("en")} | {also, *MORE_LANGUAGES}
    return sorted(((code, name_language(code)) for code in codes), key=lambda language: language[1])
