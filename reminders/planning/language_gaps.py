"""Visits whose patients speak a language that a campaign's scripts are not written in (product rule 62).

Nobody is left out for it: they hear English, or nothing where there is no English text either. It is counted
before a campaign is activated.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count
from django.db.models.functions import Now
from django.utils.translation import ngettext

from contacts.languages import name_language
from contacts.models import Appointment
from reminders.deciding.coverage import find_covered
from reminders.models import Campaign, Script, Step
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


def find_language_gaps(campaign: Campaign, scripts: Iterable[Script]) -> list[LanguageGap]:
    """The languages of upcoming visits that one of the campaign's scripts lacks, the most visits first.

    `scripts`: those of its steps, with their texts.
    """
    ahead = Appointment.objects.filter(status=Appointment.Status.BOOKED, starts_at__gt=Now())
    counts = dict(
        find_covered(Step(campaign=campaign), ahead)
        .order_by()
        .values_list("contact__language")
        .annotate(visits=Count("pk"))
    )
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
