"""Beginning a campaign: from a ready-made one or from nothing, and the way to the first one, step by step.

Each step of that way is a page of a draft that is saved already, so nothing is lost, and going back is safe.
"""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from reminders.campaigns.differences import DiffOutdated, diff_edit
from reminders.campaigns.edits import save_shown_edit
from reminders.campaigns.overviews import view_campaign
from reminders.campaigns.ready_made import EMPTY, NameTaken, make_ready_made
from reminders.campaigns.ready_made_views import ExampleWriter, list_said_scripts, view_ready_made
from reminders.desk.first_steps import read_first_steps
from reminders.forms.new_campaigns import CampaignPeopleForm, NewCampaignForm
from reminders.models import Campaign
from reminders.views.requests import read_campaign, read_present_and_frame, signed_in

GUIDED = "guided"  # in an address: the way to the first campaign goes on after this page


@permission_required("reminders.change_campaign", raise_exception=True)
@require_GET
@never_cache
def show_first_steps(request: HttpRequest) -> HttpResponse:
    """What has to be there before the first campaign can go live, and where it is done."""
    steps = read_first_steps()
    following = next((step.code for step in steps if not step.is_done), "")
    return render(request, "reminders/first_campaign.html", {"steps": steps, "following": following})


@permission_required("reminders.change_campaign", raise_exception=True)
@require_http_methods(["GET", "POST"])
@never_cache
def begin_campaign(request: HttpRequest) -> HttpResponse:
    """GET offers the ready-made campaigns; POST makes a draft of one, or an empty one."""
    is_guided = GUIDED in request.GET
    form = NewCampaignForm(_posted(request))
    if request.method == "POST" and form.is_valid():
        start = form.cleaned_data["start"]
        try:
            campaign = make_ready_made(start, name=form.cleaned_data["name"], by=signed_in(request))
        except NameTaken as refusal:
            form.add_error("name", str(refusal))
        else:
            if is_guided and start != EMPTY:
                return redirect("first_campaign_whom", campaign.pk)
            messages.success(request, _("This is a draft. A draft calls nobody."))
            return redirect("edit_campaign", campaign.pk)
    writer = ExampleWriter(timezone.now())
    context = {"form": form, "ready_made": view_ready_made(writer), "empty": EMPTY, "is_guided": is_guided}
    context |= {"is_made_up": writer.is_made_up}
    return render(request, "reminders/campaign_new.html", context, status=422 if form.errors else 200)


@permission_required("reminders.change_campaign", raise_exception=True)
@require_http_methods(["GET", "POST"])
@never_cache
def choose_people(request: HttpRequest, pk: int) -> HttpResponse:
    """The first campaign, step 2: for which locations and kinds of visit it is."""
    saved = read_campaign(pk)
    if saved.campaign.state != Campaign.State.DRAFT:
        return redirect("campaign", pk)
    chosen = {"locations": saved.filters.locations, "kinds": saved.campaign.kinds}
    form = CampaignPeopleForm(_posted(request), initial=chosen, kinds=saved.campaign.kinds)
    if request.method == "POST" and form.is_valid():
        filters = saved.filters._replace(
            locations=frozenset(location.pk for location in form.cleaned_data["locations"]),
            kinds=frozenset(form.cleaned_data["kinds"]),
        )
        draft = saved.with_filters(filters)
        try:
            save_shown_edit(draft, shown=diff_edit(draft).token, by=signed_in(request))
        except DiffOutdated:
            messages.warning(request, _("Something has changed meanwhile. Look at it again."))
            return redirect("first_campaign_whom", pk)
        return redirect("first_campaign_words", pk)
    return _show(request, saved.campaign, "whom", {"form": form}, status=422 if form.errors else 200)


@permission_required("reminders.change_campaign", raise_exception=True)
@require_GET
@never_cache
def show_words(request: HttpRequest, pk: int) -> HttpResponse:
    """The first campaign, step 3: what is said, in each language, with the practice's own name."""
    saved = read_campaign(pk)
    if saved.campaign.state != Campaign.State.DRAFT:
        return redirect("campaign", pk)
    writer = ExampleWriter(timezone.now())
    context = {"scripts": list_said_scripts(saved, writer), "is_made_up": writer.is_made_up}
    return _show(request, saved.campaign, "words", context)


@permission_required("reminders.change_campaign", raise_exception=True)
@require_GET
@never_cache
def show_count(request: HttpRequest, pk: int) -> HttpResponse:
    """The first campaign, step 4: how many people it means, and whom it leaves out."""
    present, frame = read_present_and_frame()
    try:
        view = view_campaign(pk, present)
    except Campaign.DoesNotExist:
        raise Http404 from None
    if view.campaign.state != Campaign.State.DRAFT:
        return redirect("campaign", pk)
    return _show(request, view.campaign, "count", {"view": view, "frame": frame})


def _show(
    request: HttpRequest, campaign: Campaign, place: str, context: dict[str, object], status: int = 200
) -> HttpResponse:
    context |= {"campaign": campaign, "place": place}
    return render(request, f"reminders/first_campaign_{place}.html", context, status=status)


def _posted(request: HttpRequest) -> QueryDict | None:
    """What was sent, also if nothing was chosen; None if nothing was sent."""
    return request.POST if request.method == "POST" else None
