"""What has to be there before the first campaign can go live, in order, each with whether it is done.

It says what to do first; whether all is well is said by the checklist for going live (live_checks.py).
"""

from dataclasses import dataclass

from django.db.models.functions import Now
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.models import Appointment, Location
from contacts.models.people import Channel
from reminders.deciding.sending_mode import read_mode
from reminders.desk.live_checks import check_locations
from reminders.models import Campaign, ScriptText, Step, TestCall
from reminders.rules.modes import SendingMode

LOCATION, SCRIPTS, VISITS, CAMPAIGN, TEST_CALL, ACTIVATION, MODE = (
    "location",
    "scripts",
    "visits",
    "campaign",
    "test_call",
    "activation",
    "mode",
)
TITLES: dict[str, str | Promise] = {
    LOCATION: gettext_lazy("A location: its name, its time zone, its numbers and its calling hours"),
    SCRIPTS: gettext_lazy("What calls say and text messages read"),
    VISITS: gettext_lazy("Patients and their visits"),
    CAMPAIGN: gettext_lazy("The first campaign"),
    TEST_CALL: gettext_lazy("A test call to your own phone"),
    ACTIVATION: gettext_lazy("Hear it, see whom it calls, and activate it"),
    MODE: gettext_lazy("Go live"),
}


@dataclass(frozen=True)
class FirstStep:
    """One thing to do. `words`: what is there, or what is missing. `campaign`: the draft that it is about.

    `is_there`: something of it is there, though it may not be right yet.
    """

    code: str
    is_done: bool
    words: str
    campaign: int | None = None
    is_there: bool = False

    @property
    def title(self) -> str:
        return str(TITLES[self.code])


def read_first_steps() -> list[FirstStep]:
    """All of them, in order; a constant number of queries."""
    with_steps = Campaign.objects.filter(pk__in=Step.objects.in_use().values("campaign"))
    is_active = with_steps.exclude(activated_at=None).exists()
    draft = with_steps.filter(state=Campaign.State.DRAFT).order_by("-pk").first()
    return [
        _check_location(),
        _check_scripts(),
        _check_visits(),
        _check_campaign(draft, is_active=is_active),
        _check_test_call(),
        FirstStep(
            ACTIVATION,
            is_active,
            _("A campaign was activated.") if is_active else _("A draft calls nobody."),
            draft.pk if draft else None,
        ),
        _check_mode(),
    ]


def _check_location() -> FirstStep:
    locations = list(Location.objects.all())
    if not locations:
        return FirstStep(LOCATION, False, _("There is no location yet."))
    faults = " ".join(item.words for item in check_locations(locations) if not item.passed)
    names = ", ".join(location.name for location in locations[:5])
    return FirstStep(LOCATION, not faults, faults or names, is_there=True)


def _check_scripts() -> FirstStep:
    published = ScriptText.objects.filter(state=ScriptText.State.PUBLISHED)
    count = published.values("script").distinct().count()
    words = ngettext("%(count)d script is in force.", "%(count)d scripts are in force.", count)
    none = _("There are none yet. A ready-made campaign brings its own, in English and Spanish.")
    return FirstStep(SCRIPTS, count > 0, words % {"count": count} if count else none)


def _check_visits() -> FirstStep:
    ahead = Appointment.objects.filter(status=Appointment.Status.BOOKED, starts_at__gt=Now())
    is_there = ahead.exists()
    words = _("Visits are booked.") if is_there else _("No upcoming visit is booked, so nobody is called.")
    return FirstStep(VISITS, is_there, words)


def _check_campaign(draft: Campaign | None, *, is_active: bool) -> FirstStep:
    if draft:
        words = _("“%(name)s” is a draft.") % {"name": draft}
        return FirstStep(CAMPAIGN, True, words, draft.pk)
    words = _("There is one.") if is_active else _("Choose a ready-made one, and change it as you like.")
    return FirstStep(CAMPAIGN, is_active, words)


def _check_test_call() -> FirstStep:
    """The first that somebody answered; the script that is tried comes with the campaign."""
    tests = TestCall.objects.filter(purpose=TestCall.Purpose.TEST, channel=Channel.VOICE)
    if tests.filter(state=TestCall.State.ANSWERED).exists():
        return FirstStep(TEST_CALL, True, _("A test call was answered."))
    words = _("Verify your number, let yourself be called, and press 1.")
    return FirstStep(TEST_CALL, False, words)


def _check_mode() -> FirstStep:
    mode = SendingMode(read_mode())
    words = {
        SendingMode.SANDBOX: _("Sandbox: no patient is called."),
        SendingMode.TRIAL: _("Trial: only verified numbers of staff are called."),
        SendingMode.LIVE: _("Live: patients are called."),
    }
    return FirstStep(MODE, mode == SendingMode.LIVE, words[mode])
