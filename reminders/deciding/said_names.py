"""The names that calls say, taken from settings that were read already."""

from reminders.deciding.situations import PracticeConfig
from reminders.wording.sms_length import SaidNames


def list_said_names(config: PracticeConfig) -> SaidNames:
    """As read_said_names() reads them."""
    return SaidNames(tuple(config.locations.values()), tuple(config.providers.values()))
