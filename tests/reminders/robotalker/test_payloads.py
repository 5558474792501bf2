"""The request bodies, and the checks against what Robotalker would reject or read out wrong."""

import json
from typing import Any

import pytest

from reminders.robotalker.payloads import (
    CallPayload,
    InvalidE164,
    Recipient,
    build_call,
    build_campaign,
    build_contact,
    build_sms,
    build_sms_batch,
    check_e164,
)
from tests.reminders.robotalker.conftest import MESSAGE, SARAH, VARIABLES
from tests.reminders.robotalker.guide import CALL_REQUEST

CALL: dict[str, Any] = {
    "to": SARAH,
    "from_number": "+18005550199",
    "message": "Hello {FIRST_NAME}.",
    "voice": "en-US-Neural-F",
    "variables": {"FIRST_NAME": "Sarah"},
    "status_url": "https://yourapp.com/s",
    "key_urls": {"1": "https://yourapp.com/1"},
}
CAMPAIGN: dict[str, Any] = {key: value for key, value in CALL.items() if key not in {"to", "variables"}}


def make_recipients(count: int) -> list[Recipient]:
    return [Recipient(f"+1212555{1000 + place}", {"FIRST_NAME": f"Ann{place}"}) for place in range(count)]


def test_the_body_of_a_call_equals_the_guides_example(sarahs_call: CallPayload) -> None:
    body = sarahs_call.as_json()
    assert body == json.loads(CALL_REQUEST)
    assert list(body) == list(json.loads(CALL_REQUEST))


def test_a_campaign_has_the_body_of_a_call_with_recipients() -> None:
    call = build_call(**CALL).as_json()
    campaign = build_campaign(**CAMPAIGN, recipients=[Recipient(SARAH, {"FIRST_NAME": "Sarah"})]).as_json()
    recipients = campaign.pop("recipients")
    assert recipients == [{"to": call.pop("to"), "variables": call.pop("variables")}]
    assert campaign == call


@pytest.mark.parametrize("count", [1, 2, 100])
def test_a_campaign_accepts_1_to_100_recipients(count: int) -> None:
    body = build_campaign(**CAMPAIGN, recipients=make_recipients(count)).as_json()
    assert len(body["recipients"]) == count


@pytest.mark.parametrize("count", [0, 101])
def test_a_campaign_with_no_recipients_or_too_many_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 100 recipients"):
        build_campaign(**CAMPAIGN, recipients=make_recipients(count))


def test_a_campaign_with_a_duplicate_number_is_refused() -> None:
    twice = [Recipient(SARAH, {"FIRST_NAME": "Sarah"}), Recipient(SARAH, {"FIRST_NAME": "Tom"})]
    with pytest.raises(ValueError, match="a number occurs twice"):
        build_campaign(**CAMPAIGN, recipients=twice)
    with pytest.raises(ValueError, match="a number occurs twice"):
        build_sms_batch(
            recipients=twice, from_number="+18005550199", message="Hi", status_url="https://yourapp.com/s"
        )


def test_a_recipient_without_a_value_for_a_variable_is_refused() -> None:
    recipients = [*make_recipients(1), Recipient(SARAH, {})]
    with pytest.raises(ValueError, match=r"no value for {FIRST_NAME}"):
        build_campaign(**CAMPAIGN, recipients=recipients)


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("", "empty"),
        ("2125550100", "no plus"),
        ("+1 212 555 0100", "spaces"),
        ("+1-212-555-0100", "hyphens"),
        ("tel:+12125550100", "a prefix"),
        ("+02125550100", "no country begins with 0"),
        ("+1212555010", "too short for its country"),
        ("+121255501001", "too long for its country"),
        ("+1234567890123456", "more than 15 digits"),
        ("+99912345678", "no such country"),
        ("+12125550100\n", "a line break"),
        ("+１２１２５５５０１００", "digits of another script"),
        ("+4402079460000", "a national prefix left in"),
        ("+12125550100;ext=5", "an extension"),
        (None, "not a string"),
    ],
)
def test_a_number_that_is_not_e164_is_refused_and_masked_in_the_error(number: Any, why: str) -> None:
    for change in ({"to": number}, {"from_number": number}):
        with pytest.raises(InvalidE164) as caught:
            build_call(**CALL | change)
        assert "2125550100" not in str(caught.value), why


