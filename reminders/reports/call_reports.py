"""Reports about calls and texts: how they ended, when people answer, and from which number."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.clock_habits import write_clock
from contacts.languages import name_language
from contacts.models.people import Channel
from contacts.numbers import national_format
from reminders.models import CallCount, Step
from reminders.reports.rates import FEW, Rate
from reminders.reports.scope import Scope
from reminders.reports.tables import HeatMap, Report, ReportTable, Value, write_interval, write_share
from reminders.rules.keys import ANOTHER_TIME, CONFIRM, OPT_OUT
from reminders.rules.states import CallState

ENDED = (CallState.ANSWERED, CallState.VOICEMAIL, CallState.NO_ANSWER, CallState.FAILED)
DID_NOT_GO = (CallState.NOT_SENT, CallState.REJECTED)
MOST_DAYS_EACH = 62  # of a longer time the caller ids are shown by week
STEP_FIELDS = ("timing_kind", "days", "at", "elapsed", "channel")
LONGEST_CHART = 5  # numbers, one line for each
HEADINGS = (
    gettext_lazy("Calls"),
    gettext_lazy("Answered"),
    gettext_lazy("Voicemail"),
    gettext_lazy("No answer"),
    gettext_lazy("Failed"),
    gettext_lazy("Texts"),
    gettext_lazy("Delivered"),
    gettext_lazy("Replied"),  # of those delivered
    gettext_lazy("Not delivered"),
    gettext_lazy("No result"),
    gettext_lazy("Confirmed"),
    gettext_lazy("Another time"),
    gettext_lazy("Opted out"),
)
Kinds = Counter[tuple[str, str, str]]  # by channel, outcome and key


def report_days(scope: Scope) -> Report:
    """How calls and texts ended, day by day."""
    found = {day: kinds for (day,), kinds in _count_kinds(scope, "day").items()}
    days = [scope.since + timedelta(days=place) for place in range((scope.until - scope.since).days + 1)]
    rows: list[list[Value]] = [
        [day, *_list_outcomes(found.get(day, Counter()))] for day in (reversed(days) if found else ())
    ]
    return _report_outcomes(_("Day"), rows, found.values(), charted=(1, 6))


def report_steps(scope: Scope) -> Report:
    """How they ended, by the step of the campaign."""
    found = _count_kinds(scope, "campaign__name", *(f"step__{name}" for name in STEP_FIELDS))
    names = {key: f"{key[0]}: {Step(**dict(zip(STEP_FIELDS, key[1:], strict=True)))}" for key in found}
    return _report_named(_("Step"), found, names)


def report_locations(scope: Scope) -> Report:
    """How they ended, by location."""
    found = _count_kinds(scope, "location__name")
    return _report_named(_("Location"), found, {key: key[0] for key in found})


def report_scripts(scope: Scope) -> Report:
    """How they ended, by the version of the script that was said."""
    found = _count_kinds(scope, "script_text__script__name", "script_text__language", "script_text__version")
    words = _("%(script)s, %(language)s, version %(version)s")
    names = {
        (script, language, version): words
        % {"script": script, "language": name_language(language), "version": version}
        for script, language, version in found
    }
    return _report_named(_("Script"), found, names)


def _count_kinds(scope: Scope, *by: str) -> dict[tuple[Any, ...], Kinds]:
    """By the values of these fields, as one key."""
    counts = CallCount.objects.filter(scope.of_calls()).order_by()
    found: dict[tuple[Any, ...], Kinds] = defaultdict(Counter)
    grouped = counts.values_list(*by, "channel", "outcome", "answer").annotate(number=Sum("count"))
    for *key, channel, outcome, answer, number in grouped:
        found[tuple(key)][channel, outcome, answer] += number
    return found


def _list_outcomes(kinds: Kinds) -> list[int]:
    """The numbers under HEADINGS.

    Calls are answered, voicemail, no answer, failed, or without result; texts are delivered, not delivered,
    or without result. "Replied" is a part of those delivered.
    """
    calls, texts, keys = Counter[str](), Counter[str](), Counter[str]()
    for (channel, outcome, key), number in kinds.items():
        keys[key] += number
        if outcome not in DID_NOT_GO:
            (texts if channel == Channel.SMS else calls)[outcome] += number
    called = [calls[state] for state in ENDED]
    # a text that was replied to has the state "answered"
    replied, failed = texts[CallState.ANSWERED], texts[CallState.FAILED]
    delivered = texts[CallState.DELIVERED] + replied
    without_result = calls.total() - sum(called) + texts.total() - delivered - failed
    answers = [keys[key] for key in (CONFIRM, ANOTHER_TIME, OPT_OUT)]
    return [calls.total(), *called, texts.total(), delivered, replied, failed, without_result, *answers]


def _report_named(heading: str, found: Mapping[Any, Kinds], names: Mapping[Any, str]) -> Report:
    rows: list[list[Value]] = [[names[key], *_list_outcomes(kinds)] for key, kinds in found.items()]
    rows.sort(key=lambda row: (-sum(each for each in (row[1], row[6]) if isinstance(each, int)), str(row[0])))
    return _report_outcomes(heading, rows, found.values())


def _report_outcomes(
    heading: str, rows: Sequence[Sequence[Value]], kinds: Iterable[Kinds], charted: Sequence[int] = ()
) -> Report:
    together = _list_outcomes(sum(kinds, Counter()))
    findings = []
    if together[0]:
        rate = Rate(together[1], sum(together[1:5]))
        findings.append(
            _("Calls: %(calls)s, of which somebody answered %(share)s. Texts: %(texts)s.")
            % {
                "calls": f"{together[0]:,}",
                "share": write_share(rate.share or 0),
                "texts": f"{together[5]:,}",
            }
        )
    table = ReportTable(
        _("Calls and texts"),
        (heading, *HEADINGS),
        rows,
        (_("Together"), *together) if rows else (),
        charted=charted,
        barred=(1, 6),
    )
    return Report(findings, [table])


def report_times(scope: Scope) -> Report:
    """When people answer calls, by hour and weekday, and when best to call."""
    rates = _read_hour_rates(scope)
    heat = HeatMap(_("Calls that somebody answered"), rates)
    together = Rate(sum(rate.hits for rate in rates.values()), sum(rate.of for rate in rates.values()))
    return Report(_list_best_times(rates, together), [], heat)


def _read_hour_rates(scope: Scope) -> dict[tuple[int, int], Rate]:
    counts = CallCount.objects.filter(scope.of_calls(), channel=Channel.VOICE, outcome__in=ENDED)
    found: dict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    grouped = counts.order_by().values_list("hour", "weekday", "outcome").annotate(number=Sum("count"))
    for hour, weekday, outcome, number in grouped:
        found[hour, weekday][outcome] += number
    return {place: Rate(outcomes[CallState.ANSWERED], outcomes.total()) for place, outcomes in found.items()}


def _list_best_times(rates: Mapping[tuple[int, int], Rate], together: Rate) -> list[str]:
    """The hour whose share is surely the highest: of few calls it may be high by chance."""
    known = {place: rate for place, rate in rates.items() if rate.of >= FEW}
    if not known:
        return [_("There are too few calls in any hour yet to say when best to call.")] if rates else []
    (hour, weekday), rate = max(known.items(), key=lambda item: item[1].interval[0])
    average = together.share or 0
    if (rate.share or 0) <= average:
        return [
            _("No hour stands out yet from the average of %(average)s.") % {"average": write_share(average)}
        ]
    words = _(
        "Best time to call: %(weekday)s from %(begin)s to %(end)s. Somebody answered %(share)s of %(of)s "
        "calls (probably %(interval)s), against %(average)s over the whole week."
    )
    return [
        words
        % {
            "weekday": WEEKDAYS[weekday],
            "begin": write_clock(_hour(hour)),
            "end": write_clock(_hour(hour + 1)),
            "share": write_share(rate.share or 0),
            "of": f"{rate.of:,}",
            "interval": write_interval(rate),
            "average": write_share(average),
        }
    ]


def _hour(hour: int) -> time:
    return time(hour % 24)


def report_caller_ids(scope: Scope) -> Report:
    """How many calls from each of our numbers were answered, and how that went over time."""
    by_week = (scope.until - scope.since).days >= MOST_DAYS_EACH
    found: dict[str, dict[date, Counter[bool]]] = defaultdict(lambda: defaultdict(Counter))
    counts = CallCount.objects.filter(scope.of_calls(), channel=Channel.VOICE, outcome__in=ENDED)
    grouped = counts.order_by().values_list("caller_id", "day", "outcome").annotate(number=Sum("count"))
    for caller_id, day, outcome, number in grouped:
        begin = day - timedelta(days=day.weekday()) if by_week else day
        found[caller_id][begin][outcome == CallState.ANSWERED] += number
    together = {caller_id: sum(days.values(), Counter()) for caller_id, days in found.items()}
    ordered = sorted(together, key=lambda caller_id: -together[caller_id].total())
    names = {caller_id: national_format(caller_id, settings.PHONE_REGION) for caller_id in ordered}
    numbers = ReportTable(
        _("Each number that patients see"),
        (_("Number"), _("Calls"), _("Answered")),
        [[names[one], together[one].total(), _rate(together[one])] for one in ordered],
        shows_interval=True,
    )
    days = sorted({day for by_day in found.values() for day in by_day}, reverse=True)
    over_time = ReportTable(
        _("Answered, by week") if by_week else _("Answered, by day"),
        (_("Week from") if by_week else _("Day"), *(names[one] for one in ordered)),
        [[day, *(_rate(found[one][day]) for one in ordered)] for day in days],
        charted=tuple(range(1, min(len(ordered), LONGEST_CHART) + 1)),
        barred=(),
    )
    return Report([], [numbers, over_time] if ordered else [numbers])


def _rate(counts: Counter[bool]) -> Rate:
    return Rate(counts[True], counts.total())
