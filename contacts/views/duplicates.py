"""Contacts who may be one person: the list, and saying that two are two people."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from contacts.duplicates import FIRST, PairKey, find_pairs, mark_distinct
from contacts.models import Contact

PAIRS_PER_PAGE = 50


@permission_required("contacts.change_contact", raise_exception=True)
@require_GET
def list_duplicates(request: HttpRequest) -> HttpResponse:
    """Pairs who look alike, a page at a time; `after` names the last pair of the page before, by keys."""
    after = _read_pair(request.GET.get("after", "").partition("-")[::2]) or FIRST
    pairs = find_pairs(after, PAIRS_PER_PAGE + 1)
    shown = pairs[:PAIRS_PER_PAGE]
    following = f"{shown[-1].one.pk}-{shown[-1].other.pk}" if len(pairs) > len(shown) else ""
    context = {"pairs": shown, "following": following, "is_first": after == FIRST}
    return render(request, "contacts/duplicates.html", context)


@permission_required("contacts.change_contact", raise_exception=True)
@require_POST
def keep_apart(request: HttpRequest) -> HttpResponse:
    """Say that the contacts `one` and `other` are two people: they aren't asked about again."""
    pair = _read_pair((request.POST.get("one", ""), request.POST.get("other", "")))
    if pair is None or pair.one == pair.other or Contact.objects.filter(pk__in=pair).count() < 2:
        raise Http404
    mark_distinct(*pair, by=cast(User, request.user))
    messages.success(request, _("They stay two people, and are not listed again."))
    return redirect("duplicates")


def _read_pair(written: tuple[str, ...]) -> PairKey | None:
    """The two keys; None for anything else, such as an address that was changed by hand."""
    if len(written) != 2 or not all(text.isdecimal() and len(text) < 19 for text in written):
        return None
    return PairKey(int(written[0]), int(written[1]))