@pytest.mark.parametrize(
    "number",
    ["+12125550100", "+18005550199", "+442079460000", "+390612345678", "+4930123456", "+61255501234"],
)
def test_numbers_of_many_countries_are_accepted(number: str) -> None:
    assert check_e164(number) == number


def test_a_bad_number_anywhere_in_a_campaign_is_refused() -> None:
    with pytest.raises(InvalidE164):
        build_campaign(**CAMPAIGN, recipients=[*make_recipients(3), Recipient("+1212", {"FIRST_NAME": "A"})])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"message": "Hello {LAST_NAME}."}, "no value for {LAST_NAME}"),
        ({"message": "Hello {}."}, "no value for {…}"),
        ({"message": "Hello {first_name}."}, "no value for {…}"),
        ({"message": "   "}, "empty message"),
        ({"voice": ""}, "empty message or voice"),
        ({"variables": {"FIRST_NAME": 5}}, "not a text"),
        ({"key_urls": {"9": "https://yourapp.com/9"}}, "key 9 is the opt-out key"),
        ({"key_urls": {"A": "https://yourapp.com/a"}}, "one of 0 to 9"),
        ({"key_urls": {"12": "https://yourapp.com/a"}}, "one of 0 to 9"),
        ({"optout_key": ""}, "one of 0 to 9"),
        ({"key_urls": {"1": "/confirm"}}, "absolute http"),
        ({"status_url": "ftp://yourapp.com/s"}, "absolute http"),
        ({"status_url": "https://yourapp.com/a b"}, "absolute http"),
        ({"status_url": ""}, "absolute http"),
    ],
)
def test_an_invalid_call_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        build_call(**CALL | change)


def test_the_opt_out_key_can_be_changed() -> None:
    body = build_call(**CALL, optout_key="*").as_json()
    assert body["dtmf"] == {
        "1": {"action": "webhook", "url": "https://yourapp.com/1"},
        "*": {"action": "optout"},
    }


def test_a_text_message_has_no_voice_and_no_keys() -> None:
    sms = build_sms(
        to=SARAH,
        from_number="+18005550199",
        message="Hello {FIRST_NAME}. Reply C to confirm.",
        variables={"FIRST_NAME": "Sarah"},
        status_url="https://yourapp.com/s",
    )
    assert sms.as_json() == {
        "to": SARAH,
        "from": "+18005550199",
        "message": "Hello {FIRST_NAME}. Reply C to confirm.",
        "variables": {"FIRST_NAME": "Sarah"},
        "webhook_url": "https://yourapp.com/s",
    }


def test_the_body_of_a_contact_has_opt_outs_and_no_names() -> None:
    assert build_contact(to=SARAH, voice_opted_out=True).as_json() == {
        "to": SARAH,
        "opted_out": {"voice": True},
    }


def test_the_repr_of_a_payload_shows_no_number_name_message_or_url(sarahs_call: CallPayload) -> None:
    recipient = Recipient(SARAH, VARIABLES)
    campaign = build_campaign(**CAMPAIGN | {"message": MESSAGE}, recipients=[recipient])
    sms = build_sms(
        to=SARAH,
        from_number="+18005550199",
        message=MESSAGE,
        variables=VARIABLES,
        status_url="https://a.b/tok",
    )
    batch = build_sms_batch(
        recipients=[recipient], from_number="+18005550199", message=MESSAGE, status_url="https://a.b/tok"
    )
    for payload in (sarahs_call, campaign, sms, batch, recipient, build_contact(to=SARAH)):
        for secret in (SARAH, "Sarah", "Hello", "https://"):
            assert secret not in repr(payload)
