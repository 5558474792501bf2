"""What a person should know before activating a campaign, though it doesn't stand in the way.

Visits in languages that its scripts lack (product rule 62), steps that can never be in time for some visits
(product rule 31), and text messages that can cost more than one (product rule 40).
"""

from collections import Counter

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reminders.campaigns.campaign_forecasts import CampaignForecast
from reminders.campaigns.drafts import list_scripts
from reminders.campaigns.step_words import describe_time
from reminders.deciding.said_names import list_said_names
from reminders.deciding.situations import PracticeConfig
from reminders.planning.language_gaps import find_language_gaps
from reminders.planning.never_in_time import NeverInTime, count_never_in_time
from reminders.wording.sms_length import text_scripts_of
from reminders.wording.sms_length_words import say_long_texts


def list_activation_notes(forecast: CampaignForecast, config: PracticeConfig) -> list[str]:
    """One sentence for each of these, for staff; `forecast`: of the campaign as it is saved."""
    facts, visits = forecast.facts, forecast.forecaster.covered
    steps = [planned.step for planned in forecast.plan.steps.values()]
    counts = count_never_in_time(map(facts.plannable, visits), steps, facts.clocks)
    never = [
        _("The step “%(step)s”: %(never)s") % {"step": describe_time(step), "never": words}
        for step, count in zip(steps, counts, strict=True)
        if (words := describe_never_in_time(count))
    ]
    languages = Counter(facts.class_of(visit).language for visit in visits)
    gaps = [gap.sentence for gap in find_language_gaps(languages, list_scripts(steps))]
    return [*gaps, *never, *say_long_texts(text_scripts_of(steps), list_said_names(config))]


def describe_never_in_time(counts: NeverInTime) -> str:
    """For how many upcoming visits a step can never be in time, and what becomes of it; "" for none."""
    parts = [
        (counts.too_late, _("%(count)d without a reminder, because its time is too late for them")),
        (counts.no_hours, _("%(count)d without a reminder, because no calling hours are left before")),
        (counts.brought_forward, _("%(count)d with an earlier one, at the last time allowed before")),
    ]
    said = "; ".join(words % {"count": count} for count, words in parts if count)
    words = ngettext("of %(of)d upcoming visit, %(said)s.", "of %(of)d upcoming visits, %(said)s.", counts.of)
    return words % {"of": counts.of, "said": said} if said else ""
