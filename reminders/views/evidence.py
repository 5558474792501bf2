"""The evidence of a call: the page to print, the signed file, and the public keys that verify it."""

import json
import logging

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from reminders.evidence.dossier import collect_evidence, read_call
from reminders.evidence.keys import NoEvidenceKey, list_public_keys, read_signing_key
from reminders.evidence.looks import record_look
from reminders.evidence.signatures import ALGORITHM, sign_evidence
from reminders.models import CallRecord, EvidenceLook
from reminders.views.requests import signed_in

log = logging.getLogger(__name__)


@permission_required("reminders.read_evidence", raise_exception=True)
@require_GET
@never_cache
def show_evidence(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything about the call on one page, to print. The look is recorded."""
    call, by, now = _take_call(pk), signed_in(request), timezone.now()
    record_look(pk, EvidenceLook.How.PAGE, by=by, at=now)
    context = {
        "call": call,
        "location": call.reminder.appointment.location,
        "evidence": collect_evidence(call, by, now),
        "made_by": by,
        "key": _find_key(),
    }
    return render(request, "reminders/evidence.html", context)


@permission_required("reminders.read_evidence", raise_exception=True)
@require_GET
@never_cache
def download_evidence(request: HttpRequest, pk: int) -> HttpResponse:
    """The same as one signed file of JSON, in English. The look is recorded."""
    call, by, now = _take_call(pk), signed_in(request), timezone.now()
    try:
        key = read_signing_key()
    except NoEvidenceKey as error:
        log.error("%s", error)
        messages.error(
            request, _("No signed file can be made: no key is set up for it. Tell your administrator.")
        )
        return redirect("evidence", pk)
    record_look(pk, EvidenceLook.How.FILE, by=by, at=now)
    with translation.override("en"):
        document = sign_evidence(collect_evidence(call, by, now), key)
    written = json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True)
    answer = HttpResponse(written.encode(), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="evidence-{call.public_id}.json"'
    return answer


@login_not_required
@require_GET
@never_cache
def show_evidence_keys(_request: HttpRequest) -> HttpResponse:
    """The public keys, for anybody: they only verify."""
    try:
        keys = list_public_keys()
    except NoEvidenceKey as error:
        log.error("%s", error)
        return JsonResponse({"keys": []}, status=503)
    found = [
        {"key_id": one.key_id, "algorithm": ALGORITHM, "public_key": one.written, "signs": one.signs}
        for one in keys
    ]
    return JsonResponse({"keys": found})


def _take_call(pk: int) -> CallRecord:
    try:
        return read_call(pk)
    except CallRecord.DoesNotExist:
        raise Http404 from None


def _find_key() -> str:
    """The id of the key that signs; "" if there is none."""
    try:
        return next((one.key_id for one in list_public_keys() if one.signs), "")
    except NoEvidenceKey:
        return ""
