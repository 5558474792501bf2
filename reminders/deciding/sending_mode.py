"""The mode of this installation as it is now: rules/modes.py with the row and the settings."""

from django.conf import settings

from reminders.models import SendingSwitch
from reminders.rules.modes import SendingMode, find_mode
from reminders.rules.sandbox_hosts import is_sandbox_address


def leaves_this_machine() -> bool:
    """Whether requests go to a real Robotalker, and not to the sandbox."""
    return not is_sandbox_address(settings.ROBOTALKER_BASE_URL)


def mode_of(switch: SendingSwitch) -> SendingMode:
    """The mode that this row means at Robotalker's present address."""
    return find_mode(switch.mode, is_real=leaves_this_machine())


def read_mode() -> SendingMode:
    """The mode as it is now: one query."""
    return mode_of(SendingSwitch.objects.filter(pk=1).only("mode").first() or SendingSwitch())
