"""What people write into the subject or description of an event that is off, or may be. Knows no Django.

Outlook writes “Canceled:” before the subject of a meeting that was called off, people write “Cancelled - ”,
“CXL ” or “(cancelled by phone)” behind it; STATUS stays as it was.
"""

import re

WAS_CALLED_OFF = r"(?:(?:late )?cancell?ed|cancelad[oa]|annulée?|abgesagt|storniert|cxl|canx)"
OFF = rf"(?:{WAS_CALLED_OFF}|annulation|stornierung|storno|cancellation|(?:late )?cancel)"
AT_THE_START = re.compile(rf"^\W*(?:cita |visit |appt )?{OFF}\b(?:\s*[:*\-–—|/)\]]+|\s)\s*", re.IGNORECASE)
AT_THE_END = re.compile(
    rf"\s*(?:[(\[*\-–—|/]\s*|\s){OFF}\b(?:\W*|\s(?:by|per|via|on|at|due|pt|patient)\b[^:]{{0,60}})$",
    re.IGNORECASE,
)
BY_SOMEBODY = re.compile(rf"^\W*{OFF} (?:by|per|via|on|at) [^:]{{1,60}}:\s*", re.IGNORECASE)
# A description also has the practice's rules and links (“Cancel by phone”, “Cancellation on short notice
# costs $50”), so there only what has happened counts: at the start of a line, or behind a label.
IN_A_LINE = re.compile(
    rf"^[^\w\n]*(?:(?:\w+ )?(?:status|state)\s*[:=]\s*(?:{WAS_CALLED_OFF}\b|{OFF}[^\w\n?]*$)"
    rf"|(?:this )?(?:event|appointment|appt|visit|meeting) (?:(?:has been|was) {WAS_CALLED_OFF}\b"
    rf"|is {WAS_CALLED_OFF}\b(?!,? (?:automatically )?(?:if|when|unless|without)\b))"
    rf"|{WAS_CALLED_OFF}[^\w\n?]*$|{WAS_CALLED_OFF} (?:by|per|via|on|at|due)\b(?! least\b))",
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
