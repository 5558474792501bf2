"""Visits whose patients speak a language that a campaign's scripts are not written in (product rule 62).

Nobody is left out for it: they hear English, or nothing where there is no English text either. It is counted
before a campaign is activated.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.translation import ngettext

from contacts.languages import name_language
from reminders.models import Script
from reminders.wording.dates import FALLBACK_LANGUAGE
from reminders.wording.sms_length import find_newest_texts


@dataclass(frozen=True)
class LanguageGap:
    """Of `upcoming` visits of a campaign, `visits` are of patients who speak `language`.

    `heard`: the language that they hear instead; "" if there is no text for them at all.
    """

    language: str
    heard: str
    visits: int
    upcoming: int

    @property
    def sentence(self) -> str:
        """Such as "12 of the next 52 visits are in Polish and will hear English"."""
        words = {
            "count": self.visits,
            "upcoming": self.upcoming,
            "language": name_language(self.language),
            "heard": name_language(self.heard) if self.heard else "",
        }
        if not self.heard:
            return (
                ngettext(
                    "%(count)d of the next %(upcoming)d visits is in %(language)s and can't be reminded: "
                    "there is no text in English either.",
                    "%(count)d of the next %(upcoming)d visits are in %(language)s and can't be reminded: "
                    "there is no text in English either.",
                    self.visits,
                )
                % words
            )
        return (
            ngettext(
                "%(count)d of the next %(upcoming)d visits is in %(language)s and will hear %(heard)s.",
                "%(count)d of the next %(upcoming)d visits are in %(language)s and will hear %(heard)s.",
                self.visits,
            )
            % words
        )


def find_language_gaps(counts: Mapping[str, int], scripts: Iterable[Script]) -> list[LanguageGap]:
    """The languages of upcoming visits that one of the campaign's scripts lacks, the most visits first.

    `counts`: how many of its upcoming visits are of patients who speak each language. `scripts`: those of its
    steps, with their texts.
    """
    written = [set(find_newest_texts(script)) for script in scripts]
    upcoming = sum(counts.values())
    gaps = [
        LanguageGap(language, _find_heard(written), visits, upcoming)
        for language, visits in counts.items()
        if any(language not in languages for languages in written)
    ]
    return sorted(gaps, key=lambda gap: (-gap.visits, gap.language))


def _find_heard(written: Iterable[set[str]]) -> str:
    return FALLBACK_LANGUAGE if all(FALLBACK_LANGUAGE in languages for languages in written) else ""
