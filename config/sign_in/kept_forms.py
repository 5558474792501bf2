"""A form that arrived after the lock, or after the session had ended, isn't lost.

It is put into the page that asks for the password, as a hidden field, encrypted for the person who filled it
in. Nothing is stored for somebody who isn't signed in. After the password that person sends it by one press;
nobody else is shown it. Whoever comes to a locked desk can fill in a form, too: so the person is shown what
it does, and what is in it.
"""

import json
import re
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import InvalidToken
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase
from django.http.request import RawPostDataException
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_safe

from config.sign_in.encryption import make_cipher
from contacts.audit.words import describe_what

KEPT = "kept"  # the hidden field, and the key in the session
LONGEST = 64 * 1024  # characters; a longer form has to be filled in again
KEPT_FOR = 12 * 3600  # seconds
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
CODE = re.compile(r"[a-z_]{2,20}")  # of what was chosen from a list: no words for staff
NOT_KEPT = ("csrfmiddlewaretoken", KEPT)


def pack_form(request: HttpRequest, person: int) -> str:
    """The form in this request, readable for us only; "" if it can't be kept.

    `person`: the id of the user who filled it in. A file can't be kept, nor can a password.
    """
    if request.method != "POST" or request.content_type not in FORMS or "HX-Request" in request.headers:
        return ""
    try:
        fields = [(name, values) for name, values in request.POST.lists() if name not in NOT_KEPT]
        is_kept = not request.FILES and not any("password" in name for name, _ in fields)
    except (RawPostDataException, UnicodeDecodeError):
        return ""
    if not is_kept:
        return ""
    packed = json.dumps({"person": person, "path": request.get_full_path(), "fields": fields})
    if len(packed) > LONGEST:
        return ""
    return make_cipher("kept forms").encrypt(packed.encode()).decode()


def read_kept_form(sealed: str, person: int) -> dict[str, Any] | None:
    """`path` and `fields` (pairs of a name and its values) of the form; None if it is another person's."""
    try:
        kept: dict[str, Any] = json.loads(
            make_cipher("kept forms").decrypt(sealed.encode("utf-8", "replace"), ttl=KEPT_FOR)
        )
    except (InvalidToken, ValueError):
        return None
    return kept if kept["person"] == person else None


def keep_for_later(request: HttpRequest, user: User, sealed: str) -> bool:
    """Put the form into the session of the person who comes back; False if there is none of theirs."""
    if not sealed or read_kept_form(sealed, user.pk) is None:
        return False
    request.session[KEPT] = sealed
    return True


@require_safe
def show_kept_form(request: HttpRequest) -> HttpResponseBase:
    """The page that offers to send the form now. It is shown once."""
    sealed = request.session.pop(KEPT, "")
    kept = read_kept_form(sealed, request.user.pk or 0) if sealed else None
    if kept is None or not url_has_allowed_host_and_scheme(kept["path"], allowed_hosts=None):
        return redirect("today")
    fields = [(name, value) for name, values in kept["fields"] for value in values]
    context = {
        "path": kept["path"],
        "fields": fields,
        "deed": find_deed(kept["path"]),
        "typed": [value for _name, value in fields if value.strip() and not CODE.fullmatch(value)],
    }
    return render(request, "registration/kept_form.html", context)


def find_deed(path: str) -> str:
    """What the trail would say of a form that is posted to this address; "" if it changes nothing there."""
    try:
        page = resolve(urlsplit(path).path).view_name
    except Resolver404:
        return ""
    said = describe_what(page, "deed")
    return "" if said == page else said
