"""Why a reminder goes out, or doesn't: the page for any visit and step, at any moment."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from contacts.models import Appointment
from reminders.forms.explain_moment import ExplainForm
from reminders.pages.step_explanation import explain_step, list_steps


@permission_required("contacts.view_appointment", raise_exception=True)
@require_GET
@never_cache
def show_explanation(request: HttpRequest, pk: int) -> HttpResponse:
    """`?step=` and, by the location's clock, `&day=` and `&at=`; without these two, now."""
    appointment = get_object_or_404(Appointment.objects.select_related("location", "contact"), pk=pk)
    form = ExplainForm(appointment, list_steps(appointment), request.GET or None)
    explanation = None
    if form.is_bound and form.is_valid():
        found = form.cleaned_data
        explanation = explain_step(pk, found["step"].pk, found["moment"])
    context = {"appointment": appointment, "form": form, "explanation": explanation}
    return render(request, "reminders/explain.html", context, status=422 if form.errors else 200)
