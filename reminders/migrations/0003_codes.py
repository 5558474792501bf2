"""Codes in place of sentences: a worker's queues, a call's reason, what a worklist entry is for and how it was
settled; and a reminder's channel in place of a flag.
"""

import re
from collections.abc import Callable

import django.contrib.postgres.fields
from django.apps.registry import Apps
from django.db import connections, migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# The sentences as they were stored until now.
CALL_REASONS = {
    "The request was never sent.": "never_left",
    "The name of Robotalker's host could not be resolved.": "name_not_found",
    "Robotalker's host refused the connection.": "connection_refused",
    "No trusted TLS connection to Robotalker's host could be made.": "tls_failed",
    "No connection to Robotalker's host could be made in time.": "connect_timed_out",
    "Robotalker does not accept the API key (401).": "key_refused",
    "Robotalker asks to slow down (429). `retry_after` is in seconds, capped, or None.": "rate_limited",
    "Robotalker failed (500 or 503). `retry_after` is in seconds, capped, or None.": "server_error",
    "The request left, and nobody can say whether it was accepted.": "may_have_arrived",
    "Robotalker did not answer in time.": "read_timed_out",
    "The answer had not arrived in full when the time for the whole request was over.": "deadline_passed",
    "The connection broke before the answer had arrived in full.": "connection_lost",
    "The answer is larger than any answer of Robotalker's.": "answer_too_large",
    "Robotalker's answer could not be understood or carries no id.": "answer_unusable",
    "Robotalker's answer does not say whether the request was accepted.": "status_unclear",
    "the worker slept before it could send": "slept_too_long",
    "Something went wrong while the request was built: nothing has left.": "not_built",
    "Something of our own went wrong while the request was under way.": "interrupted",
    "the worker was lost while it submitted": "sender_lost",
    "campaign refused": "group_refused",
    "no event came in time": "no_report",
    "Robotalker does not know this call": "no_such_call",
    "Robotalker gave another number for this call": "other_number",
    "settled by a person": "given_up",
}
ROBOTALKERS_CODES = ("busy", "carrier", "invalid_number")
OWN_FAULT = "rejected (0): our own request was wrong: "
UNUSABLE = "unusable answer: "
SAYS_NOTHING = "no reason given"
ENTRY_REASONS = {
    "wrote in words; the event shows the text": "in_words",
    "confirmed, for the time before the move": "confirmed_old_time",
    "wants another time, for the time before the move": "declined_old_time",
    "confirmed, though it is cancelled": "confirmed_cancelled",
    "wants another time, though it is cancelled": "declined_cancelled",
    "It is due.": "due",
    "A person ordered it.": "ordered",
    "It is not due yet.": "not_due_yet",
    "It waits for the calling hours.": "outside_calling_hours",
    "Another call to this number is under way; it waits for the line.": "line_busy",
    "Held by the cap: enough calls have gone to this number.": "held_by_cap",
    "It waits its turn, so that the desk keeps up with the callbacks.": "desk_pace",
    "Robotalker did not take it; it is tried again.": "provider_trouble",
    "The last try did not reach anybody; it is tried again.": "try_again",
    "No call reached anybody; a text message follows.": "text_follows",
    "All sending is paused.": "sending_paused",
    "Its campaign is not active.": "campaign_paused",
    "There is no number to call.": "no_number",
    "The number can't be reached; it must be corrected.": "number_unusable",
    "No consent is known for this number.": "no_consent",
    "There is no hour at which it may be called; state the person's time zone.": "no_common_hours",
    "The script has no words in a language we can use.": "no_script",
    "The number has opted out.": "opted_out",
}
RESOLUTIONS = {
    "called again": "called_again",
    "settled without another call": "not_called_again",
    "Robotalker reported after all": "overtaken",
}
DONE = "done"
NOT_TAKEN_OVER = "Robotalker answered, but did not take it over"
NOT_A_NUMBER = "not an E.164 number"

Told = tuple[str, str]


