"""Whether a test call or text may go out: what protects people holds for tests as well.

Asked when somebody orders one, and again just before it is sent. Caps, the practice's own calling hours and
the desk's pace don't matter: it goes to the person who asked for it, and counts nowhere.
"""

from datetime import datetime

from django.contrib.auth.models import User

from contacts.models import PhoneNumber
from contacts.own_numbers import is_own_number
from reminders.deciding.sending_mode import leaves_this_machine, mode_of
from reminders.deciding.situations import is_never_dialled, zones_of
from reminders.models import SendingSwitch, TestCall
from reminders.rules.calling_hours import OUTER, CallingHours, next_allowed
from reminders.rules.modes import SendingMode
from reminders.rules.reasons import ReasonOfTest

ANY_ALLOWED_HOUR = CallingHours(*OUTER)


def find_verified_number(user: User) -> PhoneNumber | None:
    """The number that this person verified last."""
    numbers = PhoneNumber.objects.filter(verified_by=user, verified_at__isnull=False)
    return numbers.order_by("-verified_at").first()


def find_test_objection(test: TestCall, now: datetime) -> str:
    """The code of why it may not go out at `now` (aware UTC), or "". It need not be saved yet."""
    number, switch = test.number, SendingSwitch.objects.filter(pk=1).first() or SendingSwitch()
    zone = test.location.time_zone if test.location else ""
    zones = zones_of("", zone or next(iter(number.time_zones), "UTC"), number.time_zones)
    checks = [
        (switch.paused_at is not None, ReasonOfTest.TEST_PAUSED),
        (mode_of(switch) == SendingMode.SANDBOX and leaves_this_machine(), ReasonOfTest.TEST_SANDBOX_MODE),
        (not test.by.is_active, ReasonOfTest.TEST_NO_LOGIN),
        (is_never_dialled(number), ReasonOfTest.TEST_NEVER_DIALLED),
        (is_own_number(number.e164), ReasonOfTest.TEST_OWN_NUMBER),
        (number.opted_out_at(test.channel) is not None, ReasonOfTest.TEST_OPTED_OUT),
        (not zones or next_allowed(now, ANY_ALLOWED_HOUR, zones) != now, ReasonOfTest.TEST_AT_NIGHT),
        (
            test.purpose == TestCall.Purpose.TEST and number.verified_by_id != test.by_id,
            ReasonOfTest.TEST_NOT_VERIFIED,
        ),
    ]
    return next((reason for objected, reason in checks if objected), "")
