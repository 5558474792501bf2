"""What stands behind a decision, in values that staff know: the Situation has only what the rules compare.

Explaining a reminder and the evidence of a call both show them, so the last look keeps them with the call.
"""

from dataclasses import dataclass
from datetime import datetime

from contacts.paired_numbers import find_paired_optout
from reminders.deciding.number_caps import NumberUse, UseCounts, read_caps
from reminders.deciding.situations import ReminderFacts
from reminders.rules.calling_hours import find_zone_source

NOT_COUNTED = UseCounts(0, 0)


@dataclass(frozen=True)
class SeenValues:
    """The values. Moments are aware UTC; `local_start` is the wall time that was booked (naive).

    `number`: E.164, or "" for none. `language` and `version`: of the script's text, "" and 0 for none.
    `zone_source`: a code of calling_hours.ZoneSource. `calls_in_...`: what counts against the caps; a cap of
    0 is no limit. `calls_per_minute`: None for no limit. `other_opted_out_at`: of the other number of a pair
    (contacts/paired_numbers.py). `required_consent`: a Campaign.Consent.
    """

    channel: str
    number: str
    location: str
    location_zone: str
    local_start: datetime
    campaign: str
    campaign_state: str
    preference: str
    consent_basis: str
    opted_out_at: datetime | None
    script: str
    language: str
    version: int
    zone_source: str
    cap_per_day: int
    cap_per_week: int
    calls_in_day: int
    calls_in_week: int
    calls_per_minute: int | None
    other_opted_out_at: datetime | None = None
    required_consent: str = ""


def read_seen_values(facts: ReminderFacts, use: NumberUse | None, moment: datetime) -> SeenValues:
    """The values at `moment`, without a query for the facts of situations.py. `use`: of its number."""
    reminder, number, text = facts.reminder, facts.number, facts.script_text
    appointment, campaign = reminder.appointment, reminder.step.campaign
    contact, location = appointment.contact, appointment.location
    channel, caps = facts.channel, read_caps()
    counts = use.count(reminder, moment) if use and use.calls else NOT_COUNTED
    number_zones = number.time_zones if number else []
    return SeenValues(
        channel=channel.value,
        number=number.e164 if number else "",
        location=location.name,
        location_zone=location.time_zone,
        local_start=appointment.local_start,
        campaign=campaign.name,
        campaign_state=campaign.state,
        preference=contact.preferred_channel,
        consent_basis=number.consent_basis if number else "",
        opted_out_at=number.opted_out_at(channel) if number else None,
        script=text.script.name if text else "",
        language=text.language if text else "",
        version=text.version if text else 0,
        zone_source=find_zone_source(contact.time_zone, location.time_zone, number_zones).value,
        cap_per_day=caps.per_day,
        cap_per_week=caps.per_week,
        calls_in_day=counts.in_day,
        calls_in_week=counts.in_week,
        calls_per_minute=location.calls_per_minute,
        other_opted_out_at=find_paired_optout(contact, channel),
        required_consent=campaign.consent,
    )
