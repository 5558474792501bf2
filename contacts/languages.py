"""Languages people can be spoken to in: their codes and names."""

from django.conf.locale import LANG_INFO
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

# Languages many practices meet, which Django's own list lacks.
MORE_LANGUAGES = {
    "am": _("Amharic"),
    "ht": _("Haitian Creole"),
    "so": _("Somali"),
    "tl": _("Tagalog"),
    "zh": _("Chinese"),
}


def name_language(code: str) -> str:
    """The name of an ISO 639-1 code in the reader's language; an unknown one comes back as it is."""
    if code in MORE_LANGUAGES:
        return str(MORE_LANGUAGES[code])
    return gettext(LANG_INFO[code]["name"]) if code in LANG_INFO else code


def list_languages(also: str) -> list[tuple[str, str]]:
    """Codes with names, by name; `also` is a code that must be among them."""
    codes = {code for code in LANG_INFO if len(code) == len("en")} | {also, *MORE_LANGUAGES}
    return sorted(((code, name_language(code)) for code in codes), key=lambda language: language[1])
