"""Everything that is known about one call, as one dict of sections: the content of its evidence.

What was recorded when the call went out is taken from the call itself. What wasn't, for calls of earlier
releases, is taken from the tables as they are now, and says so (`recorded`: false). The request to Robotalker
is built again from what is stored, without the addresses for Robotalker's events: whoever has one could
answer for the patient.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Model, OuterRef, Prefetch, Q, QuerySet
from django.db.models.functions import JSONObject
from django.utils.translation import gettext as _

from contacts.models import Appointment, AppointmentChange, ClosedDay, ConsentEntry
from contacts.models.people import Channel
from reminders.deciding.number_caps import LOOKED_BACK
from reminders.deciding.rule_words import describe_rules
from reminders.deciding.situations import hours_of, zones_of
from reminders.deciding.stored_decisions import StoredDecision, read_decision
from reminders.lifecycle.calls import reminders_of
from reminders.models import CallCompanion, CallRecord, EvidenceLook, FollowUp
from reminders.pages.sentences import describe_call, describe_change
from reminders.pages.story import name_person
from reminders.rules.calling_hours import OUTER, find_zone_source
from reminders.rules.reasons import phrase_for
from reminders.rules.rule_results import explain_decision
from reminders.rules.sandbox_hosts import is_sandbox_address
from reminders.wording.scripts import message_of

MOST_ENTRIES = 1000  # of the admin's log, and of looks; more would make the file unreadable

ANSWERS = (AppointmentChange.What.CONFIRMED, AppointmentChange.What.WANTS_ANOTHER_TIME)

Section = dict[str, Any]


def read_call(call_id: int) -> CallRecord:
    """The call with what collect_evidence() needs. Raises CallRecord.DoesNotExist."""
    calls = CallRecord.objects.select_related(
        "number",
        "batch",
        "ordered_by",
        "script_text__script",
        "reminder__appointment__contact__phone",
        "reminder__appointment__location",
        "reminder__appointment__provider",
        "reminder__step__campaign",
    ).prefetch_related("events", Prefetch("companions", _with_visits(CallCompanion.objects.all())))
    closed = ClosedDay.objects.filter(location=OuterRef("reminder__appointment__location"))
    others = CallRecord.objects.filter(
        number=OuterRef("number"),
        submitting_at__gt=OuterRef("submitting_at") - LOOKED_BACK,
        submitting_at__lte=OuterRef("submitting_at"),
    ).exclude(pk=OuterRef("pk"))
    shown = JSONObject(id="public_id", opened_at="submitting_at", channel="channel", state="state")
    return calls.annotate(
        closed_dates=ArraySubquery(closed.values("date")),
        other_tries=ArraySubquery(others.order_by("submitting_at", "pk").values(shown=shown)),
    ).get(pk=call_id)


def _with_visits(companions: "QuerySet[CallCompanion]") -> "QuerySet[CallCompanion]":
    visit = "reminder__appointment"
    return companions.select_related(f"{visit}__contact", f"{visit}__location", f"{visit}__provider")


def collect_evidence(call: CallRecord, by: User, now: datetime) -> Section:
    """All sections about a call of read_call(), in the reader's language; a constant number of queries."""
    appointments = [reminder.appointment for reminder in reminders_of(call)]
    changes = list(_read_changes(appointments))
    follow_ups = list(_read_follow_ups(appointments))
    stored = read_decision(call.decision)
    return {
        "about": {
            "call": call.public_id,
            "practice": call.reminder.appointment.location.spoken_name,
            "made_at": now,
            "made_by": by.get_username(),
            "robotalker": settings.ROBOTALKER_BASE_URL,
            "mode": call.mode,
            "is_sandbox": is_sandbox_address(settings.ROBOTALKER_BASE_URL),
        },
        "call": _describe_try(call),
        "words": _describe_words(call),
        "appointments": [_describe_visit(one, call) for one in appointments],
        "consent": _describe_consent(call, stored),
        "time": _describe_time(call, stored),
        "limits": _describe_limits(call, stored),
        "decision": _describe_decision(call, stored),
        "request": _describe_request(call),
        "events": list(_describe_events(call)),
        "answers": [_describe_answer(change) for change in changes if change.what in ANSWERS],
        "people": list(_describe_people(call, changes, follow_ups)),
        "admin": list(_describe_admin_changes(call, appointments)),
        "looks": list(_describe_looks(call)),
    }


def _describe_try(call: CallRecord) -> Section:
    return {
        "id": call.public_id,
        "channel": call.channel,
        "try": call.try_number,
        "number": call.number.e164,
        "from_number": call.from_number,
        "campaign": call.reminder.step.campaign.name,
        "step": str(call.reminder.step),
        "state": call.state,
        "result": describe_call(call),
        "reason": call.reason,
        "why": phrase_for(call.reason, call.detail),
        "robotalker_id": call.robotalker_id,
        "sent_together_as": call.batch.public_id if call.batch else "",
        "robotalker_batch_id": call.batch.robotalker_id if call.batch else "",
        "opened_at": call.submitting_at,
        "accepted_at": call.submitted_at,
        "ended_at": call.ended_at,
        "seconds": call.duration_seconds,
        "answered_by": call.amd_result,
        "keys": call.keys,
        "key_that_counts": call.key_pressed,
    }


