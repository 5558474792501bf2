"""Test calls and texts to one's own number, and verifying that number by a code that a call speaks."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from contacts.models.people import Channel
from contacts.numbers import mask
from reminders.desk.number_codes import WrongCode, forget_number, request_code, verify_number
from reminders.desk.test_calls import TestRefused, order_script_test, order_visit_test
from reminders.models import Reminder, ScriptText, TestCall
from reminders.pages.test_calls import list_triable_texts, read_my_tests
from reminders.views.requests import go_back, read_words, signed_in, wants_fragment

MAY_TEST = "reminders.add_testcall"


@permission_required(MAY_TEST, raise_exception=True)
@require_GET
@never_cache
def show_test_calls(request: HttpRequest) -> HttpResponse:
    """The page; htmx asks for the list of tests alone, again and again."""
    mine = read_my_tests(signed_in(request), timezone.now())
    if wants_fragment(request):
        return render(request, "reminders/test_calls/list.html", {"mine": mine})
    return render(request, "reminders/test_calls.html", {"mine": mine, "texts": list_triable_texts()})


@permission_required(MAY_TEST, raise_exception=True)
@require_POST
def call_with_script(request: HttpRequest, pk: int) -> HttpResponse:
    """`channel`: voice or sms."""
    script_text = get_object_or_404(ScriptText.objects.select_related("script"), pk=pk)
    if request.POST.get("channel") not in Channel.values:
        return HttpResponseBadRequest(_("The channel must be voice or sms."))
    try:
        test = order_script_test(script_text, channel=Channel(request.POST["channel"]), by=signed_in(request))
    except TestRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _say_where(test))
    return go_back(request, "test_calls")


@permission_required(MAY_TEST, raise_exception=True)
@require_POST
def call_with_visit(request: HttpRequest, pk: int) -> HttpResponse:
    """What this step would say to the patient, said to whoever asks."""
    reminder = get_object_or_404(Reminder, pk=pk)
    try:
        test = order_visit_test(pk, by=signed_in(request))
    except TestRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _say_where(test))
    return go_back(request, reverse("appointment", args=[reminder.appointment_id]))


@permission_required(MAY_TEST, raise_exception=True)
@require_POST
def ask_for_code(request: HttpRequest) -> HttpResponse:
    try:
        test = request_code(read_words(request, "number"), by=signed_in(request))
    except TestRefused as refusal:
        messages.error(request, str(refusal))
    else:
        words = _("A call to %(number)s speaks a code within seconds. Enter it here.")
        messages.success(request, words % {"number": mask(test.number.e164)})
    return go_back(request, "test_calls")


@permission_required(MAY_TEST, raise_exception=True)
@require_POST
def enter_code(request: HttpRequest) -> HttpResponse:
    try:
        number = verify_number(read_words(request, "code"), by=signed_in(request))
    except WrongCode as refusal:
        messages.error(request, str(refusal))
    else:
        words = _("%(number)s is verified. Test calls and texts go there.")
        messages.success(request, words % {"number": mask(number.e164)})
    return go_back(request, "test_calls")


@permission_required(MAY_TEST, raise_exception=True)
@require_POST
def drop_number(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget one's own number; whoever chooses the mode may forget anybody's, such as of one who left."""
    user = signed_in(request)
    if forget_number(pk, of=None if user.has_perm("reminders.change_mode") else user):
        messages.success(request, _("The number is no longer verified."))
    return go_back(request, "test_calls")


def _say_where(test: TestCall) -> str:
    words = (
        _("A test text goes to your number %(number)s within seconds.")
        if test.channel == Channel.SMS
        else _("A test call goes to your number %(number)s within seconds.")
    )
    return words % {"number": mask(test.number.e164)}
