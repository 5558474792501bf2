"""Why a step of a campaign goes out for a visit, or not: every check in order, with what it saw.

decide() judges, by the tables as they are now, at any moment that is asked about. Where no reminder is
planned, what planning says comes first, also for a campaign that is still a draft.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext as _

from contacts.models import Appointment
from contacts.models.people import Channel
from reminders.deciding.desk_pace import has_waited, read_paces
from reminders.deciding.number_caps import NumberUse, read_use
from reminders.deciding.rule_words import CheckLine, describe_rules, describe_verdict
from reminders.deciding.situations import (
    NO_LIMITS,
    Limits,
    apply_limits,
    read_mode_facts,
    read_reminder_facts,
)
from reminders.deciding.stored_decisions import read_seen_values
from reminders.models import Campaign, Reminder, Step
from reminders.pages.planning_checks import describe_planning_checks, find_owed_at
from reminders.planning.bulk_rows import OwedReminder
from reminders.rules.decide import Decision, Verdict
from reminders.rules.reasons import SKIPPED_BY_PLANNING, Reason, sentence_of_end
from reminders.rules.rule_results import RuleResult, explain_decision
from reminders.rules.states import REMINDER_PENDING, ReminderState
from reminders.rules.zones import zone_or_utc
from reminders.traffic.switch import read_switch
from reminders.wording.scripts import channel_of

# The state of reminder_display.LOOKS that stands for a verdict.
LOOK_OF_VERDICT: dict[str, str] = {
    Verdict.CALL: "will_call",
    Verdict.WAIT: "planned",
    Verdict.SKIP: "skipped",
    Verdict.BLOCK: "held",
    Verdict.MISS: "missed",
}


@dataclass(frozen=True)
class StepExplanation:
    """What becomes of a step for a visit, as seen from one moment; moments are by the location's clock.

    `state`: a key of reminder_display.LOOKS; `sentence`: what becomes of it. `planning`: what planning
    looked at, where it planned nothing. `decision`: decide()'s, None where there is nothing to decide about;
    `rules`: what each of its rules says, and `note` how to read them.
    """

    appointment: Appointment
    step: Step
    moment: datetime
    state: str
    sentence: str
    due_at: datetime | None
    last_moment: datetime | None
    planning: tuple[CheckLine, ...]
    decision: Decision | None
    rules: tuple[CheckLine, ...]
    note: str


class Judgement(NamedTuple):
    """What decide() says of a reminder, and each of its rules."""

    decision: Decision
    rules: tuple[CheckLine, ...]


def explain_step(appointment_id: int, step_id: int, moment: datetime) -> StepExplanation:
    """What becomes of the step for the visit at `moment` (aware), by what is known now.

    A constant number of queries. Raises Appointment.DoesNotExist and Step.DoesNotExist.
    """
    appointment, step = _read_appointment(appointment_id), _read_step(step_id)
    saved = Reminder.objects.filter(appointment=appointment, step=step, revision=appointment.revision).first()
    planning: tuple[CheckLine, ...] = ()
    owed = None
    if saved is None or _was_skipped_by_planning(saved):
        owed = find_owed_at(step, appointment, moment)
        planning = describe_planning_checks(step, appointment, owed, moment)
    reminder = saved or (_imagine_reminder(appointment, step, owed) if owed else None)
    judged = None
    if reminder:
        reminder.appointment, reminder.step = appointment, step
        judged = _judge(reminder, moment)
    state, sentence = _sum_up(saved, judged, planning, appointment)
    zone = zone_or_utc(appointment.location.time_zone)
    return StepExplanation(
        appointment=appointment,
        step=step,
        moment=moment.astimezone(zone),
        state=state,
        sentence=sentence,
        due_at=reminder.due_at.astimezone(zone) if reminder else None,
        last_moment=reminder.not_after.astimezone(zone) if reminder else None,
        planning=planning,
        decision=judged.decision if judged else None,
        rules=judged.rules if judged else (),
        note=_say_how_to_read(saved, step),
    )


def list_steps(appointment: Appointment) -> list[Step]:
    """All steps, those that have a reminder for the visit's present revision first. Two queries."""
    steps = Step.objects.in_use().select_related("campaign").order_by("campaign__name", "position", "pk")
    reminders = Reminder.objects.filter(appointment=appointment, revision=appointment.revision)
    planned = set(reminders.values_list("step", flat=True))
    return sorted(steps, key=lambda step: step.pk not in planned)


