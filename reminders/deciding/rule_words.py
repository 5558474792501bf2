"""Each rule of decide() in words for staff: its title, and the values that it saw.

WORDS has one row for each rule of decide.RULES (a test holds the two equal). The reason for a decision has
its sentence in rules/reasons.py; here stands only what the rule looked at, whether it passed or not.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.languages import name_language
from contacts.models import Appointment, PhoneNumber
from contacts.models.people import Channel, Preference
from contacts.numbers import mask
from contacts.templatetags.display import clock, day_and_clock
from reminders.deciding.stored_decisions import SeenValues
from reminders.models import Campaign, Step
from reminders.rules.calling_hours import OUTER, ZoneSource
from reminders.rules.decide import Decision, Situation, Verdict
from reminders.rules.modes import SendingMode
from reminders.rules.reasons import sentence_for
from reminders.rules.rule_results import ExplainedDecision, RuleResult
from reminders.rules.zones import zone_or_utc

VERDICTS: dict[str, Promise] = {
    Verdict.CALL: gettext_lazy("It goes out."),
    Verdict.WAIT: gettext_lazy("It waits."),
    Verdict.SKIP: gettext_lazy("It is skipped."),
    Verdict.BLOCK: gettext_lazy("It is held."),
    Verdict.MISS: gettext_lazy("It is missed."),
}
RESULTS: dict[str, Promise] = {
    RuleResult.PASSED: gettext_lazy("passed"),
    RuleResult.DECIDES: gettext_lazy("decides"),
    RuleResult.ALSO: gettext_lazy("would stop it too"),
}
CAMPAIGNS: dict[str, Promise] = {
    Campaign.State.ACTIVE: gettext_lazy("The campaign “%(campaign)s” is active."),
    Campaign.State.PAUSED: gettext_lazy("The campaign “%(campaign)s” is paused."),
    Campaign.State.DRAFT: gettext_lazy("The campaign “%(campaign)s” is a draft."),
}
ANSWERS: dict[str, Promise] = {
    Appointment.Answer.NONE: gettext_lazy("The patient has not answered yet."),
    Appointment.Answer.CONFIRMED: gettext_lazy("The patient has confirmed."),
    Appointment.Answer.WANTS_ANOTHER_TIME: gettext_lazy("The patient wants another time."),
}
SOURCES: dict[str, Promise] = {
    ZoneSource.STATED: gettext_lazy("The patient's own time zone is on record, so its clock counts."),
    ZoneSource.LOCATION: gettext_lazy(
        "No time zone of the patient is on record, and their number could be near the location, "
        "so the location's clock counts."
    ),
    ZoneSource.NUMBER: gettext_lazy(
        "No time zone of the patient is on record, and by its first digits their number is not near the "
        "location, so the hours must be allowed everywhere the number could be."
    ),
}


@dataclass(frozen=True)
class Seen:
    """What one rule saw at `now` (aware), and its decision, None if it passes."""

    situation: Situation
    values: SeenValues
    now: datetime
    decision: Decision | None = None

    def when(self, moment: datetime) -> str:
        """The moment by the location's clock."""
        return day_and_clock(moment.astimezone(zone_or_utc(self.values.location_zone)))

    @property
    def is_text(self) -> bool:
        return self.values.channel == Channel.SMS


class RuleWords(NamedTuple):
    """A rule's title, and the sentences that say what it saw."""

    title: Promise | str
    describe: Callable[[Seen], Iterator[str]]


@dataclass(frozen=True)
class CheckLine:
    """One check as it is shown. `result`: a code of RuleResult; `decision`: its reason in words, or ""."""

    code: str
    title: str
    result: str
    decision: str
    seen: tuple[str, ...]

    @property
    def result_words(self) -> str:
        return str(RESULTS[self.result])


def describe_rules(
    explained: ExplainedDecision, situation: Situation, values: SeenValues, now: datetime
) -> tuple[CheckLine, ...]:
    """Every rule's line, in the order in which decide() asks them."""
    return tuple(
        CheckLine(
            code=one.rule,
            title=str(words.title),
            result=one.result,
            decision=sentence_for(one.decision.reason) if one.decision else "",
            seen=tuple(words.describe(Seen(situation, values, now, one.decision))),
        )
        for one in explained.checks
        for words in [WORDS.get(one.rule, UNNAMED)]
    )


