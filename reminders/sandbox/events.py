"""The bodies posted to webhooks: ``call.*`` as in the guide; the others are assumptions, marked as such in
docs/robotalker-openapi.yaml.
"""

from typing import Any

from reminders.sandbox.clock import current_time, format_timestamp
from reminders.sandbox.records import Call, SandboxChannel, TextMessage

Json = dict[str, Any]

# A call's outcome -> the event for it.
EVENT_BY_OUTCOME = {
    "answered": "call.completed",
    "no_answer": "call.no_answer",
    "voicemail": "call.voicemail",
    "failed": "call.failed",
}


def describe_call_end(call: Call) -> Json:
    """``call.completed``, ``call.no_answer``, ``call.voicemail`` or ``call.failed`` of an ended call."""
    body = _start(EVENT_BY_OUTCOME[call.outcome], call) | {"status": call.outcome}
    if call.outcome in {"answered", "voicemail"}:
        body |= {
            "duration_seconds": call.duration_seconds,
            "dtmf_response": call.last_key,
            "amd_result": call.amd_result,
        }
    if call.reason:
        body["reason"] = call.reason
    return body | _now()


def describe_key(call: Call, digit: str) -> Json:
    """``call.dtmf``, posted to the key's own URL when it is pressed."""
    return _start("call.dtmf", call) | {"digit": digit} | _now()


def describe_voice_optout(call: Call) -> Json:
    """``contact.optout`` after the opt-out key."""
    channel: SandboxChannel = "voice"
    return _start("contact.optout", call) | {"channel": channel} | _now()


def describe_sms_optout(sms: TextMessage) -> Json:
    """``contact.optout`` after STOP."""
    channel: SandboxChannel = "sms"
    return {"event": "contact.optout", "sms_id": sms.id, "to": sms.to, "channel": channel} | _now()


def describe_sms_status(sms: TextMessage) -> Json:
    """``sms.delivered`` or ``sms.failed``."""
    body: Json = {"event": f"sms.{sms.status}", "sms_id": sms.id, "to": sms.to, "status": sms.status}
    if sms.batch_id:
        body["batch_id"] = sms.batch_id
    if sms.reason:
        body["reason"] = sms.reason
    return body | _now()


def describe_sms_reply(sms: TextMessage, text: str) -> Json:
    """``sms.received``; ``to`` is the patient's number, as in all events."""
    return {"event": "sms.received", "sms_id": sms.id, "to": sms.to, "text": text} | _now()


def _start(event: str, call: Call) -> Json:
    body: Json = {"event": event, "call_id": call.id, "to": call.to}
    if call.campaign_id:
        body["campaign_id"] = call.campaign_id
    return body


def _now() -> Json:
    return {"timestamp": format_timestamp(current_time())}
