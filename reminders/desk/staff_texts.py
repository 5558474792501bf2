"""Writing a text to a number, and marking what came from it as read."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext, ngettext

from contacts.audit.trail import record_deed_of_page
from contacts.database.clock import read_database_clock
from contacts.models import Location, PhoneNumber
from contacts.worker_hints import hint_worker
from reminders.deciding.text_objections import find_text_location, find_text_objection, with_text_location
from reminders.models import ReceivedText, StaffText
from reminders.rules.reasons import sentence_for
from reminders.wording.scripts import caller_id, choose_letters
from reminders.wording.sms_alphabet import measure_text

TASK = "reminders.tasks.send_texts"
TICK = 10  # seconds
LONGEST_WORDS = 1000  # characters that a form may bring; how many fit is said beside it


class TextRefused(ValueError):
    """The text can't be sent. The message says why, in a sentence for staff."""


@transaction.atomic
def write_text(number_id: int, words: str, *, by: User, public_id: str) -> StaffText:
    """Order a text to the number; a worker sends it within seconds. What was unread from it is then read.

    `public_id`: of the form, which may be sent twice. Raises TextRefused, and PhoneNumber.DoesNotExist.
    """
    numbers = with_text_location(PhoneNumber.objects.select_for_update(no_key=True))
    number = numbers.get(pk=number_id)
    if known := StaffText.objects.filter(public_id=public_id, number=number, by=by).first():
        return known
    words = words.replace("\x00", "").replace("\r\n", "\n").strip()
    words = choose_letters("{WORDS}", {"WORDS": words})["WORDS"]
    if refusal := find_fault_in_words(words):
        raise TextRefused(refusal)
    locations = list(Location.objects.all())
    location = find_text_location(number, locations)
    if location is None:
        raise TextRefused(gettext("Enter a location first: texts come from its number."))
    text = StaffText(
        public_id=public_id,
        number=number,
        by=by,
        location=location,
        from_number=caller_id(location),
        text=words,
    )
    if objection := find_text_objection(text, read_database_clock(), locations=locations):
        raise TextRefused(sentence_for(objection))
    text.save()
    record_deed_of_page(number)
    mark_read(number_id, by=by)
    hint_worker(TASK, worth_seconds=TICK)
    return text


def mark_read(number_id: int, *, by: User, up_to: int | None = None) -> int:
    """Mark what the number wrote as read, up to the text with this id; how many texts that were."""
    unread = ReceivedText.objects.unread().filter(number=number_id)
    if up_to is not None:
        unread = unread.filter(pk__lte=up_to)
    return unread.update(read_at=read_database_clock(), read_by=by)


def find_fault_in_words(words: str) -> str:
    """Why these words can't be a text, as a sentence for staff; "" if they can."""
    if not words:
        return gettext("Write something first.")
    if "{" in words or "}" in words:
        return gettext("A text can't have { or } in it.")
    length = measure_text(words)
    over = length.units - length.most_units
    if over > 0 and length.letters:
        letters = " ".join(length.letters[:5])
        return ngettext(
            "It is %(over)d character too long: with %(letters)s in it, a text holds only %(most)d.",
            "It is %(over)d characters too long: with %(letters)s in it, a text holds only %(most)d.",
            over,
        ) % {"over": over, "letters": letters, "most": length.most_units}
    if over > 0:
        return ngettext(
            "It is %(over)d character too long: a text holds %(most)d.",
            "It is %(over)d characters too long: a text holds %(most)d.",
            over,
        ) % {"over": over, "most": length.most_units}
    return ""
