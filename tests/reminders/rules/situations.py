"""Random situations for decide(), impossible combinations among them: no rule may rely on another."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from reminders.rules.calling_hours import CallingHours
from reminders.rules.decide import Situation
from reminders.rules.modes import SendingMode
from reminders.rules.reasons import REASONS_OF_WISH

# The time that an example takes depends on what else the machine does.
AT_ANY_PACE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
ZONES = [
    ZoneInfo(name)
    for name in ("America/New_York", "Pacific/Auckland", "Asia/Kolkata", "Australia/Lord_Howe", "Etc/UTC")
]
MOMENTS = st.integers(-20 * 24 * 60, 20 * 24 * 60).map(lambda minutes: NOON + timedelta(minutes=minutes))
MAYBE = st.none() | MOMENTS
TIMES = st.integers(0, 23 * 60 + 59).map(lambda minute: time(minute // 60, minute % 60))
HOURS = st.builds(
    lambda first, second, closed: CallingHours(min(first, second), max(first, second), closed),
    TIMES,
    TIMES,
    st.frozensets(st.integers(0, 40).map(lambda day: date(2026, 11, 11) + timedelta(days=day)), max_size=6),
)
SITUATIONS = st.builds(
    Situation,
    not_before=MOMENTS,
    not_after=MOMENTS,
    revision=st.integers(1, 2),
    appointment_revision=st.integers(1, 2),
    appointment_status=st.sampled_from(["booked", "booked", "booked", "cancelled", "arrived", "no_show"]),
    answer=st.sampled_from(["", "confirmed", "wants_another_time"]),
    audience=st.sampled_from(["unconfirmed", "everyone", "confirmed"]),
    campaign_active=st.booleans(),
    covered=st.booleans(),
    sending_paused=st.booleans(),
    has_number=st.booleans(),
    number_unusable=st.booleans(),
    opted_out=st.booleans(),
    has_consent=st.booleans(),
    has_script=st.booleans(),
    hours=HOURS,
    zones=st.lists(st.sampled_from(ZONES), max_size=3, unique=True).map(tuple),
    refusal=st.none() | st.sampled_from(REASONS_OF_WISH),
    ordered=st.booleans(),
    line_busy_until=MAYBE,
    capped_until=MAYBE,
    cap_may_lift=st.booleans(),
    told_already=st.booleans(),
    desk_busy_until=MAYBE,
    at_once_from=MAYBE,
    location_paused=st.booleans(),
    mode=st.sampled_from(list(SendingMode)),
    is_real=st.booleans(),
    is_demo=st.booleans(),
    number_verified=st.booleans(),
    trial_full=st.booleans(),
    due_before_live=st.booleans(),
    other_number_opted_out=st.booleans(),
    consent_lacking=st.booleans(),
)
