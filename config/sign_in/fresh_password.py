"""Whoever changes who gets in, or where data goes, enters their own password again first.

At a desk that was left open, a stranger would otherwise make a login, a new password, a token or a calendar's
address of their own, and come back by it. The second factor's pages ask in the same way, by django-allauth.
"""

from typing import Any, Final

from allauth.account.adapter import get_adapter
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin
from django.utils.http import urlencode

from config.sign_in.kept_forms import KEPT, pack_form
from contacts.audit.trail import note_refused

# Pages by which somebody gets in, may do more, or is sent data for good, and the permission without which
# they change nothing.
ASKING: Final = {
    "admin:auth_user_add": "auth.add_user",
    "admin:auth_user_change": "auth.change_user",
    "admin:auth_user_password_change": "auth.change_user",
    "admin:auth_group_add": "auth.add_group",
    "admin:auth_group_change": "auth.change_group",
    "admin:contacts_apitoken_add": "contacts.add_apitoken",
    "admin:webhooks_calendarfeed_add": "webhooks.add_calendarfeed",
    "admin:webhooks_outgoingendpoint_add": "webhooks.add_outgoingendpoint",
    "admin:webhooks_outgoingendpoint_change": "webhooks.change_outgoingendpoint",
    "hand_out_link": "auth.change_user",
    "remove_factor": "auth.change_user",
}


class FreshPassword(MiddlewareMixin):
    """Middleware: leads from these pages to the one that asks for the password, long after a login.

    A form is kept meanwhile, but for one with a new password in it, which has to be filled in again.
    """

    def process_view(
        self, request: HttpRequest, view: Any, arguments: Any, named: Any
    ) -> HttpResponseBase | None:
        permission = ASKING.get(request.resolver_match.view_name) if request.resolver_match else None
        if not permission or not request.user.has_perm(permission):
            return None
        if not get_adapter(request).is_reauthentication_required(app="people"):
            return None
        note_refused()
        back = request.get_full_path()
        if kept := pack_form(request, request.user.pk or 0):
            request.session[KEPT] = kept
            back = reverse("kept_form")
        return HttpResponseRedirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': back})}")