def describe_verdict(decision: Decision, location_zone: str) -> str:
    """A decision in one or two sentences, with the moment until which it waits, by the location's clock."""
    sentences = [str(VERDICTS[decision.verdict]), sentence_for(decision.reason)]
    if decision.until:
        when = day_and_clock(decision.until.astimezone(zone_or_utc(location_zone)))
        sentences.append(_("It is looked at again on %(when)s.") % {"when": when})
    return " ".join(sentences)


def name_place(zone: ZoneInfo) -> str:
    """A time zone by its place: "New York"."""
    return zone.key.rpartition("/")[2].replace("_", " ")


def _describe_visit(seen: Seen) -> Iterator[str]:
    situation, when = seen.situation, day_and_clock(seen.values.local_start)
    if situation.revision != situation.appointment_revision:
        yield _("The visit was moved after this reminder was planned. It is now on %(when)s.") % {
            "when": when
        }
    else:
        yield _("The visit is on %(when)s. It was not moved since the reminder was planned.") % {"when": when}
    status = situation.appointment_status
    yield _("It is recorded as: %(status)s.") % {"status": _label(Appointment.Status, status)}


def _describe_made_up(seen: Seen) -> Iterator[str]:
    made_up, patient = _("This is a made-up patient of the demo clinic."), _("The patient is not made up.")
    yield made_up if seen.situation.is_demo else patient
    real, here = _("What is sent reaches real phones."), _("What is sent goes to the sandbox only.")
    yield real if seen.situation.is_real else here


def _describe_live(seen: Seen) -> Iterator[str]:
    before, after = (
        _("It was due before Callboard went live."),
        _("It was not due before Callboard went live."),
    )
    yield before if seen.situation.due_before_live else after
    yield from _describe_mode(seen)
    yield from _describe_order(seen)


def _describe_mode(seen: Seen) -> Iterator[str]:
    yield _("The mode is: %(mode)s.") % {"mode": _label(SendingMode, seen.situation.mode)}


def _describe_trial(seen: Seen) -> Iterator[str]:
    situation = seen.situation
    yield from _describe_mode(seen)
    if situation.mode != SendingMode.TRIAL:
        return
    verified, unknown = (
        _("The number is a verified one of staff."),
        _("No member of staff verified the number."),
    )
    yield verified if situation.number_verified else unknown
    if situation.trial_full:
        yield _("As much as a trial allows has gone out in the 24 hours before.")


def _describe_optout(seen: Seen) -> Iterator[str]:
    values = seen.values
    if not values.number:
        yield _("There is no number.")
    elif seen.situation.opted_out and values.opted_out_at:
        words = _("%(number)s opted out of text messages on %(when)s.")
        words = words if seen.is_text else _("%(number)s opted out of calls on %(when)s.")
        yield words % {"number": mask(values.number), "when": seen.when(values.opted_out_at)}
    else:
        words = _("%(number)s has not opted out of text messages.")
        words = words if seen.is_text else _("%(number)s has not opted out of calls.")
        yield words % {"number": mask(values.number)}


def _describe_other_optout(seen: Seen) -> Iterator[str]:
    values = seen.values
    if seen.situation.other_number_opted_out and values.other_opted_out_at:
        words = _("The patient's other number opted out of text messages on %(when)s.")
        words = words if seen.is_text else _("The patient's other number opted out of calls on %(when)s.")
        yield words % {"when": seen.when(values.other_opted_out_at)}
    else:
        yield _("No other number that is called in its place has opted out.")


def _describe_consent(seen: Seen) -> Iterator[str]:
    values = seen.values
    required = _label(Campaign.Consent, values.required_consent)
    yield _("The campaign asks for: %(required)s.") % {"required": required}
    if values.number:
        basis = _label(PhoneNumber.ConsentBasis, values.consent_basis)
        yield _("Consent on record: %(basis)s.") % {"basis": basis}


