"""The sandbox's state in memory, and how requests change it."""

from collections import Counter

from reminders.sandbox.behaviour import Behaviour
from reminders.sandbox.records import (
    Call,
    ListedContact,
    PlacedCampaign,
    SandboxChannel,
    TextMessage,
    make_id,
)
from reminders.sandbox.requests import CallRequest, ContactRequest, RequestRecipient, SmsRequest, fill_in
from reminders.sandbox.scenarios import Scenario


class SandboxState:
    """Calls, campaigns and messages by id, contacts by number. Does no I/O."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.calls: dict[str, Call] = {}
        self.campaigns: dict[str, PlacedCampaign] = {}
        self.texts: dict[str, TextMessage] = {}
        self.contacts: dict[str, ListedContact] = {}
        self.tries: Counter[tuple[SandboxChannel, str]] = Counter()
        self.followed_redirects = 0

    def accept_call(
        self, order: CallRequest, recipient: RequestRecipient, campaign_id: str | None = None
    ) -> Call:
        """A new queued call; ``recipient`` is one of ``order.recipients``."""
        scenario, scripted, attempt = self._choose_scenario("voice", recipient.to)
        call = Call(
            id=make_id("cal"),
            to=recipient.to,
            sender=order.sender,
            message=fill_in(order.message, recipient.variables),
            voice=order.voice,
            variables=recipient.variables,
            dtmf=order.dtmf,
            webhook_url=order.webhook_url,
            scenario=scenario,
            scripted=scripted,
            attempt=attempt,
            campaign_id=campaign_id,
            opted_out_at_acceptance=self.is_opted_out(recipient.to, "voice"),
        )
        self.calls[call.id] = call
        return call

    def accept_campaign(self, order: CallRequest) -> PlacedCampaign:
        """A new campaign with one queued call for each recipient, also for a duplicate number."""
        campaign_id = make_id("cmp")
        calls = [self.accept_call(order, recipient, campaign_id) for recipient in order.recipients]
        campaign = self.campaigns[campaign_id] = PlacedCampaign(campaign_id, calls)
        return campaign

    def accept_texts(self, order: SmsRequest) -> list[TextMessage]:
        """New queued messages, one for each recipient, with a batch id if ``order.bulk``."""
        batch_id = make_id("bat") if order.bulk else None
        return [self._accept_text(order, recipient, batch_id) for recipient in order.recipients]

    def _accept_text(
        self, order: SmsRequest, recipient: RequestRecipient, batch_id: str | None
    ) -> TextMessage:
        scenario, _, _ = self._choose_scenario("sms", recipient.to)
        sms = TextMessage(
            id=make_id("sms"),
            to=recipient.to,
            sender=order.sender,
            message=fill_in(order.message, recipient.variables),
            webhook_url=order.webhook_url,
            scenario=scenario,
            batch_id=batch_id,
            opted_out_at_acceptance=self.is_opted_out(recipient.to, "sms"),
        )
        self.texts[sms.id] = sms
        return sms

    def _choose_scenario(self, channel: SandboxChannel, number: str) -> tuple[Scenario, bool, int]:
        self.tries[channel, number] += 1
        attempt = self.tries[channel, number]
        return *self.behaviour.choose_scenario(number, attempt), attempt

    def save_contact(self, order: ContactRequest) -> tuple[ListedContact, bool]:
        """The contact with this number, created (True) or changed (False)."""
        created = order.to not in self.contacts
        contact = self._find_or_add_contact(order.to)
        if order.first_name is not None:
            contact.first_name = order.first_name
        if order.last_name is not None:
            contact.last_name = order.last_name
        contact.opted_out |= order.opted_out
        return contact, created

    def is_opted_out(self, number: str, channel: SandboxChannel) -> bool:
        contact = self.contacts.get(number)
        return contact is not None and contact.opted_out[channel]

    def set_opt_out(self, number: str, channel: SandboxChannel, *, opted_out: bool) -> None:
        self._find_or_add_contact(number).opted_out[channel] = opted_out

    def _find_or_add_contact(self, number: str) -> ListedContact:
        return self.contacts.setdefault(number, ListedContact(make_id("con"), number))

    def find_last_text(self, number: str) -> TextMessage | None:
        """The newest message sent to this number."""
        sent = (sms for sms in reversed(self.texts.values()) if sms.to == number and not sms.inbound)
        return next(sent, None)

    def reset(self) -> None:
        """Delete everything."""
        for records in (self.calls, self.campaigns, self.texts, self.contacts, self.tries):
            records.clear()
        self.followed_redirects = 0
