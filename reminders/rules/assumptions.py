"""What we assume about Robotalker, as things to try on the real account before going live. Pure.

Each covers rows of the table in docs/robotalker.md (a test holds the two together) and says what a person
does with their own phone, what should happen, and what to change if it happens otherwise.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

CALL, TEXT, CALL_TOGETHER, TEXT_TOGETHER = "call", "text", "call_together", "text_together"


@dataclass(frozen=True)
class Assumption:
    """`by`: the test that shows it: CALL, TEXT, CALL_TOGETHER or TEXT_TOGETHER; "" for none of these.

    `switch`: what to set where it is otherwise. `covers`: first cells of rows of the table, up to "…".
    """

    code: str
    title: str | Promise
    deed: str | Promise
    expected: str | Promise
    by: str = ""
    switch: str | Promise = ""
    covers: tuple[str, ...] = ()


ASSUMPTIONS: tuple[Assumption, ...] = (
    Assumption(
        "answers",
        _("The answer to a call"),
        _("Order a test call."),
        _("It is accepted, with an id, and your phone rings with the right caller id and voice."),
        CALL,
        covers=(
            "the events of a test call",
            "the host",
            "which voices exist",
            "which number calls",
            "the names of fields",
        ),
    ),
    Assumption(
        "key_webhooks",
        _("What pressing a key posts"),
        _("Order a test call, answer it, and press 1. Do it again, and press 3, then 1."),
        _("The test shows the keys, in order, and an event on key-1 came."),
        CALL,
        _("Tell whoever looks after Callboard: answers by key can't be relied on. Don't go live."),
        covers=(
            "what a key's webhook posts",
            "which events at the status URL count as the patient's answer",
            "several keys in one call",
            "a key pressed twice, whose webhook posts the same empty body twice",
            "whether the URL is passed on unchanged",
            "signatures of webhooks",
        ),
    ),
    Assumption(
        "completed",
        _("The event at the end of a call"),
        _("Look at the raw events of the test call that you answered."),
        _("call.completed with a status, a duration and who answered."),
        CALL,
        covers=(
            "events of a call in progress (`call.initiated`, `call.ringing`), …",
            "the names of events",
            "what an event is wrapped in",
            "an event without a name, as JSON or as a form",
            "the encoding",
            "JSON that isn't quite JSON",
            "numbers and texts",
            "how times are written",
            "a timestamp without a time zone",
            "which of `from` and `to` is the patient",
            "how numbers are written in events, in answers and on the list of contacts",
            "ids, order and repetition of events",
            "the same body twice",
        ),
    ),
    Assumption(
        "voicemail",
        _("What a voicemail reports"),
        _("Order a test call, and let your voicemail take it."),
        _("The test says voicemail, and the message is on your voicemail from its beginning."),
        CALL,
        covers=(
            "other words in `amd_result`, and other names for it (`answered_by`, `amd_status`)",
            "a key in an event that says that a machine, or nobody, answered",
            "what a voicemail says",
        ),
    ),
    Assumption(
        "no_answer",
        _("What a declined call reports"),
        _("Order a test call, and decline it."),
        _("The test says not answered or failed, with a reason."),
        CALL,
        covers=("why a call or a text failed",),
    ),
    Assumption(
        "optout",
        _("What the opt-out key reports"),
        _("Order a test call and press 9. Afterwards opt your number in again on a contact's page."),
        _("The test shows 9, your number is opted out here, and the next test is refused."),
        CALL,
        covers=(
            "the body of `contact.optout`",
            "where an opt-out without a call is posted",
            "a call or text that failed since the number is opted out there",
        ),
    ),
    Assumption(
        "campaign",
        _("The body of a campaign, and its events"),
        _("Order a test call as a campaign, answer it, and press 1."),
        _("It is accepted, and the test shows the key."),
        CALL_TOGETHER,
        _("Set ROBOTALKER_CAMPAIGNS=off: every call goes out alone."),
        covers=(
            "the body of `POST /campaigns`",
            "its response",
            "the events of a campaign's calls",
            "the id of a campaign whose response was lost",
            "how large a campaign may be",
            "whether a 400 for a campaign placed some of its calls",
            "whether a campaign counts as one request against the rate",
            "`GET /campaigns/{id}`",
        ),
    ),
    Assumption(
        "text",
        _("The body of a text, and its events"),
        _("Order a test text, and read it on your phone."),
        _("It arrives word for word, and the test says delivered."),
        TEXT,
        covers=(
            "the body of `POST /sms`",
            "events of text messages",
            "the alphabet and length of a text message",
        ),
    ),
    Assumption(
        "text_reply",
        _("What a reply to a text reports"),
        _("Reply C to a test text; then STOP; then START."),
        _("The raw events show each reply. After STOP your number is opted out of texts here."),
        TEXT,
        covers=(
            "what a patient's text says",
            "STOP reported twice, as `sms.received` and as `contact.optout`",
            "whether Robotalker sends a confirming text after STOP",
            "whether Robotalker sends a text to a number that it has as opted out",
            "where the events of the confirming text are posted",
            "the events of a text that staff wrote",
        ),
        switch=_("If no confirming text came after STOP, set OPT_OUT_CONFIRMATION=true."),
    ),
    Assumption(
        "text_batch",
        _("The body of several texts at once"),
        _("Order a test text as a batch."),
        _("It arrives, and the test says delivered."),
        TEXT_TOGETHER,
        _("Set ROBOTALKER_SMS_BATCHES=off: every text goes out alone."),
        covers=("the events of a batch's texts", "whether a 400 for a batch of texts sent some of them"),
    ),
    Assumption(
        "rejected_number",
        _("What a rejected number says"),
        _("In Robotalker's dashboard or with its API, call +10000000000, and copy the answer."),
        _("400, with a message or a field that names the number."),
        switch=_("Tell whoever looks after Callboard what it said: wrong numbers would be tried again."),
        covers=(
            "which 400 is about the number",
            "the body of an error",
            "numbers that can't or mustn't be called",
        ),
    ),
    Assumption(
        "contacts",
        _("Opt-outs on Robotalker's list"),
        _("Record an opt-out for your number here, wait two minutes, and look at the contact there."),
        _("It is opted out there, and after you opt it in again here it isn't."),
        covers=("the body of `/contacts`", "`GET /contacts`", "what `POST /contacts` leaves unchanged"),
    ),
    Assumption(
        "probe",
        _("A harmless question"),
        _("Press “Check now” beside the key above."),
        _("The key is accepted."),
        covers=("a harmless request to check whether Robotalker works",),
    ),
    Assumption(
        "question",
        _("The status of a call"),
        _("Ask for GET /calls/ and the id of your test call, right after a key and once it has ended."),
        _("The same fields as in its events, with the key at the latest after the end."),
        covers=("`GET /calls/{id}`", "whether it has a pressed key at once"),
        switch=_("Leave ROBOTALKER_VERIFY_EVENTS at false, and set ROBOTALKER_ASK_BUDGET=0."),
    ),
    Assumption(
        "limits",
        _("The rate of the plan, and what happens above it"),
        _("Ask Robotalker which rate your plan allows, and whether a 429 applies to the whole account."),
        _("ROBOTALKER_RATE is not above it."),
        switch=_("Set ROBOTALKER_RATE to what the plan allows."),
        covers=("`Retry-After`", "what a 429 applies to"),
    ),
    Assumption(
        "errors",
        _("Whether an error 500 may have placed the call"),
        _("Ask Robotalker, since it can't be provoked."),
        _("No call is placed."),
        switch=_("If one may be, set ROBOTALKER_ON_500=unknown."),
        covers=("whether a 500 accepted the call", "whether an event is posted again if we fail"),
    ),
)
# Rows about what Callboard does not use, so that there is nothing to try.
NOTHING_TO_TRY = frozenset(
    {
        "batches in `POST /calls`",
        "asking about a text message",
        "a way to repeat a POST safely, or to find a call without its id",
        "cancelling a call",
    }
)
BY_CODE = {assumption.code: assumption for assumption in ASSUMPTIONS}