def _describe_wish(seen: Seen) -> Iterator[str]:
    wish = _label(Preference, seen.values.preference)
    yield _("The patient is reminded by: %(wish)s.") % {"wish": wish}
    yield _("This would be a text message.") if seen.is_text else _("This would be a call.")


def _describe_need(seen: Seen) -> Iterator[str]:
    situation = seen.situation
    words = _("The campaign “%(campaign)s” is for visits such as this one.")
    if not situation.covered:
        words = _("The campaign “%(campaign)s” is not for visits such as this one.")
    yield words % {"campaign": seen.values.campaign}
    yield str(ANSWERS.get(situation.answer, situation.answer))
    audience = _label(Step.Audience, situation.audience)
    yield _("The step is for: %(audience)s.") % {"audience": audience}
    yield from _describe_order(seen)


def _describe_order(seen: Seen) -> Iterator[str]:
    if seen.situation.ordered:
        yield _("A staff member ordered it, so this does not hold it.")


def _describe_last_moment(seen: Seen) -> Iterator[str]:
    yield _("Its last moment is %(when)s.") % {"when": seen.when(seen.situation.not_after)}


def _describe_due_time(seen: Seen) -> Iterator[str]:
    yield _("It is due on %(when)s.") % {"when": seen.when(seen.situation.not_before)}
    yield from _describe_order(seen)


def _describe_audience(seen: Seen) -> Iterator[str]:
    situation = seen.situation
    if situation.audience != Step.Audience.CONFIRMED:
        yield _("The step is not only for confirmed visits.")
        return
    yield _("The step is only for confirmed visits.")
    yield str(ANSWERS.get(situation.answer, situation.answer))
    yield from _describe_order(seen)


def _describe_holds(seen: Seen) -> Iterator[str]:
    situation, values = seen.situation, seen.values
    if situation.mode == SendingMode.SANDBOX and situation.is_real:
        yield _("The mode is sandbox, so nothing may reach real phones.")
    yield _("All sending is paused.") if situation.sending_paused else _("Sending is on.")
    if situation.location_paused:
        yield _("%(location)s is paused.") % {"location": values.location}
    state = CAMPAIGNS.get(values.campaign_state, CAMPAIGNS[Campaign.State.PAUSED])
    yield str(state) % {"campaign": values.campaign}
    if not values.number:
        yield _("There is no number.")
    else:
        words = (
            _("%(number)s can't be reached.") if situation.number_unusable else _("%(number)s can be used.")
        )
        yield words % {"number": mask(values.number)}
        basis = _label(PhoneNumber.ConsentBasis, values.consent_basis)
        yield _("Consent on record: %(basis)s.") % {"basis": basis}
    if values.script:
        script = {
            "script": values.script,
            "language": name_language(values.language),
            "version": values.version,
        }
        yield _("Script: “%(script)s”, %(language)s, version %(version)d.") % script
    else:
        yield _("There is no script in a language that can be used.")


def _describe_hours(seen: Seen) -> Iterator[str]:
    situation = seen.situation
    hours, decision = situation.hours, seen.decision
    if not situation.zones:
        yield _("No time zone is known by that name.")
        return
    until = decision.until if decision else None
    opens, closes = max(hours.opens, OUTER[0]), min(hours.closes, OUTER[1])
    if opens >= closes:
        yield _("The calling hours of %(location)s leave no time.") % {"location": seen.values.location}
    for zone in situation.zones:
        local = seen.now.astimezone(zone)
        words = {
            "opens": clock(opens),
            "closes": clock(closes),
            "place": name_place(zone),
            "now": day_and_clock(local),
            "when": day_and_clock(until.astimezone(zone)) if until else "",
        }
        sentence = _("Calling hours %(opens)s to %(closes)s by the clock of %(place)s: it is %(now)s there.")
        if until:
            sentence = _(
                "Calling hours %(opens)s to %(closes)s by the clock of %(place)s: it is %(now)s there, "
                "so not before %(when)s."
            )
        yield sentence % words
        if local.date() in hours.closed_dates:
            yield _("%(location)s is closed on that day.") % {"location": seen.values.location}
    if situation.at_once_from and not situation.ordered:
        yield _("It was booked too late for this step, which then goes out at once or not at all.")
    if seen.values.zone_source in SOURCES:
        yield str(SOURCES[seen.values.zone_source])


