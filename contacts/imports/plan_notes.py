"""What a report says of a row or a patient that isn't taken as the file has it: what, and what to do."""

VISIT_ALREADY_RECORDED = (
    "The visit is already recorded here, so the appointment isn't changed.",
    "If the recorded visit is wrong, correct it here.",
)
CANCELLED_HERE = (
    "Staff cancelled this appointment here, so it stays cancelled.",
    "Book it again here, or cancel it in your practice system too.",
)
STAYS_CANCELLED = (
    "This appointment is cancelled here, and the file gives no status, so it stays cancelled.",
    "If the patient is expected, book it again here.",
)
BOOKED_HERE = (
    "Staff booked this appointment again here, so the older cancellation in the file isn't used.",
    "Book it again in your practice system too, or cancel it here.",
)
MOVED_HERE = (
    "Staff moved this appointment here, so the older time in the file isn't used.",
    "Move it in your practice system too.",
)
BOTH_CHANGED = (
    "This was changed here and in the file. What is here stays.",
    "Find out which is right, and correct it here or in your practice system.",
)
OTHER_PATIENT = (
    "Here this appointment belongs to another patient.",
    "Check whose appointment it is. If the file is right, cancel it here and book it again for this patient.",
)
OTHER_PERSON = (
    "Here this patient id belongs to somebody else: neither the name nor the number is the same.",
    "If the practice system has given the id to another patient, correct it there and export again.",
)
CANCELLED_ALL_THE_SAME = (
    "The appointment is cancelled, though its patient in the file differs from the one here.",
    "Check that the right appointment was cancelled.",
)
ONLY_CANCELLED = (
    "The appointment is cancelled, though the row has other errors.",
    "Correct them in your practice system.",
)
RELATIVE = (
    "Here a relative has this patient id, so it is taken for an account that a household shares.",
    "If they are one person, correct the first name here, then import the file again.",
)
WITHOUT_ZEROS = (
    "This id was matched with the one here that has zeros in front, because the patient is the same.",
    "Export again without opening the list in a spreadsheet, which removes the zeros.",
)
DAMAGED_NAME = (
    "Letters of this name are damaged in the file. The name recorded here stays.",
    "Export the list again as UTF-8.",
)
