"""What people write into the subject or description of an event that is off, or may be. Knows no Django.

Outlook writes “Canceled:” before the subject of a meeting that was called off, people write “Cancelled - ”,
“CXL ” or “(cancelled by phone)” behind it; STATUS stays as it was.
"""

import re

OFF = (
    r"(?:cancell?ed|cancelad[oa]|annul(?:ée?|ation)|abgesagt|storniert|stornierung|storno|cancellation"
    r"|cxl|canx|(?:late )?cancel)"
)
AT_THE_START = re.compile(rf"^\W*(?:cita |visit |appt )?{OFF}\b(?:\s*[:*\-–—|/)\]]+|\s)\s*", re.IGNORECASE)
AT_THE_END = re.compile(
    rf"\s*(?:[(\[*\-–—|/]\s*|\s){OFF}\b(?:\W*|\s(?:by|per|via|on|at|due|pt|patient)\b[^:]{{0,60}})$",
    re.IGNORECASE,
)
BY_SOMEBODY = re.compile(rf"^\W*{OFF} (?:by|per|via|on|at) [^:]{{1,60}}:\s*", re.IGNORECASE)
IN_A_LINE = re.compile(
    rf"^[^\w\n]*(?:(?:\w+ )?(?:status|state)\s*[:=]\s*{OFF}\b"
    rf"|(?:this )?(?:event|appointment|appt|visit|meeting) (?:has been|was|is) {OFF}\b"
    rf"|{OFF}[^\w\n]*$|{OFF} (?:by|per|via|on|at|due)\b)",
    re.IGNORECASE | re.MULTILINE,
)
# Nobody knows whether the patient is expected: these become the status, which staff explain or reject.
DOUBTS = (
    r"(?:on hold|hold|waitlist(?:ed)?|wait list|rescheduled?|resched|moved|declined|deceased|cx|no[- ]?show)"
)
DOUBTED = re.compile(
    rf"^\W*(?P<before>{DOUBTS})\s*[:*\-–—|/)\]]|^\W*(?P<first>cx)\s"
    rf"|[(\[*\-–—|/]\s*(?P<behind>{DOUBTS})\b[^:]{{0,60}}$",
    re.IGNORECASE,
)


def is_called_off(subject: str, description: str) -> bool:
    """Whether subject or description say that the visit doesn't take place."""
    is_in_subject = any(each.search(subject) for each in (AT_THE_START, BY_SOMEBODY, AT_THE_END))
    return is_in_subject or IN_A_LINE.search(description) is not None


def strip_called_off(subject: str) -> str:
    """The subject without these words."""
    for each in (BY_SOMEBODY, AT_THE_START, AT_THE_END):
        subject = each.sub("", subject, count=1)
    return subject.strip()


def find_doubt(subject: str) -> str:
    """What a subject says of a visit that may not take place, such as “hold”; "" for nothing."""
    found = DOUBTED.search(subject)
    return (found["before"] or found["first"] or found["behind"]).lower() if found else ""
