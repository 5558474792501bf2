"""Reports about visits: who confirmed and came, how far reminders got, and what they saved."""

from collections import Counter
from collections.abc import Collection

from django.db.models import Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import Appointment
from reminders.models import ResultCount, VisitCount
from reminders.models.report_counts import ContactMade, ReminderResult
from reminders.reports.rates import Rate
from reminders.reports.scope import Scope
from reminders.reports.tables import Report, ReportTable, Value, write_interval, write_share

IN_TIME = 24  # hours: from then on a slot can be given to somebody else
AHEAD = {
    48: gettext_lazy("two days or more ahead"),
    24: gettext_lazy("24 to 48 hours ahead"),
    4: gettext_lazy("4 to 24 hours ahead"),
    0: gettext_lazy("less than 4 hours ahead"),
}
CONFIRMED = Appointment.Answer.CONFIRMED
Status = Appointment.Status
Kinds = Counter[tuple[int, str, str]]  # by contact made, status and answer
WITH_CONTACT = frozenset({ContactMade.MESSAGE, ContactMade.PERSON})
WITHOUT_CONTACT = frozenset(ContactMade) - WITH_CONTACT


def report_attendance(scope: Scope) -> Report:
    """Who confirmed and who didn't come, by whether a reminder reached them."""
    kinds = _count_visits(scope)
    levels = sorted({made for made, _status, _answer in kinds}, reverse=True)
    rows: list[list[Value]] = [
        [str(ContactMade(made).label), *_list_attendance(kinds, {made})] for made in levels
    ]
    reached = _list_attendance(kinds, WITH_CONTACT)
    missed = _list_attendance(kinds, WITHOUT_CONTACT)
    headings = (
        _("Reminders"),
        _("Visits"),
        _("Confirmed"),
        _("No-show"),
        _("Arrived"),
        _("Cancelled"),
        _("Not marked"),
    )
    both: list[list[Value]] = [[_("with contact"), *reached], [_("without contact"), *missed]]
    tables = [
        ReportTable(_("With and without contact"), headings, both if kinds else [], shows_interval=True),
        ReportTable(
            _("How far the reminders got"),
            headings,
            rows,
            (_("Together"), *_list_attendance(kinds, set(ContactMade))) if rows else (),
            shows_interval=True,
        ),
    ]
    return Report(_compare_no_shows(reached, missed), tables, cautions=_list_cautions(kinds))


def _count_visits(scope: Scope) -> Kinds:
    counts = VisitCount.objects.filter(scope.of_visits()).order_by()
    grouped = counts.values_list("contact_made", "status", "answer").annotate(number=Sum("count"))
    return Counter({(made, status, answer): number for made, status, answer, number in grouped})


def _list_attendance(kinds: Kinds, made: Collection[int]) -> list[Value]:
    """Visits, confirmed, no-show, arrived, cancelled and not marked."""
    chosen = {kind: number for kind, number in kinds.items() if kind[0] in made}
    total = sum(chosen.values())
    by_status: Counter[str] = Counter()
    confirmed = 0
    for (_made, status, answer), number in chosen.items():
        by_status[status] += number
        confirmed += number if answer == CONFIRMED and status != Status.CANCELLED else 0
    came, stayed_away = by_status[Status.ARRIVED], by_status[Status.NO_SHOW]
    return [
        total,
        Rate(confirmed, total - by_status[Status.CANCELLED]),
        Rate(stayed_away, came + stayed_away),
        came,
        by_status[Status.CANCELLED],
        by_status[Status.BOOKED],
    ]


def _compare_no_shows(reached: list[Value], missed: list[Value]) -> list[str]:
    with_contact, without = reached[2], missed[2]
    if not (isinstance(with_contact, Rate) and isinstance(without, Rate)):
        return []
    if with_contact.share is None or without.share is None:
        return []
    if with_contact.is_few or without.is_few:
        return [_("Too few visits are marked arrived or no-show to compare those with and without contact.")]
    words = _(
        "Of the patients whom a reminder had reached, %(with)s did not come (probably %(with_interval)s); of "
        "the others, %(without)s (probably %(without_interval)s)."
    )
    values = {
        "with": write_share(with_contact.share),
        "with_interval": write_interval(with_contact),
        "without": write_share(without.share),
        "without_interval": write_interval(without),
    }
    return [words % values]


