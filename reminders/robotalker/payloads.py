"""The request bodies for Robotalker. Pure: values in, a frozen payload out; nothing is sent.

The body of a call is the guide's. The others are assumptions (docs/robotalker.md): a campaign is a call with
`recipients` instead of `to` and `variables`; an SMS is a call without voice and keys; a contact is `to` and
`opted_out`.

Payloads hold names, numbers, texts and signed addresses, so their repr shows none of these.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import phonenumbers

from reminders.robotalker.masking import mask_number

MAX_RECIPIENTS = 100  # our limit, not the guide's: one lost response makes this many calls unknown
E164_PATTERN = r"\+[1-9][0-9]{6,14}"  # the wire format's own, equal to contacts.numbers.E164_PATTERN
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_PLAIN_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?/[A-Za-z0-9/_.:-]*")
_KEYS = frozenset("0123456789*#")


class InvalidE164(ValueError):
    """Not a phone number in E.164, such as +12125550100. The message shows it masked."""

    def __init__(self, number: object) -> None:
        super().__init__(f"not an E.164 number: {mask_number(str(number))}")


@dataclass(frozen=True)
class Recipient:
    """One recipient of a campaign or an SMS batch: `to` in E.164 and the values of the variables."""

    to: str = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        return {"to": self.to, "variables": dict(self.variables)}


@dataclass(frozen=True)
class _Voice:
    """What calls and campaigns share: the message, the voice and what the keys do."""

    from_number: str
    message: str = field(repr=False)
    voice: str
    key_urls: Mapping[str, str] = field(repr=False)
    optout_key: str
    status_url: str = field(repr=False)

    def _keys_as_json(self) -> dict[str, Any]:
        keys: dict[str, Any] = {
            key: {"action": "webhook", "url": url} for key, url in sorted(self.key_urls.items())
        }
        return keys | {self.optout_key: {"action": "optout"}}

    def _speech_as_json(self) -> dict[str, Any]:
        return {"from": self.from_number, "message": self.message, "voice": self.voice}


@dataclass(frozen=True)
class CallPayload(_Voice):
    """The body of POST /calls."""

    to: str = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """The body as in the guide."""
        return {
            "to": self.to,
            **self._speech_as_json(),
            "variables": dict(self.variables),
            "dtmf": self._keys_as_json(),
            "webhook_url": self.status_url,
        }


@dataclass(frozen=True)
class CampaignPayload(_Voice):
    """The body of POST /campaigns."""

    recipients: tuple[Recipient, ...] = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """The body of a call, with `recipients` instead of `to` and `variables`."""
        return {
            "recipients": [recipient.as_json() for recipient in self.recipients],
            **self._speech_as_json(),
            "dtmf": self._keys_as_json(),
            "webhook_url": self.status_url,
        }


@dataclass(frozen=True)
class SmsPayload:
    """The body of POST /sms for one message."""

    to: str = field(repr=False)
    from_number: str
    message: str = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    status_url: str = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """`to`, `from`, `message`, `variables`, `webhook_url`."""
        return {
            "to": self.to,
            "from": self.from_number,
            "message": self.message,
            "variables": dict(self.variables),
            "webhook_url": self.status_url,
        }


@dataclass(frozen=True)
class SmsBatchPayload:
    """The body of POST /sms for several recipients."""

    recipients: tuple[Recipient, ...] = field(repr=False)
    from_number: str
    message: str = field(repr=False)
    status_url: str = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """`recipients`, `from`, `message`, `webhook_url`."""
        return {
            "recipients": [recipient.as_json() for recipient in self.recipients],
            "from": self.from_number,
            "message": self.message,
            "webhook_url": self.status_url,
        }


@dataclass(frozen=True)
class ContactPayload:
    """The body of POST /contacts: a number and its opt-outs; None leaves a channel unchanged."""

    to: str = field(repr=False)
    voice_opted_out: bool | None = None
    sms_opted_out: bool | None = None

    def as_json(self) -> dict[str, Any]:
        """`to` and `opted_out`. No names: Robotalker doesn't need them for an opt-out."""
        flags = {"voice": self.voice_opted_out, "sms": self.sms_opted_out}
        return {
            "to": self.to,
            "opted_out": {channel: flag for channel, flag in flags.items() if flag is not None},
        }


def build_call(
    *,
    to: str,
    from_number: str,
    message: str,
    voice: str,
    variables: Mapping[str, str],
    status_url: str,
    key_urls: Mapping[str, str],
    optout_key: str = "9",
) -> CallPayload:
    """One call. Raises InvalidE164, or ValueError for a body Robotalker would reject or read out wrong."""
    check_speech(message, voice, key_urls, optout_key)
    check_message(message, variables)
    return CallPayload(
        to=check_e164(to),
        from_number=check_e164(from_number),
        message=message,
        voice=voice,
        variables=dict(variables),
        status_url=check_address(status_url),
        key_urls=dict(key_urls),
        optout_key=optout_key,
    )


