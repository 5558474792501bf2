"""What people write into the subject or description of an event that is off, or may be. Knows no Django.

Outlook writes “Canceled:” before the subject of a meeting that was called off, people write “Cancelled - ”,
“CXL ” or “(cancelled by phone)” behind it; STATUS stays as it was.
"""

import re
import unicodedata

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
HAPPENED = r"(?:late cancel(?:lation)?|storno|stornierung|annulation)"  # alone on a line it is no link
THING = r"(?:(?:this|the|your|su) )?(?:cita|event|appointment|appt|visit|meeting)"
PEOPLE = r"(?:the |le |la |den |die )?(?:pt|patient|client|parent|mother|mom|father|dad|family|office)"
WITH_A_REASON = r"(?:\s+[-–—]|\s+(?:by|per|via|on|at|due)\b(?! (?:least|short)\b))"
ON_CONDITION = r"(?!,? (?:automatically )?(?:if|when|unless|without)\b)"
IN_A_LINE = re.compile(
    rf"^[^\w\n]*(?:(?:\w+ )?(?:status|state)\s*[:=]\s*(?:{WAS_CALLED_OFF}\b"
    rf"|{OFF}\b(?! (?:requested|policy|fee|pending|via|on our|(?:by|per) (?:phone|text|e-?mail))|[^\w\n]*\?))"
    rf"|{THING} (?:(?:has been|was|ha sido) {WAS_CALLED_OFF}\b|is {WAS_CALLED_OFF}\b{ON_CONDITION})"
    rf"|(?:{THING} )?{WAS_CALLED_OFF}(?:[^\w\n?]*$|{WITH_A_REASON})"
    rf"|{HAPPENED}[^\w\n?]*$"
    rf"|{OFF} (?:by|per|durch|par) {PEOPLE}\b"
    rf"|{OFF} due to \w+(?: \w+)?[^\w\n]*$)",
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
    description = unicodedata.normalize("NFC", description)
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
