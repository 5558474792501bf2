"""The filters of Today that a person has saved: the list of them, saving what is chosen, forgetting one."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from reminders.models import SavedFilter
from reminders.views.requests import read_words, signed_in, wants_fragment
from reminders.views.today import read_filters

MAY_SEE = "contacts.view_appointment"
MAY_SAVE = "contacts.change_appointment"  # not an auditor, who changes nothing
MOST_SAVED = 20  # of one person
LONGEST_NAME = 40


@permission_required(MAY_SEE, raise_exception=True)
@require_GET
@never_cache
def show_saved(request: HttpRequest) -> HttpResponse:
    """The list, and a form to save what the address chooses; htmx gets it for Today's menu."""
    chosen = read_filters(request)
    context = {
        "saved": list(SavedFilter.objects.filter(user=signed_in(request))),
        "chosen": chosen,
        "can_save": signed_in(request).has_perm(MAY_SAVE)
        and any(chosen[name] for name in ("location", "provider", "state")),
        "longest": LONGEST_NAME,
    }
    template = (
        "reminders/today/saved_filters.html" if wants_fragment(request) else "reminders/saved_filters.html"
    )
    return render(request, template, context)


@permission_required(MAY_SAVE, raise_exception=True)
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Save what the form chooses under a name; the same name again means the new choice."""
    user, name = signed_in(request), read_words(request, "name")[:LONGEST_NAME]
    chosen = read_filters(request, request.POST)
    fields = {field: chosen[field] for field in ("location", "provider", "state")}
    own = SavedFilter.objects.filter(user=user)
    if not name or not any(fields.values()):
        messages.error(request, _("Choose a filter, and enter a name for it."))
        return redirect("saved_filters")
    if own.count() >= MOST_SAVED and not own.filter(name=name).exists():
        messages.error(request, _("You have 20 saved filters. Forget one first."))
        return redirect("saved_filters")
    saved, _created = SavedFilter.objects.update_or_create(user=user, name=name, defaults=fields)
    messages.success(request, _("Saved as “%(name)s”.") % {"name": name})
    return redirect(f"{reverse('today')}?{saved.query}")


@permission_required(MAY_SAVE, raise_exception=True)
@require_POST
def forget(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete one's own saved filter."""
    get_object_or_404(SavedFilter, pk=pk, user=signed_in(request)).delete()
    messages.success(request, _("The saved filter is gone."))
    return redirect("saved_filters")
