"""Request bodies as in the guide."""

from typing import Any

Json = dict[str, Any]

SENDER = "+18005550199"
UNREACHABLE = "http://127.0.0.1:9/nobody-listens"


def order_call(to: str = "+12125557701", webhook: str | None = None) -> Json:
    """The guide's example, with our own URLs."""
    url = webhook or UNREACHABLE
    return {
        "to": to,
        "from": SENDER,
        "message": "Hello {FIRST_NAME}, your appointment is on {APPT_DATE}. Press 1 to confirm.",
        "voice": "en-US-Neural-F",
        "variables": {"FIRST_NAME": "Sarah", "APPT_DATE": "Tuesday, April 15th"},
        "dtmf": {
            "1": {"action": "webhook", "url": f"{url}/confirm"},
            "2": {"action": "webhook", "url": f"{url}/reschedule"},
            "9": {"action": "optout"},
        },
        "webhook_url": f"{url}/call-status",
    }


def order_campaign(numbers: list[str], webhook: str | None = None) -> Json:
    body = order_call(webhook=webhook)
    variables = body.pop("variables")
    del body["to"]
    return body | {"recipients": [{"to": number, "variables": variables} for number in numbers]}


def order_sms(to: str, webhook: str | None = None) -> Json:
    return {
        "to": to,
        "from": SENDER,
        "message": "Hello {FIRST_NAME}, reply 1 to confirm.",
        "variables": {"FIRST_NAME": "Sarah"},
        "webhook_url": f"{webhook or UNREACHABLE}/sms-status",
    }
