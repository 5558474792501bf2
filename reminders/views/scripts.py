"""Scripts at the front desk: the list, one script in one language, its versions, and abbreviations."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from contacts.audit.trail import note_shown
from contacts.languages import list_languages
from contacts.parameters import read_row_id
from contacts.post_addresses import posted_from
from reminders.desk.script_versions import (
    ScriptNotSaved,
    approve_and_publish,
    approve_text,
    copy_to_draft,
    discard_draft,
    publish_text,
    save_draft,
)
from reminders.forms.scripts import NewScriptForm, PronunciationForm, ScriptWordsForm
from reminders.models import Pronunciation, Script, ScriptText
from reminders.pages.script_editor import VARIABLES, Editor, read_editor
from reminders.pages.script_list import read_script_lines
from reminders.views.requests import signed_in, wants_fragment

MADE_UP = "made-up"


@permission_required("reminders.view_script", raise_exception=True)
@require_GET
def show_scripts(request: HttpRequest) -> HttpResponse:
    return render(request, "reminders/scripts.html", {"scripts": read_script_lines()})


@permission_required("reminders.change_campaign", raise_exception=True)
@require_http_methods(["GET", "POST"])
def add_script(request: HttpRequest) -> HttpResponse:
    """A new script without texts; then to its page."""
    form = NewScriptForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return redirect("script", form.save().pk)
    return render(request, "reminders/script_add.html", {"form": form}, status=422 if form.errors else 200)


@permission_required("reminders.view_script", raise_exception=True)
@require_GET
def show_script(request: HttpRequest, pk: int) -> HttpResponse:
    """To its first language."""
    get_object_or_404(Script, pk=pk)
    return redirect("script_text", pk, "en")


@permission_required("reminders.view_script", raise_exception=True)
@require_GET
@never_cache
def show_script_text(request: HttpRequest, pk: int, language: str) -> HttpResponse:
    """One language of a script. `?language=` of the form for another one leads to its own address."""
    if wanted := request.GET.get("language"):
        _check_language(wanted)
        return redirect("script_text", pk, wanted)
    editor = _read(request, pk, language)
    form = ScriptWordsForm(initial={"text": editor.text, "voice": editor.voice, "seen": editor.draft_seen})
    return _show(request, editor, form)


@permission_required("reminders.change_campaign", raise_exception=True)
@posted_from("script_text", "pk", "language")
@never_cache
def save_script_text(request: HttpRequest, pk: int, language: str) -> HttpResponse:
    """Save the draft; with `deed=check` only show what is found in the words, as the page or its part."""
    form = ScriptWordsForm(request.POST)
    is_read = form.is_valid()
    text = form.cleaned_data.get("text", "")
    voice = form.cleaned_data.get("voice", "")
    if request.POST.get("deed") == "check" or not is_read:
        editor = _read(request, pk, language, written=text, voice=voice)
        if wants_fragment(request):
            return render(request, "reminders/script/measured.html", _context(editor))
        return _show(request, editor, form, status=200 if is_read else 422)
    _check_language(language)
    get_object_or_404(Script, pk=pk)
    try:
        save_draft(
            pk, language, text=text, voice=voice, seen=form.cleaned_data["seen"], by=signed_in(request)
        )
    except ScriptNotSaved as refusal:
        for words in [finding.sentence for finding in refusal.findings] or [str(refusal)]:
            form.add_error("text", words)
        return _show(request, _read(request, pk, language, written=text, voice=voice), form, status=422)
    messages.success(request, _("Saved as a draft. It is not in use until it is published."))
    return redirect("script_text", pk, language)


@permission_required("reminders.change_campaign", raise_exception=True)
@require_POST
def act_on_script_text(request: HttpRequest, pk: int) -> HttpResponse:
    """Publish, approve, discard or copy a version: `deed`, with `seen`, the fingerprint of what was shown."""
    text = get_object_or_404(ScriptText, pk=pk)
    seen, by = request.POST.get("seen", ""), signed_in(request)
    deeds: dict[str, tuple[Callable[[], object], str]] = {
        "publish": (
            lambda: publish_text(pk, seen=seen, by=by),
            _("Published. From now on this is what is sent."),
        ),
        "approve": (lambda: approve_text(pk, seen=seen, by=by), _("Approved.")),
        "approve_and_publish": (
            lambda: approve_and_publish(pk, seen=seen, by=by),
            _("Approved and published. From now on this is what is sent."),
        ),
        "discard": (lambda: discard_draft(pk, seen=seen), _("The draft was discarded.")),
        "copy": (lambda: copy_to_draft(pk, by=by), _("Copied into a draft. It is not in use yet.")),
    }
    if request.POST.get("deed") not in deeds:
        raise Http404
    do, done = deeds[request.POST["deed"]]
    try:
        do()
    except ScriptNotSaved as refusal:
        messages.error(request, " ".join([str(refusal), *(one.sentence for one in refusal.findings)]))
    else:
        messages.success(request, done)
    return redirect("script_text", text.script_id, text.language)


@permission_required("reminders.view_script", raise_exception=True)
@require_GET
def show_pronunciations(request: HttpRequest) -> HttpResponse:
    """How abbreviations in the names of locations and providers are said."""
    context = {"pronunciations": Pronunciation.objects.all(), "form": PronunciationForm()}
    return render(request, "reminders/pronunciations.html", context)


@permission_required("reminders.change_campaign", raise_exception=True)
@posted_from("pronunciations")
def change_pronunciations(request: HttpRequest) -> HttpResponse:
    """Remove the one that `remove` names, else add one."""
    if removed := read_row_id(request.POST.get("remove")):
        Pronunciation.objects.filter(pk=removed).delete()
        return redirect("pronunciations")
    form = PronunciationForm(request.POST)
    if form.is_valid():
        form.save()
        return redirect("pronunciations")
    context = {"pronunciations": Pronunciation.objects.all(), "form": form}
    return render(request, "reminders/pronunciations.html", context, status=422)


def _read(
    request: HttpRequest, pk: int, language: str, *, written: str | None = None, voice: str = ""
) -> Editor:
    _check_language(language)
    script = get_object_or_404(Script.objects.prefetch_related("texts"), pk=pk)
    user: User = signed_in(request)
    made_up = request.GET.get("example") == MADE_UP or not user.has_perm("contacts.view_appointment")
    return read_editor(script, language, user, written=written, voice=voice, made_up=made_up)


def _check_language(code: str) -> None:
    if code not in dict(list_languages("en")):
        raise Http404


def _context(editor: Editor) -> dict[str, object]:
    if editor.measured.example.is_real:
        note_shown(editor.measured.example.appointment)
    return {"editor": editor, "measured": editor.measured}


def _show(request: HttpRequest, editor: Editor, form: ScriptWordsForm, status: int = 200) -> HttpResponse:
    context = {**_context(editor), "form": form, "variables": VARIABLES.items(), "made_up": MADE_UP}
    return render(request, "reminders/script.html", context, status=status)