def make_codes(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    alias = editor.connection.alias
    _rewrite(alias, "reminders_callrecord", ("reason", "detail"), _read_call_reason)
    _rewrite(alias, "reminders_listednumber", ("error", "detail"), _read_list_error)
    _rewrite(alias, "reminders_followup", ("reason", "detail"), _read_entry_reason)
    _rewrite(alias, "reminders_followup", ("resolution", "note"), _read_resolution)
    resolved = apps.get_model("reminders", "FollowUp").objects.filter(state="resolved", resolution="")
    resolved.update(resolution=DONE)
    apps.get_model("reminders", "Reminder").objects.filter(by_text=True).update(channel="sms")
    for worker in apps.get_model("reminders", "Heartbeat").objects.filter(name__startswith="worker "):
        if found := re.fullmatch(r"takes (\S+) (since .*)", worker.did):
            worker.queues, worker.did = found[1].split(","), found[2]
            worker.save()


def make_sentences(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    alias = editor.connection.alias
    _rewrite(alias, "reminders_callrecord", ("reason", "detail"), _write_call_reason)
    _rewrite(alias, "reminders_listednumber", ("error", "detail"), _write_list_error)
    _rewrite(alias, "reminders_followup", ("reason", "detail"), _write_entry_reason)
    _rewrite(alias, "reminders_followup", ("resolution", "note"), _write_resolution)
    apps.get_model("reminders", "Reminder").objects.filter(channel="sms").update(by_text=True)
    for worker in apps.get_model("reminders", "Heartbeat").objects.exclude(queues=[]):
        worker.did = f"takes {','.join(worker.queues)} {worker.did}"[:200]
        worker.save()


def _rewrite(alias: str, table: str, columns: Told, tell: Callable[[str, str], Told]) -> None:
    """Give each pair of values that stands in these columns the pair that `tell` makes of it, in one UPDATE."""
    one, other = columns
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT {one}, {other} FROM {table} WHERE {one} <> '' OR {other} <> ''")  # noqa: S608
        changed = [(*old, *new) for old in cursor.fetchall() if (new := tell(*old)) != old]
        values = [list(column) for column in zip(*changed, strict=True)] or [[], [], [], []]
        cursor.execute(
            f"UPDATE {table} SET {one} = told.new_one, {other} = told.new_other"  # noqa: S608 - names of ours
            " FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[])"
            " AS told (old_one, old_other, new_one, new_other)"
            f" WHERE {table}.{one} = told.old_one AND {table}.{other} = told.old_other",
            values,
        )


def _read_call_reason(words: str, _detail: str) -> Told:
    if words in ("", "failed"):
        return "", ""
    if words in ROBOTALKERS_CODES:
        return words, ""
    if words.startswith(OWN_FAULT):
        return "not_writable", ""
    if words.startswith(UNUSABLE):
        return "answer_unusable", ""
    if rejected := re.fullmatch(r"rejected \((\d+)\): (.*)", words, re.DOTALL):
        detail = "" if rejected[2] == SAYS_NOTHING else rejected[2]
        return ("bad_request" if rejected[1] == "400" else "request_refused"), detail
    return (CALL_REASONS[words], "") if words in CALL_REASONS else ("other", words)


def _write_call_reason(code: str, detail: str) -> Told:
    rejected = {"bad_request": 400, "request_refused": 403}
    if code in rejected:
        return f"rejected ({rejected[code]}): {detail or SAYS_NOTHING}"[:200], ""
    if code == "not_writable":
        return f"{OWN_FAULT}it could not be built", ""
    words = {known: sentence for sentence, known in CALL_REASONS.items()}
    return (detail, "") if code == "other" else (words.get(code, code), "")


def _read_entry_reason(_code: str, words: str) -> Told:
    if words in ENTRY_REASONS:
        return ENTRY_REASONS[words], ""
    if words.startswith("pressed "):
        return "unknown_key", words.removeprefix("pressed ")
    code, detail = _read_call_reason(words, "")
    return (
        ("bad_request", words) if code == "other" else (code, detail)
    )  # the words of a rejection stood alone


def _write_entry_reason(code: str, detail: str) -> Told:
    words = {known: sentence for sentence, known in ENTRY_REASONS.items()}
    if code == "unknown_key":
        return "", f"pressed {detail}"[:300]
    return "", words.get(code) or (_write_call_reason(code, detail)[0] if code else detail)


def _read_list_error(words: str, detail: str) -> Told:
    if words == NOT_TAKEN_OVER:
        return "not_taken_over", ""
    if words.startswith(NOT_A_NUMBER):
        return "not_a_number", ""
    return _read_call_reason(words, detail)


def _write_list_error(code: str, detail: str) -> Told:
    own = {"not_taken_over": NOT_TAKEN_OVER, "not_a_number": NOT_A_NUMBER}
    return (own[code], "") if code in own else _write_call_reason(code, detail)


def _read_resolution(words: str, _note: str) -> Told:
    return (RESOLUTIONS[words], "") if words in RESOLUTIONS else (DONE, words)


def _write_resolution(code: str, note: str) -> Told:
    words = {known: sentence for sentence, known in RESOLUTIONS.items()}
    return words.get(code, note), ""


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0003_ways"),
        ("reminders", "0002_holding_under_faults"),
    ]

    operations = [
        migrations.AddField(
            model_name="heartbeat",
            name="queues",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=40),
                blank=True,
                default=list,
                help_text="Of a worker: the queues it takes.",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="callrecord",
            name="detail",
            field=models.CharField(blank=True, help_text="Robotalker's own words about it.", max_length=200),
        ),
        migrations.AddField(
            model_name="listednumber",
            name="detail",
            field=models.CharField(blank=True, help_text="Robotalker's own words about it.", max_length=200),
        ),
        migrations.AddField(
            model_name="followup",
            name="reason",
            field=models.CharField(blank=True, help_text="Why; reminders/rules/reasons.py.", max_length=40),
        ),
        migrations.AddField(
            model_name="followup",
            name="note",
            field=models.CharField(blank=True, help_text="What a person wrote about it.", max_length=300),
        ),
        migrations.AddField(
            model_name="reminder",
            name="channel",
            field=models.CharField(
                blank=True,
                choices=[("voice", "call"), ("sms", "text message")],
                db_default="",
                default="",
                help_text=(
                    "Of its next try, where it isn't the step's: a text after its calls have reached nobody."
                ),
                max_length=5,
            ),
        ),
        migrations.RunPython(make_codes, make_sentences),
        migrations.RemoveField(model_name="reminder", name="by_text"),
        migrations.AddConstraint(
            model_name="reminder",
            constraint=models.CheckConstraint(
                condition=models.Q(("channel__in", ["", "voice", "sms"])), name="reminder_channel_known"
            ),
        ),
        migrations.AlterField(
            model_name="listednumber",
            name="error",
            field=models.CharField(
                blank=True, help_text="Why it failed; reminders/rules/reasons.py.", max_length=40
            ),
        ),
        migrations.AlterField(
            model_name="callrecord",
            name="reason",
            field=models.CharField(
                blank=True, help_text="Why it is in its state; reminders/rules/reasons.py.", max_length=40
            ),
        ),
        migrations.AlterField(
            model_name="callrecord",
            name="state",
            field=models.CharField(
                choices=[
                    ("submitting", "about to go out"),
                    ("submitted", "taken by Robotalker"),
                    ("unknown", "unknown"),
                    ("overdue", "no result yet"),
                    ("not_sent", "not sent"),
                    ("rejected", "rejected"),
                    ("failed", "failed"),
                    ("no_answer", "no answer"),
                    ("voicemail", "voicemail"),
                    ("delivered", "delivered"),
                    ("answered", "answered"),
                    ("abandoned", "closed by staff"),
                ],
                default="submitting",
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="reminder",
            name="state",
            field=models.CharField(
                choices=[
                    ("planned", "planned"),
                    ("claimed", "about to be called"),
                    ("in_progress", "in progress"),
                    ("done", "done"),
                    ("skipped", "skipped"),
                    ("withdrawn", "withdrawn"),
                    ("missed", "missed"),
                ],
                default="planned",
                max_length=12,
            ),
        ),
        migrations.AlterField(
            model_name="followup",
            name="kind",
            field=models.CharField(
                choices=[
                    ("wants_another_time", "wants another time"),
                    ("could_not_reach", "could not be reached"),
                    ("unknown_outcome", "may or may not have been called"),
                    ("wrong_number", "number can't be used"),
                    ("late_answer", "answered for an old time"),
                    ("unclear_answer", "answer not understood"),
                    ("missed", "reminder was missed"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="followup",
            name="detail",
            field=models.CharField(
                blank=True, help_text="Robotalker's own words, or the key that was pressed.", max_length=300
            ),
        ),
        migrations.AlterField(
            model_name="followup",
            name="resolution",
            field=models.CharField(
                blank=True,
                choices=[
                    ("done", "Done."),
                    ("called_again", "They were called again."),
                    ("not_called_again", "They were not called again."),
                    ("overtaken", "Robotalker reported after all."),
                ],
                max_length=20,
            ),
        ),
    ]