def _describe_line(seen: Seen) -> Iterator[str]:
    until = seen.situation.line_busy_until
    if until is None or until <= seen.now:
        yield _("No other call to this number is under way.")
    else:
        yield _("Another call to this number may last until %(when)s.") % {"when": seen.when(until)}


def _describe_cap(seen: Seen) -> Iterator[str]:
    values = seen.values
    for count, most, limited, unlimited in (
        (
            values.calls_in_day,
            values.cap_per_day,
            _("%(count)d of at most %(most)d calls and text messages on this day."),
            _("%(count)d calls and text messages on this day; there is no limit."),
        ),
        (
            values.calls_in_week,
            values.cap_per_week,
            _("%(count)d of at most %(most)d in the seven days up to it."),
            _("%(count)d in the seven days up to it; there is no limit."),
        ),
    ):
        yield (limited if most else unlimited) % {"count": count, "most": most}
    if capped_until := seen.situation.capped_until:
        yield _("There is room again from %(when)s on.") % {"when": seen.when(capped_until)}
        yield from _describe_order(seen)


def _describe_pace(seen: Seen) -> Iterator[str]:
    values, until = seen.values, seen.situation.desk_busy_until
    if seen.is_text:
        yield _("Text messages go out at any pace.")
    elif values.calls_per_minute is None:
        yield _("%(location)s sets no limit of calls per minute.") % {"location": values.location}
    else:
        words = _("%(location)s takes at most %(rate)d calls per minute.")
        yield words % {"location": values.location, "rate": values.calls_per_minute}
        if until and until > seen.now:
            yield _("Its turn is at %(when)s.") % {"when": seen.when(until)}
            yield from _describe_order(seen)


def _describe_nothing(_seen: Seen) -> Iterator[str]:
    return iter(())


def _label(choices: type[TextChoices], value: str) -> str:
    """The word of a code; a code that this release doesn't know is shown as it is."""
    return str(choices(value).label) if value in choices.values else value


WORDS: dict[str, RuleWords] = {
    "skip_changed_appointments": RuleWords(gettext_lazy("The visit"), _describe_visit),
    "skip_made_up_patients": RuleWords(gettext_lazy("Made-up patients"), _describe_made_up),
    "skip_opted_out_numbers": RuleWords(gettext_lazy("Opt-out"), _describe_optout),
    "skip_whose_other_number_opted_out": RuleWords(gettext_lazy("The other number"), _describe_other_optout),
    "skip_what_the_patient_refuses": RuleWords(gettext_lazy("The patient's wish"), _describe_wish),
    "skip_unneeded_reminders": RuleWords(gettext_lazy("Who is reminded"), _describe_need),
    "skip_what_was_due_before_live": RuleWords(gettext_lazy("Going live"), _describe_live),
    "skip_without_required_consent": RuleWords(gettext_lazy("Consent that is required"), _describe_consent),
    "miss_late_reminders": RuleWords(gettext_lazy("Last moment"), _describe_last_moment),
    "wait_until_due": RuleWords(gettext_lazy("Due time"), _describe_due_time),
    "skip_unconfirmed_appointments": RuleWords(gettext_lazy("Only for confirmed visits"), _describe_audience),
    "hold_blocked_reminders": RuleWords(gettext_lazy("What may hold it"), _describe_holds),
    "wait_for_calling_hours": RuleWords(gettext_lazy("Calling hours"), _describe_hours),
    "wait_for_open_calls": RuleWords(gettext_lazy("One call at a time"), _describe_line),
    "wait_for_number_cap": RuleWords(gettext_lazy("How often"), _describe_cap),
    "wait_for_desk_pace": RuleWords(gettext_lazy("The desk's pace"), _describe_pace),
    "skip_on_trial": RuleWords(gettext_lazy("Trial"), _describe_trial),
}
UNNAMED = RuleWords(gettext_lazy("Another rule"), _describe_nothing)
