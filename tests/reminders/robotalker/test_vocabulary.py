"""The words for who answered (product rule 36) and for why a call failed (product rule 37)."""

import pytest

from reminders.robotalker.vocabulary import AmdResult, FailureReason, fold_amd, fold_reason, fold_words

MACHINES = [
    "machine",
    "machine_start",
    "machine_end_beep",
    "machine_end_silence",
    "machine_end_other",
    "MACHINE-START",
    "fax",
    "FAX",
    "answering_machine",
    "Answering Machine",
    "AnsweringMachine",
    "answering-machine",
    "voicemail",
    "Voice Mail",
    "voice_mail",
    "answerphone",
    "beep",
    "beep_detected",
    "call_screening",
    "screening",
    "mailbox",
    "robot",
    "greeting",
    "recording",
    "ivr",
    "modem",
    "automated_attendant",
    "vm",
    "live_machine",
]
PEOPLE = ["human", "HUMAN", " Human ", "person", "live", "live_person", "human-answer", "human_residence"]
UNDECIDED = ["", "unknown", "Unknown", "not_sure", "notsure", "undetermined", "none", "N/A", "disabled"]
OTHERS = ["squid", "not_human", "no_machine", "non-machine", "true", "1", "silence", "human?squid", "お"]


@pytest.mark.parametrize(
    ("word", "who"),
    [
        *((word, AmdResult.MACHINE) for word in MACHINES),
        *((word, AmdResult.HUMAN) for word in PEOPLE),
        *((word, AmdResult.UNKNOWN) for word in UNDECIDED),
        *((word, AmdResult.OTHER) for word in OTHERS),
    ],
)
def test_only_a_word_for_a_person_is_a_person(word: str, who: AmdResult) -> None:
    assert fold_amd(word) == who


REASONS: dict[FailureReason | None, list[str]] = {
    FailureReason.INVALID_NUMBER: [
        "invalid_number",
        "invalid number",
        "INVALID_NUMBER",
        "Invalid-Number!",
        "InvalidNumber",
        "unallocated_number",
        "Unallocated (unassigned) number",
        "not_in_service",
        "number not in service",
        "unassigned",
        "disconnected",
        "number_changed",
        "1 unallocated number",
        "28 invalid number format",
        "SIP 604",
        "410 Gone",
        "cause 22",
        "Q.850 cause 1",
        "number does not exist",
    ],
    FailureReason.BUSY: [
        "busy",
        "Busy",
        "BUSY",
        "user_busy",
        "line_busy",
        "line-busy",
        "486",
        "17 user busy",
        "SIP 486",
        "486 Busy Here",
        "486 whatever",
        "600",
        "Q.850 17",
        "busy_signal",
        "engaged",
    ],
    FailureReason.CARRIER: [
        "carrier",
        "carrier failure",
        "CARRIER_FAILURE",
        "network_error",
        "network busy",
        "all circuits busy",
        "congestion",
        "switch_congestion",
        "503",
        "503 Service Unavailable",
        "no_route_to_destination",
        "38",
    ],
    FailureReason.DECLINED: [
        "declined",
        "rejected",
        "call_rejected",
        "21 call rejected",
        "603 Decline",
        "603",
    ],
    FailureReason.NO_ANSWER: ["no_answer", "No-Answer", "timeout", "ring_timeout", "408", "19"],
    FailureReason.UNREACHABLE: ["unreachable", "subscriber_absent", "switched off", "480", "20"],
    FailureReason.CANNOT_TEXT: ["landline", "Landline", "not_a_mobile", "sms_not_supported"],
    FailureReason.OPTED_OUT_THERE: [
        "opted_out",
        "unsubscribed",
        "do_not_call",
        "blacklisted",
        "blocked_by_user",
    ],
    FailureReason.BLOCKED: ["blocked", "carrier_violation", "message_filtered", "607"],
    FailureReason.VOICEMAIL: ["voicemail", "answering machine detected"],
    # unknown words are shown as they are, and never mark a number
    None: [
        "",
        "failed",
        "squid",
        "404",
        "404 Not Found",
        "1",
        "7",
        "invalid from number",
        "invalid caller id",
        "the number was valid",
        "invalid number of recipients",
        "410 error",
        "604 squid",
        "number",
        "not busy",
        "invalid",
        "22 tries",
        "123456",
        "busy bee",
        "number ported",
        "numbers",
        "invalid numbers in campaign",
    ],
}


@pytest.mark.parametrize(
    ("words", "reason"), [(words, reason) for reason, several in REASONS.items() for words in several]
)
def test_a_reason_is_told_by_its_whole_words_or_its_code(words: str, reason: FailureReason | None) -> None:
    assert fold_reason(words) == reason


def test_hostile_words_are_folded_in_bounded_length() -> None:
    assert len(fold_words("a_" * 100_000)) <= 400
    assert fold_reason("9" * 100_000) is None