def _describe_words(call: CallRecord) -> Section:
    text = call.script_text
    return {
        "text": call.text,
        "script": text.script.name,
        "version": text.version,
        "language": text.language,
        "voice": text.voice,
        "script_text": text.text,
        "variables": call.variables,
    }


def _describe_visit(appointment: Appointment, call: CallRecord) -> Section:
    revisions = {one.appointment_id: one.revision for one in reminders_of(call)}
    return {
        "id": appointment.pk,
        "patient": appointment.contact.full_name,
        "language": appointment.contact.language,
        "reminded_by": appointment.contact.preferred_channel,
        "location": appointment.location.name,
        "provider": appointment.provider.name if appointment.provider else "",
        "starts": appointment.local_start,
        "time_zone": appointment.time_zone,
        "revision_called_about": revisions[appointment.pk],
        "revision_now": appointment.revision,
        "status": appointment.status,
        "answer": appointment.answer,
    }


def _describe_consent(call: CallRecord, stored: StoredDecision | None) -> Section:
    ledger = list(ConsentEntry.objects.filter(number=call.number_id).select_related("by"))
    return {
        "recorded": stored is not None,
        "basis_at_the_call": stored.values.consent_basis if stored else "",
        "required_at_the_call": stored.values.required_consent if stored else "",
        "basis_now": call.number.consent_basis,
        "opted_out_of_calls_at": call.number.voice_opted_out_at,
        "opted_out_of_texts_at": call.number.sms_opted_out_at,
        "ledger_before": [_describe_entry(one) for one in ledger if one.at <= call.submitting_at],
        "ledger_since": [_describe_entry(one) for one in ledger if one.at > call.submitting_at],
    }


def _describe_entry(entry: ConsentEntry) -> Section:
    return {
        "at": entry.at,
        "what": entry.what,
        "scope": entry.scope,
        "source": entry.source,
        "evidence": entry.evidence,
        "by": name_person(entry.by),
        "words": str(entry),
    }


def _describe_time(call: CallRecord, stored: StoredDecision | None) -> Section:
    """The clocks that counted, and the hours; for a call without a record, as they would be taken now."""
    if stored:
        zones, hours = stored.situation.zones, stored.situation.hours
        source, location_zone = stored.values.zone_source, stored.values.location_zone
    else:
        visit, location = call.reminder.appointment, call.reminder.appointment.location
        stated = (visit.contact.time_zone, location.time_zone, call.number.time_zones)
        zones = zones_of(*stated)
        hours = hours_of(location, call.closed_dates)  # type: ignore[attr-defined] # of read_call()
        source, location_zone = find_zone_source(*stated).value, location.time_zone
    return {
        "recorded": stored is not None,
        "zones": [{"zone": zone.key, "clock": call.submitting_at.astimezone(zone)} for zone in zones],
        "source": source,
        "location_zone": location_zone,
        "opens": hours.opens,
        "closes": hours.closes,
        "closed_days": sorted(hours.closed_dates),
        "outer_limit": {"opens": OUTER[0], "closes": OUTER[1]},
    }


def _describe_limits(call: CallRecord, stored: StoredDecision | None) -> Section:
    """The caps as they were applied, and every other try to the number in the week before."""
    values = stored.values if stored else None
    tries: list[Section] = call.other_tries  # type: ignore[attr-defined] # of read_call()
    return {
        "recorded": stored is not None,
        "most_in_a_day": values.cap_per_day if values else settings.CAP_PER_DAY,
        "most_in_a_week": values.cap_per_week if values else settings.CAP_PER_WEEK,
        "counted_in_the_day": values.calls_in_day if values else None,
        "counted_in_the_week": values.calls_in_week if values else None,
        "calls_per_minute": values.calls_per_minute if values else None,
        "tries_in_the_week_before": [
            one | {"opened_at": datetime.fromisoformat(one["opened_at"]).astimezone(UTC)} for one in tries
        ],
    }


def _describe_decision(call: CallRecord, stored: StoredDecision | None) -> Section:
    """decide() asked again about what the last look saw; nothing for a call without a record."""
    section: Section = {"recorded": stored is not None, "ordered_by": name_person(call.ordered_by)}
    if stored is None:
        return section
    explained = explain_decision(stored.situation, stored.now)
    lines = describe_rules(explained, stored.situation, stored.values, stored.now)
    return section | {
        "at": stored.now,
        "verdict": explained.decision.verdict,
        "reason": explained.decision.reason,
        "rules": [
            {"rule": one.code, "title": one.title, "result": one.result, "saw": list(one.seen)}
            for one in lines
        ],
        "as_stored": call.decision,
    }


