"""Writing, approving and publishing the texts of scripts (product rule 62).

A text begins as a draft, of which there is one for each language. Publishing puts it in force: what goes
out from then on says it. A published text is never changed; to change what is said, a new draft is written.
A draft with a refusal is not published. One with a warning needs the word of a second person, who is not the
one who wrote it; a practice of one person sets SCRIPTS_NEED_SECOND_PERSON=false, and then it is the same
person's own explicit word. Who and when is recorded in both cases.

`seen` is the fingerprint of the text that the person had before them: nobody overwrites, approves or
publishes words that somebody else has changed meanwhile.
"""

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from contacts.database.clock import read_database_clock
from reminders.desk.rechecks import recheck_script
from reminders.models import Script, ScriptText
from reminders.rules.script_findings import Finding, find_unsavable
from reminders.wording.script_verdicts import fingerprint_text, judge_text, may_approve


class ScriptNotSaved(Exception):
    """Nothing was changed; the message is for staff. `findings`: what is wrong with the text, if anything."""

    def __init__(self, message: str, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(message)
        self.findings = findings


@transaction.atomic
def save_draft(script_id: int, language: str, *, text: str, voice: str, seen: str, by: User) -> ScriptText:
    """Write the draft of a language, or change the one that there is. Takes an approval back.

    `seen`: of the draft that was shown, "" if there was none. Raises ScriptNotSaved if the text can't be
    filled in, or if the draft is another by now; Script.DoesNotExist.
    """
    script = Script.objects.select_for_update(no_key=True).get(pk=script_id)
    if unsavable := tuple(find_unsavable(text)):
        raise ScriptNotSaved(" ".join(finding.sentence for finding in unsavable), unsavable)
    draft = script.texts.filter(language=language, state=ScriptText.State.DRAFT).first()
    if fingerprint_text(draft) != seen:
        raise ScriptNotSaved(
            _(
                "Somebody else has changed this draft meanwhile. Copy your words, load the page again, and "
                "write them there."
            )
        )
    if draft is None:
        draft = ScriptText(script=script, language=language, version=_next_version(script, language))
    draft.text, draft.voice = text, voice
    draft.written_by, draft.written_at = by, read_database_clock()
    draft.approved_by, draft.approved_at, draft.approved_warnings = None, None, []
    draft.save()
    return draft


@transaction.atomic
def copy_to_draft(text_id: int, *, by: User) -> ScriptText:
    """Begin a draft with the words of an earlier version. Raises ScriptNotSaved if there is a draft."""
    text = _lock_text(text_id)
    if text.script.texts.filter(language=text.language, state=ScriptText.State.DRAFT).exists():
        raise ScriptNotSaved(_("There is a draft already. Publish it or discard it first."))
    return save_draft(text.script_id, text.language, text=text.text, voice=text.voice, seen="", by=by)


@transaction.atomic
def discard_draft(text_id: int, *, seen: str) -> None:
    """Delete a draft. Raises ScriptNotSaved if it is published, or another by now."""
    draft = _lock_draft(text_id, seen)
    draft.delete()


@transaction.atomic
def approve_text(text_id: int, *, seen: str, by: User) -> ScriptText:
    """The word of a second person that a text may go out in spite of its warnings.

    It covers the warnings that there are now: a new one asks again. Also for a published text, which a
    campaign may need before it is activated. Raises ScriptNotSaved if this person wrote it, or if it is
    another by now.
    """
    text = _lock_text(text_id)
    _check_seen(text, seen)
    if not may_approve(text, by):
        raise ScriptNotSaved(_("You wrote this text yourself. Somebody else has to read and approve it."))
    text.approved_by, text.approved_at = by, read_database_clock()
    text.approved_warnings = [finding.code for finding in judge_text(text).warnings]
    text.save(update_fields=["approved_by", "approved_at", "approved_warnings"])
    return text


@transaction.atomic
def publish_text(text_id: int, *, seen: str, by: User) -> ScriptText:
    """Put a draft in force: from now on it is what is said in its language.

    Raises ScriptNotSaved with its findings if it is refused, or warned of and not approved; or if it is
    another by now.
    """
    draft = _lock_draft(text_id, seen)
    verdict = judge_text(draft)
    if verdict.refusals:
        raise ScriptNotSaved(_("This text can't be published yet."), verdict.refusals)
    if unapproved := verdict.find_unapproved(draft.approved_warnings):
        raise ScriptNotSaved(_("A second person has to read and approve this text first."), unapproved)
    draft.state = ScriptText.State.PUBLISHED
    draft.published_by, draft.published_at = by, read_database_clock()
    draft.save(update_fields=["state", "published_by", "published_at"])
    recheck_script(draft.script_id)
    return draft


@transaction.atomic
def approve_and_publish(text_id: int, *, seen: str, by: User) -> ScriptText:
    """Both at once, as a second person does. Raises ScriptNotSaved as they do, and then changes nothing."""
    approve_text(text_id, seen=seen, by=by)
    return publish_text(text_id, seen=seen, by=by)


def _lock_text(text_id: int) -> ScriptText:
    """The text with its script locked first, as save_draft() locks it. Raises ScriptText.DoesNotExist."""
    script_id = ScriptText.objects.values_list("script_id", flat=True).get(pk=text_id)
    Script.objects.select_for_update(no_key=True).get(pk=script_id)
    return ScriptText.objects.select_related("script").get(pk=text_id)


def _lock_draft(text_id: int, seen: str) -> ScriptText:
    draft = _lock_text(text_id)
    if draft.is_published:
        raise ScriptNotSaved(_("This text is published already, and is never changed."))
    _check_seen(draft, seen)
    return draft


def _check_seen(text: ScriptText, seen: str) -> None:
    if fingerprint_text(text) != seen:
        raise ScriptNotSaved(_("Somebody else has changed this text meanwhile. Read it again first."))


def _next_version(script: Script, language: str) -> int:
    last = script.texts.filter(language=language).aggregate(last=Max("version"))["last"]
    return int(last or 0) + 1
