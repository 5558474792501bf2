"""What views need of a request: who asks, for which campaign, where to go back to, what they have seen."""

from hashlib import sha256

from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.cache import get_conditional_response
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language

from reminders.campaigns.drafts import CampaignDraft, read_draft
from reminders.deciding.present import Present, read_present
from reminders.deciding.shared_settings import SharedSettings, read_shared_settings
from reminders.models import Campaign
from reminders.pages.frame import Frame, read_frame


def signed_in(request: HttpRequest) -> User:
    """The user; LoginRequiredMiddleware makes sure that there is one."""
    if not isinstance(request.user, User):
        raise TypeError("this page is for people who have logged in")
    return request.user


def read_campaign(pk: int) -> CampaignDraft:
    """The campaign as it is saved, or a 404."""
    try:
        return read_draft(pk)
    except Campaign.DoesNotExist:
        raise Http404 from None


def read_settings_and_frame() -> tuple[SharedSettings, Frame]:
    """The practice's settings and the frame, which shows its locations: two queries."""
    settings = read_shared_settings()
    return settings, read_frame(list(settings.config.locations.values()))


def read_present_and_frame() -> tuple[Present, Frame]:
    """What a forecast goes by, and the frame, which is read with it: two queries."""
    settings, frame = read_settings_and_frame()
    return take_present(frame, settings), frame


def take_present(frame: Frame, settings: SharedSettings) -> Present:
    """What a forecast goes by, as the frame and the settings have it."""
    return read_present(frame.clock, settings.config, frame.switch, frame.sent_on_trial)


def go_back(request: HttpRequest, otherwise: str) -> HttpResponse:
    """Redirect to the form's `next` if it is a page of this site, else to `otherwise`.

    303, so that htmx follows with a GET and gets the fresh fragment.
    """
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(wanted if ours else resolve_url(otherwise), status=303)


def read_words(request: HttpRequest, name: str) -> str:
    """What somebody wrote into this field of the form, in one line, without what the database refuses."""
    return " ".join(request.POST.get(name, "").replace("\x00", "").split())


def wants_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for the part of the page that refreshes itself."""
    return bool(request.headers.get("HX-Request"))


def make_etag(request: HttpRequest, shown: object) -> str:
    """The ETag of a fragment, from the repr of all that it shows: unchanged, it is neither rendered nor sent.

    Weak, as the token against forgery in the fragment differs each time and is as good as the last.
    """
    content = f"{get_language()} {request.get_full_path()} {shown!r}"
    return f'W/"{sha256(content.encode()).hexdigest()[:32]}"'


def answer_unchanged(request: HttpRequest, etag: str) -> HttpResponse | None:
    """304 for a fragment that the browser has already; None when there is something to show, or to say."""
    if not wants_fragment(request) or get_messages(request):
        return None
    return get_conditional_response(request, etag=etag)