def _read_appointment(appointment_id: int) -> Appointment:
    appointments = Appointment.objects.select_related("contact__phone", "location", "provider")
    return appointments.prefetch_related("location__closed_days").get(pk=appointment_id)


def _read_step(step_id: int) -> Step:
    scripts = ("script", "text_script", "fallback_script")
    texts = (f"{script}__texts" for script in scripts)
    steps = Step.objects.in_use().select_related("campaign", *scripts)
    return steps.prefetch_related(*texts, "campaign__locations", "campaign__providers").get(pk=step_id)


def _was_skipped_by_planning(reminder: Reminder) -> bool:
    return reminder.state == ReminderState.SKIPPED and reminder.reason in SKIPPED_BY_PLANNING


def _imagine_reminder(appointment: Appointment, step: Step, owed: OwedReminder) -> Reminder:
    """The reminder that planning would write, if it weren't stopped; it isn't saved."""
    return Reminder(
        appointment=appointment,
        step=step,
        revision=appointment.revision,
        due_at=owed.due_at,
        not_after=owed.not_after,
        next_look_at=owed.due_at,
    )


def _judge(reminder: Reminder, moment: datetime) -> Judgement:
    read_mode_facts(moment).add_to(reminder)
    facts = read_reminder_facts(reminder, sending_paused=read_switch().paused_at is not None)
    use = read_use([facts.number.pk], moment)[facts.number.pk] if facts.number else None
    situation = apply_limits(facts.situation, _read_limits(reminder, use, moment))
    explained = explain_decision(situation, moment)
    values = read_seen_values(facts, use, moment)
    return Judgement(explained.decision, describe_rules(explained, situation, values, moment))


def _read_limits(reminder: Reminder, use: NumberUse | None, moment: datetime) -> Limits:
    """What other calls forbid at `moment`, as the last look reads it, but without locks."""
    limits = NO_LIMITS
    if use:
        limits = use.limits_by_cap(reminder, moment)._replace(line_busy_until=use.line_busy_until)
    location = reminder.appointment.location
    if location.calls_per_minute is None or channel_of(reminder) != Channel.VOICE:
        return limits
    if reminder.reason == Reason.DESK_PACE and reminder.state in REMINDER_PENDING:
        return limits._replace(desk_busy_until=reminder.next_look_at)  # the turn that it was given
    pace = read_paces([location.pk], moment, lock=False).get(location.pk)
    turn = pace.find_turn(moment, waited=has_waited(reminder)) if pace else None
    return limits._replace(desk_busy_until=turn)


def _sum_up(
    saved: Reminder | None,
    judged: Judgement | None,
    planning: tuple[CheckLine, ...],
    appointment: Appointment,
) -> tuple[str, str]:
    """The state to show, and what becomes of the step in words."""
    if saved is None:
        stopped = next((line.decision for line in planning if line.result == RuleResult.DECIDES), "")
        if stopped:
            return "not_reminded", _("There is no reminder. %(why)s") % {"why": stopped}
        return "being_planned", _("It is being planned. This takes less than a minute.")
    if saved.state not in REMINDER_PENDING or judged is None:
        why = sentence_of_end(saved.reason, by_text=channel_of(saved) == Channel.SMS)
        words = {"state": saved.get_state_display(), "why": why}
        return saved.state, (_("The reminder is %(state)s. %(why)s") % words).strip()
    look = LOOK_OF_VERDICT[judged.decision.verdict]
    if judged.decision.verdict == Verdict.CALL and channel_of(saved) == Channel.SMS:
        look = "will_text"
    return look, describe_verdict(judged.decision, appointment.location.time_zone)


def _say_how_to_read(saved: Reminder | None, step: Step) -> str:
    """Why the rules below are only what would be, if so."""
    if saved is None:
        if step.campaign.state == Campaign.State.DRAFT:
            return _("This is what would be decided if the campaign were activated and the step planned.")
        return _("This is what would be decided if it were planned.")
    if saved.state not in REMINDER_PENDING:
        return _("This is what would be decided if the reminder were still planned.")
    return ""
