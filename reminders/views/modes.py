"""The mode of the installation, and the checklist for going live. For admins."""

from collections.abc import Callable
from datetime import UTC

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from contacts.models import PhoneNumber
from contacts.models.people import Channel
from reminders.deciding.sending_mode import leaves_this_machine
from reminders.deciding.shared_settings import read_shared_settings
from reminders.desk import live_checks
from reminders.desk.modes import choose_mode
from reminders.desk.test_calls import TestRefused, order_script_test
from reminders.desk.worklist import read_colleagues
from reminders.models import ScriptText
from reminders.pages.frame import read_frame
from reminders.rules.assumptions import BY_CODE
from reminders.rules.modes import TRIAL_CALLS_A_DAY, SendingMode
from reminders.views.requests import read_words, signed_in

MAY_CHOOSE = "reminders.change_mode"


@permission_required(MAY_CHOOSE, raise_exception=True)
@require_http_methods(["GET", "POST"])
@never_cache
def show_mode(request: HttpRequest) -> HttpResponse:
    """GET shows the mode, the checklist and the assumptions; POST chooses `mode`, live if all is well."""
    if request.method == "POST":
        return _choose(request)
    config, colleagues = read_shared_settings().config, read_colleagues()
    locations = list(config.locations.values())
    frame = read_frame(locations)
    context = {
        "frame": frame,
        "mode": frame.mode,
        "zone": locations[0].zone if locations else UTC,
        "most": TRIAL_CALLS_A_DAY,
        "is_real": leaves_this_machine(),
        "items": live_checks.read_checklist(config, colleagues),
        "lines": live_checks.list_assumptions(),
        "numbers": PhoneNumber.objects.filter(verified_at__isnull=False).select_related("verified_by"),
        "people": colleagues,
    }
    return render(request, "reminders/mode.html", context)


def _choose(request: HttpRequest) -> HttpResponse:
    wanted, user = request.POST.get("mode", ""), signed_in(request)
    if wanted == SendingMode.LIVE:
        name = read_words(request, "name")
        return _do(
            request,
            lambda: live_checks.go_live(by=user, confirmed_by_name=name),
            _("Callboard is live: patients are called and texted from now on."),
        )
    if wanted in SendingMode.values:
        choose_mode(SendingMode(wanted), by=user)
        messages.success(request, _("The mode is now: %s.") % SendingMode(wanted).label)
    return redirect("mode")


@permission_required(MAY_CHOOSE, raise_exception=True)
@require_POST
def run_check(request: HttpRequest, code: str) -> HttpResponse:
    """Check one item now, or record what a person says about it."""
    user = signed_in(request)
    if code == live_checks.ADDRESS:
        live_checks.ask_public_address(by=user)
    elif code == live_checks.KEY:
        live_checks.check_key(by=user)
    elif code == live_checks.HEARD:
        return _do(request, lambda: live_checks.record_heard(by=user), _("Recorded."))
    elif code == live_checks.WORKLIST:
        chosen = get_object_or_404(User, pk=_read_id(request, "user"))
        return _do(request, lambda: live_checks.name_for_worklist(chosen, by=user), _("Recorded."))
    return redirect("mode")


@permission_required(MAY_CHOOSE, raise_exception=True)
@require_POST
def try_assumption(request: HttpRequest, code: str) -> HttpResponse:
    """Order the test that shows it, with the script that was changed last."""
    assumption = BY_CODE.get(code)
    text = ScriptText.objects.select_related("script").order_by("-pk").first()
    if assumption is None or not assumption.by or text is None:
        messages.error(request, _("There is nothing to order for this. Do as it says."))
        return redirect("mode")
    channel, in_batch = live_checks.SHAPES[assumption.by]
    if channel == Channel.SMS:
        text = live_checks.find_text_script() or text
    try:
        order_script_test(text, channel=channel, by=signed_in(request), in_batch=in_batch)
    except TestRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The test goes to your number within seconds."))
    return redirect("mode")


@permission_required(MAY_CHOOSE, raise_exception=True)
@require_POST
def record_assumption(request: HttpRequest, code: str) -> HttpResponse:
    """`result`: as_assumed or otherwise; `seen`: in words."""
    result, seen, user = request.POST.get("result", ""), read_words(request, "seen"), signed_in(request)
    return _do(
        request,
        lambda: live_checks.record_trial(code, result, seen, by=user),
        _("Recorded, with the exchange."),
    )


def _do(request: HttpRequest, deed: Callable[[], object], done: str) -> HttpResponse:
    try:
        deed()
    except live_checks.NotYetLive as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("mode")


def _read_id(request: HttpRequest, name: str) -> int:
    """The primary key in this field; 0, which no row has, for anything else."""
    written = request.POST.get(name, "")
    return int(written) if written.isascii() and written.isdigit() and len(written) < 10 else 0
