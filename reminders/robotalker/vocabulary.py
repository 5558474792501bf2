"""The words that Robotalker and phone networks use, folded into closed lists. Pure.

The guide has two words for who answered ("human" and, in its text, "voicemail") and two reasons for a failed
call ("invalid number", "carrier failure"). The other words are those of common telephony interfaces, of SIP
(RFC 3261) and of ISDN (Q.850); which of them Robotalker sends is an assumption (docs/robotalker.md). Words
are compared without case, blanks and punctuation. A word that is in no list is kept and shown as it is.
"""

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache

_BETWEEN_WORDS = re.compile(r"[\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_CODE = re.compile(r"(?:sip |q 850 |q850 |cause |code |error )*(\d{1,3}) *(.*)")


class AmdResult(StrEnum):
    """Who answered, according to answering machine detection (AMD). OTHER is a word that we don't know."""

    HUMAN = "human"
    MACHINE = "machine"
    OTHER = "other"
    UNKNOWN = "unknown"


class FailureReason(StrEnum):
    """Why a call or a text message failed. The codes are also those of rules/reasons.py: CallReason."""

    BUSY = "busy"
    CARRIER = "carrier"
    INVALID_NUMBER = "invalid_number"
    DECLINED = "declined"
    UNREACHABLE = "unreachable"
    BLOCKED = "blocked"
    CANNOT_TEXT = "cannot_text"
    OPTED_OUT_THERE = "opted_out_there"
    NO_ANSWER = "no_answer"  # an outcome of its own, not a failure
    VOICEMAIL = "voicemail"  # likewise


@lru_cache(maxsize=256)  # an event's few words are read several times
def fold_words(words: str) -> str:
    """The words in lower case with one blank between them: "INVALID_Number!" is "invalid number"."""
    spaced = _CAMEL.sub(" ", unicodedata.normalize("NFKC", words[:200]))
    return _BETWEEN_WORDS.sub(" ", spaced).strip().casefold()


# Who answered. The fragments are looked for in the word without blanks ("answering machine").
_MACHINES = (
    "machine", "voicemail", "voicebox", "answerphone", "answering", "mailbox", "fax", "modem", "beep",
    "robot", "screen", "greeting", "record", "automat", "attendant", "assistant", "intercept",
    "announcement", "ivr",
)  # fmt: skip
_PEOPLE = frozenset({"human", "person", "people", "live"})
_SAID_OF_PEOPLE = frozenset({
    "a", "the", "real", "by", "answer", "answered", "detected", "detect", "likely", "voice", "residence",
    "residential", "business", "yes",
})  # fmt: skip
_UNDECIDED = frozenset({
    "", "unknown", "undetermined", "undecided", "uncertain", "unsure", "not sure", "notsure", "none", "null",
    "n a", "na", "not available", "unavailable", "disabled", "off", "not run", "not enabled", "no result",
})  # fmt: skip
_NEGATIONS = frozenset({"no", "not", "non", "without"})


@lru_cache(maxsize=256)
def fold_amd(word: str) -> AmdResult:
    """Who answered. OTHER for a word that we don't know: it is never taken for a person (product rule 36)."""
    folded = fold_words(word)
    words = set(folded.split())
    if folded in _UNDECIDED:
        return AmdResult.UNKNOWN
    if words & _NEGATIONS:
        return AmdResult.OTHER
    if words & {"vm", "am", "amd"} or any(part in folded.replace(" ", "") for part in _MACHINES):
        return AmdResult.MACHINE
    if words & _PEOPLE and words <= _PEOPLE | _SAID_OF_PEOPLE:
        return AmdResult.HUMAN
    return AmdResult.OTHER


# Why it failed: the whole reason without its code, so that a good number isn't marked by a word in passing.
_PHRASES: dict[FailureReason, str] = {
    FailureReason.INVALID_NUMBER: """
        invalid number|invalid phone|invalid phone number|invalid destination|invalid destination number
        invalid to number|invalid recipient|invalid recipient number|invalid msisdn|invalid number format
        number invalid|number is invalid|phone number invalid|phone number is invalid|not a valid number
        not a valid phone number|number not valid|bad number|wrong number|malformed number
        incomplete number|number incomplete|address incomplete|vacant number|vacant code
        unallocated|unallocated number|unallocated unassigned number|unassigned|unassigned number
        not in service|number not in service|number is not in service|number out of service
        disconnected|disconnected number|number disconnected|number is disconnected
        number has been disconnected|number changed|number has changed|changed number|gone
        nonexistent|non existent|nonexistent number|non existent number|does not exist|no such number
        number does not exist|number doesn t exist|does not exist anywhere|unknown number|unknown subscriber
        number not found|subscriber not found|deactivated number|number deactivated|number not in use
    """,
    FailureReason.BUSY: """
        busy|user busy|line busy|line is busy|number busy|subscriber busy|called party busy|callee busy
        busy here|busy everywhere|busy line|busy signal|busy tone|engaged|line engaged|user is busy
    """,
    FailureReason.DECLINED: """
        declined|decline|call declined|user declined|declined by user|rejected|reject|call rejected
        user rejected|rejected by user|refused|call refused
    """,
    FailureReason.UNREACHABLE: """
        unreachable|not reachable|user unreachable|number unreachable|destination unreachable
        absent subscriber|subscriber absent|switched off|phone off|phone switched off|powered off
        out of coverage|out of range
        temporarily unavailable|user not registered|not registered|destination out of order|device unreachable
        unreachable destination handset|unreachable handset
    """,
    FailureReason.CARRIER: """
        carrier|carrier failure|carrier error|carrier failed|carrier unavailable|network|network failure
        network error|network busy|network congestion|network out of order|network unavailable|congestion
        switch congestion|switching equipment congestion|circuit busy|circuits busy|all circuits busy
        all lines busy|trunk busy|no circuit|no circuit available|no circuit channel available|no route
        no route to destination|no route to transit network|temporary failure|temporarily failure
        gateway error|gateway failure|service unavailable|server error|server internal error
        bad gateway|upstream error
    """,
    FailureReason.BLOCKED: """
        blocked|call blocked|message blocked|blocked by carrier|carrier blocked|filtered|message filtered
        carrier filtered|carrier violation|spam|spam blocked|spam detected|unwanted|barred|number barred
    """,
    FailureReason.CANNOT_TEXT: """
        landline|land line|is a landline|number is a landline|not a mobile|not a mobile number|not mobile
        not sms capable|sms not supported|sms unsupported|cannot receive sms|can t receive sms|not textable
        landline or unreachable carrier|fixed line|text not supported
    """,
    FailureReason.OPTED_OUT_THERE: """
        opted out|opt out|optout|recipient opted out|user opted out|contact opted out|number opted out
        unsubscribed|user unsubscribed|unsubscribed recipient|stop|stopped|replied stop|do not call|dnc
        on do not call list|blacklisted|recipient blacklisted|blocked by recipient|blocked by user
    """,
    FailureReason.NO_ANSWER: """
        no answer|noanswer|not answered|unanswered|no reply|no response|no user responding|timeout|timed out
        time out|ring timeout|ringing timeout|no answer from user|no pick up|not picked up
    """,
    FailureReason.VOICEMAIL: """
        voicemail|voice mail|machine|machine detected|answering machine|answering machine detected
        left voicemail|voicemail left|went to voicemail|fax|answerphone|mailbox
    """,
}
_REASON_BY_PHRASE = {
    phrase.strip(): reason
    for reason, phrases in _PHRASES.items()
    for line in phrases.split("\n")
    for phrase in line.split("|")
    if phrase.strip()
}
# SIP statuses (three digits) and Q.850 causes (one or two). 404 is not among them: it also stands for "no
# route", and must not mark a good number.
_REASON_BY_CODE = {
    **dict.fromkeys(["1", "22", "28", "410", "484", "604"], FailureReason.INVALID_NUMBER),
    **dict.fromkeys(["17", "486", "600"], FailureReason.BUSY),
    **dict.fromkeys(["21", "603"], FailureReason.DECLINED),
    **dict.fromkeys(["20", "27", "480"], FailureReason.UNREACHABLE),
    **dict.fromkeys(["18", "19", "408", "487"], FailureReason.NO_ANSWER),
    **dict.fromkeys(
        ["3", "34", "38", "41", "42", "44", "47", "500", "502", "503", "504"], FailureReason.CARRIER
    ),
    **dict.fromkeys(["607", "608"], FailureReason.BLOCKED),
}


@lru_cache(maxsize=256)
def fold_reason(words: str) -> FailureReason | None:
    """The reason that these words stand for ("17 user busy", "USER_BUSY"); None for words we don't know.

    Words count more than a code beside them; a code alone counts if it has two digits or more. A code beside
    words that we don't know never makes a number unusable.
    """
    folded = fold_words(words)
    if folded in _REASON_BY_PHRASE:
        return _REASON_BY_PHRASE[folded]
    found = _CODE.fullmatch(folded)
    if found is None:
        return None
    code, rest = found.groups()
    if rest in _REASON_BY_PHRASE:
        return _REASON_BY_PHRASE[rest]
    by_code = _REASON_BY_CODE.get(code)
    if rest:
        return by_code if len(code) == 3 and by_code != FailureReason.INVALID_NUMBER else None
    return by_code if len(code) > 1 or folded != code else None
