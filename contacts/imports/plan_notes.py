"""What a report says of a row or a patient that isn't taken as the file has it: what, and what to do."""

from django.utils.translation import gettext_noop

VISIT_ALREADY_RECORDED = (
    gettext_noop("The visit is already recorded here, so the appointment isn't changed."),
    gettext_noop("If the recorded visit is wrong, correct it here."),
)
RECORDED_AS_IT_WAS = (
    gettext_noop("The visit is already recorded here, so its length and provider stay."),
    gettext_noop("If the recorded visit is wrong, correct it here."),
)
CANCELLED_HERE = (
    gettext_noop("Staff cancelled this appointment here, so it stays cancelled."),
    gettext_noop("Book it again here, or cancel it in your practice system too."),
)
STAYS_CANCELLED = (
    gettext_noop("This appointment is cancelled here, and the file gives no status, so it stays cancelled."),
    gettext_noop("If the patient is expected, book it again here."),
)
BOOKED_HERE = (
    gettext_noop(
        "Staff booked this appointment again here, so the older cancellation in the file isn't used."
    ),
    gettext_noop("Book it again in your practice system too, or cancel it here."),
)
MOVED_HERE = (
    gettext_noop("Staff moved this appointment here, so the older time in the file isn't used."),
    gettext_noop("Move it in your practice system too."),
)
BOTH_CHANGED = (
    gettext_noop("This was changed here and in the file. What is here stays."),
    gettext_noop("Find out which is right, and correct it here or in your practice system."),
)
OTHER_PATIENT = (
    gettext_noop("Here this appointment belongs to another patient."),
    gettext_noop(
        "Check whose appointment it is. If the file is right, cancel it here and book it again for "
        "this patient."
    ),
)
OTHER_PERSON = (
    gettext_noop(
        "Here this patient id belongs to somebody else: neither the name nor the number is the same."
    ),
    gettext_noop(
        "If the practice system has given the id to another patient, correct it there and export again."
    ),
)
CANCELLED_ALL_THE_SAME = (
    gettext_noop("The appointment is cancelled, though its patient in the file differs from the one here."),
    gettext_noop("Check that the right appointment was cancelled."),
)
ONLY_CANCELLED = (
    gettext_noop("The appointment is cancelled, though the row has other errors."),
    gettext_noop("Correct them in your practice system."),
)
OLDER_VERSION = (
    gettext_noop(
        "An older version of this visit than the one that was imported before, so nothing of it is used."
    ),
    gettext_noop("Nothing to do if the file is an old one. If it is right, correct the visit here."),
)
SERIES_CANCELLED = (
    gettext_noop("The calendar cancels the whole series, so this visit of it is cancelled too."),
    gettext_noop("Check that the whole series was meant."),
)
OTHER_TIMES = (
    gettext_noop("The calendar has other times of this event, so this visit is cancelled."),
    gettext_noop("Check that the patient knows the new time."),
)
RELATIVE = (
    gettext_noop(
        "Here a relative has this patient id, so it is taken for an account that a household shares."
    ),
    gettext_noop("If they are one person, correct the first name here, then import the file again."),
)
SEVERAL_FIT = (
    gettext_noop(
        "The row has no patient id, and several people in the file have its name and number, so it is taken "
        "for somebody else."
    ),
    gettext_noop(
        "Enter the patient id in your practice system, or merge the two contacts here if they are one person."
    ),
)
ID_BESIDE = (
    gettext_noop(
        "The contact here who has this name and number is taken for another patient id of the file, so this "
        "one is somebody else."
    ),
    gettext_noop("Nothing to do if they are two people. If they are one, merge the two contacts here."),
)
WITHOUT_ZEROS = (
    gettext_noop(
        "This id was matched with the one here that has zeros in front, because the patient is the same."
    ),
    gettext_noop("Export again without opening the list in a spreadsheet, which removes the zeros."),
)
ID_WRITTEN_ANEW = (
    gettext_noop(
        "This id was matched with one that is written in another way, because the patient is the same."
    ),
    gettext_noop("Nothing to do if it is the same. Ids should be written alike in each list."),
)
DAMAGED_NAME = (
    gettext_noop("Letters of this name are damaged in the file. The name recorded here stays."),
    gettext_noop("Export the list again as UTF-8."),
)


def explain_written_anew(given: str, here: str) -> tuple[str, str]:
    """What is said of an id of the file that is written in another way here."""
    return WITHOUT_ZEROS if given == here.lstrip("0") else ID_WRITTEN_ANEW
