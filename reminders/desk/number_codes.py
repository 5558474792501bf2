"""Verifying a number of staff: a call speaks a code, and whoever hears it enters it on a page.

Three tries for each code, within ten minutes. So that nobody's phone can be made to ring again and again, one
person gets few such calls in a day, and so does one number, whoever asks.
"""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext, ngettext

from contacts.database.clock import read_database_clock
from contacts.models import Location, PhoneNumber
from contacts.models.people import Channel
from contacts.number_faults import NotANumber
from contacts.numbers import parse_number
from contacts.people import get_or_create_number
from reminders.desk.test_calls import TestRefused, submit_test
from reminders.lifecycle.locking import lock_numbers
from reminders.models import TestCall
from reminders.rules.number_codes import CODES_A_DAY, CODES_A_DAY_TO_NUMBER, MOST_TRIES, may_be_entered
from reminders.wording.test_messages import CODE_MESSAGE, speak_without_code

VOICE = "en-US-Neural-F"


class WrongCode(ValueError):
    """The code doesn't verify the number. The message says why and what to do, in a sentence for staff."""


@transaction.atomic
def request_code(written_number: str, *, by: User) -> TestCall:
    """Have a call speak a code to this number, as a person wrote it. Raises TestRefused."""
    location = Location.objects.first()
    region = location.region if location else settings.PHONE_REGION
    try:
        number = get_or_create_number(parse_number(written_number, region))
    except NotANumber as fault:
        raise TestRefused(str(fault)) from fault
    lock_numbers([number.pk])
    _check_number_is_left_in_peace(number)
    practice = location.spoken_name if location else gettext("your practice")
    test = TestCall(
        purpose=TestCall.Purpose.CODE,
        by=by,
        number=number,
        location=location,
        channel=Channel.VOICE,
        from_number=settings.ROBOTALKER_FROM_NUMBER,
        voice=VOICE,
        message=CODE_MESSAGE,
        variables={"PRACTICE": practice},
        text=speak_without_code(practice),
    )
    submit_test(test, most_a_day=CODES_A_DAY)
    return test


def _check_number_is_left_in_peace(number: PhoneNumber) -> None:
    since = read_database_clock() - timedelta(days=1)
    calls = TestCall.objects.filter(purpose=TestCall.Purpose.CODE, number=number, created_at__gt=since)
    if calls.count() >= CODES_A_DAY_TO_NUMBER:
        raise TestRefused(gettext("This number was called with a code often enough today."))


def verify_number(code: str, *, by: User) -> PhoneNumber:
    """Take the code that the last call to this person spoke; the number, now verified. Raises WrongCode.

    A wrong code counts as a try even though it raises: the count is committed before.
    """
    test, is_right = _count_try("".join(code.split()).replace(",", ""), by)
    if test is None:
        raise WrongCode(gettext("No code is waiting for you, or it is too old. Ask for a new one."))
    if not is_right:
        left = MOST_TRIES - test.code_tries
        if left < 1:
            raise WrongCode(gettext("That was not the code, for the third time. Ask for a new one."))
        words = ngettext(
            "That is not the code. You can try %(count)d more time.",
            "That is not the code. You can try %(count)d more times.",
            left,
        )
        raise WrongCode(words % {"count": left})
    return test.number


@transaction.atomic
def _count_try(code: str, by: User) -> tuple[TestCall | None, bool]:
    """The call whose code this should be, with the try counted, and whether it is right; it works once."""
    now = read_database_clock()
    codes = TestCall.objects.filter(by=by, purpose=TestCall.Purpose.CODE).order_by("-pk")
    last = codes.values_list("pk", "number").first()
    if last is None:
        return None, False
    lock_numbers([last[1]])
    test = TestCall.objects.select_related("number").select_for_update(of=("self",)).get(pk=last[0])
    if not test.code_hash or not may_be_entered(test.submitting_at, test.code_tries, now):
        return None, False
    TestCall.objects.filter(pk=test.pk).update(code_tries=F("code_tries") + 1)
    test.code_tries += 1
    if not check_password(code, test.code_hash):
        return test, False
    TestCall.objects.filter(pk=test.pk).update(code_hash="")
    PhoneNumber.objects.filter(pk=test.number_id).update(verified_at=now, verified_by=by)
    test.number.verified_at, test.number.verified_by = now, by
    return test, True


def forget_number(number_id: int, *, of: User | None) -> bool:
    """Take back that this number is verified, if it is `of` this person; a trial no longer calls it.

    `of`: None for anybody's. False if there was nothing to take back.
    """
    verified = PhoneNumber.objects.filter(pk=number_id, verified_at__isnull=False)
    theirs = verified if of is None else verified.filter(verified_by=of)
    return bool(theirs.update(verified_at=None, verified_by=None))