def _describe_request(call: CallRecord) -> Section:
    """What was posted to Robotalker, built again."""
    body: Section = {
        "to": call.number.e164,
        "from": call.from_number,
        "message": message_of(call),
        "variables": call.variables,
    }
    if call.channel == Channel.VOICE:
        body["voice"] = call.script_text.voice
        body["dtmf"] = {"1": "webhook", "2": "webhook", "9": "optout"}
    path = "/sms" if call.channel == Channel.SMS else "/campaigns" if call.batch else "/calls"
    return {
        "built_again": True,
        "leaves_out": _(
            "The addresses for Robotalker's events are left out, since whoever has one could answer."
        ),
        "path": path,
        "is_part_of_a_batch": call.batch is not None,
        "body": body,
    }


def _describe_events(call: CallRecord) -> Iterator[Section]:
    """Each request of Robotalker about it: its exact bytes in base64, and as text to read."""
    for event in sorted(call.events.all(), key=lambda one: (one.received_at, one.pk)):
        body = bytes(event.body)
        yield {
            "received_at": event.received_at,
            "address_for": event.purpose,
            "content_type": event.content_type,
            "kind": event.kind,
            "state": event.state,
            "state_words": event.get_state_display(),
            "applied_at": event.applied_at,
            "sha256_of_address_and_body": event.digest,
            "body_base64": b64encode(body).decode(),
            "body_as_text": make_readable(body.decode(errors="replace")),
        }


def make_readable(text: str) -> str:
    """The text with the control characters that no page and no printer can show replaced."""
    return "".join(letter if letter in "\n\t" or letter.isprintable() else "\ufffd" for letter in text)


def _describe_answer(change: AppointmentChange) -> Section:
    return {
        "at": change.at,
        "appointment": change.appointment_id,
        "answer": change.what,
        "how": change.how,
        "words": describe_change(change),
        "by": name_person(change.by),
    }


def _describe_people(
    call: CallRecord, changes: Sequence[AppointmentChange], follow_ups: Sequence[FollowUp]
) -> Iterator[Section]:
    """Who touched it: the order, what staff did to the visits, and the worklist, by time."""
    entries: list[Section] = [
        {
            "at": change.at,
            "appointment": change.appointment_id,
            "who": name_person(change.by),
            "what": describe_change(change),
        }
        for change in changes
        if change.what not in ANSWERS
    ]
    for one in follow_ups:
        kind, visit = one.get_kind_display(), one.appointment_id
        entries.append(
            {
                "at": one.created_at,
                "appointment": visit,
                "who": "",
                "what": _("Put on the worklist: %s.") % kind,
            }
        )
        if one.resolved_at:
            words = one.note or one.get_resolution_display()
            done = {"kind": kind, "words": words}
            entries.append(
                {
                    "at": one.resolved_at,
                    "appointment": visit,
                    "who": name_person(one.resolved_by),
                    "what": _("Off the worklist: %(kind)s. %(words)s") % done,
                }
            )
    yield from sorted(entries, key=lambda entry: entry["at"])


def _describe_admin_changes(call: CallRecord, appointments: Sequence[Appointment]) -> Iterator[Section]:
    """What was changed in the admin about its campaign, script, number, patients, visits and locations."""
    step = call.reminder.step
    touched: list[Model] = [step.campaign, step, call.script_text.script, call.script_text, call.number, call]
    for appointment in appointments:
        touched += [appointment, appointment.contact, appointment.location]
    touched += reminders_of(call)
    entries = LogEntry.objects.filter(_is_about(touched)).select_related("user", "content_type")
    for entry in entries.order_by("-action_time")[:MOST_ENTRIES]:
        yield {
            "at": entry.action_time,
            "who": name_person(entry.user),
            "on": f"{entry.content_type}: {entry.object_repr}",
            "what": entry.get_change_message(),
        }


def _is_about(rows: Iterable[Model]) -> Q:
    found = Q(pk__in=[])
    for row in rows:
        found |= Q(content_type=ContentType.objects.get_for_model(row), object_id=str(row.pk))
    return found


def _describe_looks(call: CallRecord) -> Iterator[Section]:
    looks = EvidenceLook.objects.filter(call=call).select_related("by")
    for look in looks[:MOST_ENTRIES]:
        yield {"at": look.at, "who": name_person(look.by), "how": look.how}


def _read_changes(appointments: Sequence[Appointment]) -> "Iterable[AppointmentChange]":
    changes = AppointmentChange.objects.filter(appointment__in=appointments).order_by("at", "pk")
    return changes.select_related("by", "provider_before", "provider_after")


def _read_follow_ups(appointments: Sequence[Appointment]) -> "Iterable[FollowUp]":
    return FollowUp.objects.filter(appointment__in=appointments).select_related("taken_by", "resolved_by")
