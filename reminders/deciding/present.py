"""What a forecast goes by besides visits and reminders: the clock, the mode and the practice's settings."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from reminders.deciding.sending_mode import leaves_this_machine
from reminders.deciding.shared_settings import read_shared_settings
from reminders.deciding.situations import ModeFacts, PracticeConfig
from reminders.deciding.trial_use import count_sent_on_trial
from reminders.models import SendingSwitch
from reminders.rules.modes import SendingMode, find_mode

_CLOCK_AND_SWITCH = """
    SELECT clock_timestamp(), coalesce(switch.mode, ''), switch.live_since
    FROM (VALUES (1)) AS one (id) LEFT JOIN {} AS switch USING (id)
"""


@dataclass(frozen=True)
class Present:
    """The database's time, the mode as it is then, and the settings, whose rows nobody changes."""

    now: datetime
    mode: ModeFacts
    is_trial: bool
    config: PracticeConfig


def read_present(
    now: datetime | None = None,
    config: PracticeConfig | None = None,
    switch: SendingSwitch | None = None,
    sent_on_trial: int | None = None,
) -> Present:
    """Two queries at most, and one more on trial. What is given was read already."""
    if now is None or switch is None:
        clock, chosen, live_since = _read_clock_and_switch()
        now = now or clock
    else:
        chosen, live_since = switch.mode, switch.live_since
    is_trial = find_mode(chosen, is_real=leaves_this_machine()) == SendingMode.TRIAL
    if is_trial and sent_on_trial is None:
        sent_on_trial = count_sent_on_trial(now)
    mode = ModeFacts(chosen, live_since, sent_on_trial or 0)
    return Present(now, mode, is_trial, config or read_shared_settings().config)


def _read_clock_and_switch() -> tuple[datetime, str, datetime | None]:
    table = connection.ops.quote_name(SendingSwitch._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(_CLOCK_AND_SWITCH.format(table))
        clock, chosen, live_since = cursor.fetchone()
    return clock, chosen, live_since