def _list_cautions(kinds: Kinds) -> list[str]:
    if not kinds:
        return []
    unmarked = sum(number for (_made, status, _answer), number in kinds.items() if status == Status.BOOKED)
    cautions = [
        _("Those whom a reminder reaches may differ in other ways, so this doesn't prove what it changed.")
    ]
    if unmarked:
        cautions.append(
            _("%(count)s visits are still to come or were never marked; they count as neither.")
            % {"count": f"{unmarked:,}"}
        )
    return cautions


def report_funnel(scope: Scope) -> Report:
    """How many visits got from one stage to the next, from a reminder that fell due to the visit itself."""
    kinds = _count_visits(scope)

    def add(least: int, *, confirmed: bool = False, arrived: bool = False) -> int:
        return sum(
            number
            for (made, status, answer), number in kinds.items()
            if made >= least
            and (not confirmed or answer == CONFIRMED)
            and (not arrived or status == Status.ARRIVED)
        )

    stages = [
        (_("A reminder was due"), add(ContactMade.DUE)),
        (_("Called or texted"), add(ContactMade.TRIED)),
        (_("Reached: answered, voicemail or text"), add(ContactMade.MESSAGE)),
        (_("Confirmed"), add(ContactMade.MESSAGE, confirmed=True)),
        (_("Arrived"), add(ContactMade.MESSAGE, confirmed=True, arrived=True)),
    ]
    first = stages[0][1]
    rows: list[list[Value]] = [
        [name, number, Rate(number, first), Rate(number, stages[max(place - 1, 0)][1])]
        for place, (name, number) in enumerate(stages)
    ]
    headings = (_("Stage"), _("Visits"), _("Of those due"), _("Of the stage before"))
    elsewhere = add(ContactMade.NONE, arrived=True) - stages[-1][1]
    notes = [_("%(count)s more came without having gone all this way.") % {"count": f"{elsewhere:,}"}]
    return Report(
        [],
        [ReportTable(_("From due to arrived"), headings, rows if first else [])],
        cautions=notes if first and elsewhere > 0 else [],
    )


def report_saved(scope: Scope) -> Report:
    """What reminders brought: visits confirmed by patients, and slots given up while they could be filled."""
    counts = ResultCount.objects.filter(scope.of_visits()).order_by()
    grouped = counts.values_list("location__name", "result", "hours_ahead").annotate(number=Sum("count"))
    found = list(grouped)
    confirmed: Counter[str] = Counter()
    early: Counter[str] = Counter()
    late: Counter[str] = Counter()
    by_time: Counter[tuple[int, str]] = Counter()
    for location, result, ahead, number in found:
        if result == ReminderResult.CONFIRMED:
            confirmed[location] += number
            continue
        (early if ahead >= IN_TIME else late)[location] += number
        by_time[ahead, result] += number
    slots = ReportTable(
        _("Slots freed after a reminder"),
        (_("When"), _("Slots"), _("Wanted another time"), _("Cancelled")),
        [_list_slots(str(AHEAD[ahead]), by_time, ahead) for ahead in AHEAD] if by_time else [],
        barred=(1,),
    )
    places = ReportTable(
        _("By location"),
        (_("Location"), _("Confirmed by the patient"), _("Slots freed in time"), _("Slots freed late")),
        [[name, confirmed[name], early[name], late[name]] for name in sorted({*confirmed, *early, *late})],
        (_("Together"), confirmed.total(), early.total(), late.total()) if found else (),
        barred=(1, 2),
    )
    return Report(_say_saved(confirmed.total(), early.total()) if found else [], [places, slots])


def _list_slots(name: str, by_time: Counter[tuple[int, str]], ahead: int) -> list[Value]:
    wanted = by_time[ahead, ReminderResult.WANTS_ANOTHER_TIME]
    cancelled = by_time[ahead, ReminderResult.CANCELLED]
    return [name, wanted + cancelled, wanted, cancelled]


def _say_saved(confirmed: int, early: int) -> list[str]:
    words = _(
        "After a reminder, patients confirmed %(confirmed)s visits, and gave up %(early)s slots at least "
        "%(hours)s hours ahead, in time to offer them to somebody else."
    )
    return [words % {"confirmed": f"{confirmed:,}", "early": f"{early:,}", "hours": IN_TIME}]