def build_campaign(
    *,
    recipients: Sequence[Recipient],
    from_number: str,
    message: str,
    voice: str,
    status_url: str,
    key_urls: Mapping[str, str],
    optout_key: str = "9",
) -> CampaignPayload:
    """One message to 1 to 100 recipients, each number once. Raises like build_call."""
    check_speech(message, voice, key_urls, optout_key)
    return CampaignPayload(
        recipients=check_recipients(recipients, message),
        from_number=check_e164(from_number),
        message=message,
        voice=voice,
        status_url=check_address(status_url),
        key_urls=dict(key_urls),
        optout_key=optout_key,
    )


def build_sms(
    *, to: str, from_number: str, message: str, variables: Mapping[str, str], status_url: str
) -> SmsPayload:
    """One text message. Raises InvalidE164 or ValueError like build_call."""
    check_message(message, variables)
    return SmsPayload(
        to=check_e164(to),
        from_number=check_e164(from_number),
        message=message,
        variables=dict(variables),
        status_url=check_address(status_url),
    )


def build_sms_batch(
    *, recipients: Sequence[Recipient], from_number: str, message: str, status_url: str
) -> SmsBatchPayload:
    """One text message to 1 to 100 recipients, each number once. Raises like build_call."""
    return SmsBatchPayload(
        recipients=check_recipients(recipients, message),
        from_number=check_e164(from_number),
        message=message,
        status_url=check_address(status_url),
    )


def build_contact(
    *, to: str, voice_opted_out: bool | None = None, sms_opted_out: bool | None = None
) -> ContactPayload:
    """The opt-outs to set for a number. Raises InvalidE164."""
    return ContactPayload(to=check_e164(to), voice_opted_out=voice_opted_out, sms_opted_out=sms_opted_out)


@lru_cache(maxsize=20_000)  # it takes longer than all else of a body, and a campaign has a hundred
def check_e164(number: str) -> str:
    """Returns the number if it is E.164 with a possible length. Else raises InvalidE164.

    Doesn't check whether the number is assigned: the tables of numbering plans are never up to date.
    """
    if not isinstance(number, str) or not re.fullmatch(E164_PATTERN, number):
        raise InvalidE164(number)
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        parsed = None
    if (
        parsed is None
        or not phonenumbers.is_possible_number(parsed)
        or phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) != number
    ):
        raise InvalidE164(number)
    return number


def check_recipients(recipients: Sequence[Recipient], message: str) -> tuple[Recipient, ...]:
    """Returns the recipients as a tuple. Raises ValueError unless they are 1 to 100, with no duplicate number
    and a value for each variable of the message.
    """
    if not 1 <= len(recipients) <= MAX_RECIPIENTS:
        raise ValueError(f"1 to {MAX_RECIPIENTS} recipients, not {len(recipients)}")
    numbers = {check_e164(recipient.to) for recipient in recipients}
    if len(numbers) != len(recipients):
        raise ValueError("a number occurs twice among the recipients")
    for recipient in recipients:
        check_message(message, recipient.variables)
    return tuple(recipients)


def check_message(message: str, variables: Mapping[str, str]) -> None:
    """Raises ValueError for an empty message, or a {VARIABLE} without a value (it would be read aloud)."""
    if not message.strip():
        raise ValueError("an empty message")
    if any(not isinstance(value, str) for value in variables.values()):
        raise ValueError("a variable that is not a text")
    missing = set(_PLACEHOLDER.findall(message)) - variables.keys()
    if missing:
        # Braces may also contain a part of the message, which must not appear in an error.
        names = sorted(name if re.fullmatch(r"[A-Z][A-Z0-9_]{0,39}", name) else "…" for name in missing)
        raise ValueError(f"no value for {', '.join('{' + name + '}' for name in names)}")


def check_speech(message: str, voice: str, key_urls: Mapping[str, str], optout_key: str) -> None:
    """Raises ValueError for an empty message or voice, an unknown key, or a key with two actions."""
    if not message.strip() or not voice.strip():
        raise ValueError("an empty message or voice")
    if not _KEYS.issuperset([optout_key, *key_urls]):
        raise ValueError("a key must be one of 0 to 9, * and #")
    if optout_key in key_urls:
        raise ValueError(f"key {optout_key} is the opt-out key and can't have a webhook")
    for url in key_urls.values():
        check_address(url)


def check_address(url: str) -> str:
    """Returns the URL if it is an absolute http or https URL. Else raises ValueError."""
    if _PLAIN_ADDRESS.fullmatch(url):  # as ours are; urlsplit() takes longer than to sign them
        return url
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not url.isascii() or " " in url:
        raise ValueError("a webhook needs an absolute http or https URL")
    return url
