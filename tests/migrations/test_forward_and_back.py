"""The migrations to codes and to new names: old rows are migrated forward, and back."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.apps.registry import Apps

from tests.migrations.stages import (
    BEFORE_CODES,
    BEFORE_HOLIDAYS,
    BEFORE_NAMES,
    BEFORE_WALL_TIMES,
    Targets,
    bring_up_to_date,
    migrate,
)

GoBackTo = Callable[[Targets], Apps]
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)

# old reason of a call: its new code and detail. ONE_WAY_... are not the same again after the way back.
CALLS: dict[str, tuple[str, str]] = {
    "": ("", ""),
    "busy": ("busy", ""),
    "invalid_number": ("invalid_number", ""),
    "network_congestion": ("other", "network_congestion"),
    "campaign refused": ("group_refused", ""),
    "no event came in time": ("no_report", ""),
    "settled by a person": ("given_up", ""),
    "Robotalker did not answer in time.": ("read_timed_out", ""),
    "Robotalker asks to slow down (429). `retry_after` is in seconds, capped, or None.": ("rate_limited", ""),
    "rejected (400): to is not a number": ("bad_request", "to is not a number"),
    "rejected (400): no reason given": ("bad_request", ""),
    "rejected (403): no such caller id": ("request_refused", "no such caller id"),
}
ONE_WAY_CALLS: dict[str, tuple[str, str]] = {
    "failed": ("", ""),
    "unusable answer: call_id: missing": ("answer_unusable", ""),
    "rejected (0): our own request was wrong: no value for {FIRST_NAME}": ("not_writable", ""),
}
ERRORS: dict[str, tuple[str, str]] = {
    "Robotalker answered, but did not take it over": ("not_taken_over", ""),
    "rejected (400): to is not a number": ("bad_request", "to is not a number"),
}
ENTRIES: dict[str, tuple[str, str]] = {
    "": ("", ""),
    "pressed 5": ("unknown_key", "5"),
    "wrote in words; the event shows the text": ("in_words", ""),
    "confirmed, for the time before the move": ("confirmed_old_time", ""),
    "There is no number to call.": ("no_number", ""),
    "no event came in time": ("no_report", ""),
    "rejected (400): message too long": ("bad_request", "message too long"),
}
RESOLUTIONS: dict[str, tuple[str, str]] = {
    "called again": ("called_again", ""),
    "settled without another call": ("not_called_again", ""),
    "Robotalker reported after all": ("overtaken", ""),
    "left a note at the desk": ("done", "left a note at the desk"),
    "": ("done", ""),
}
WAYS = {
    "key 1": ("key_1",),
    "key 2": ("key_2",),
    "text message": ("text",),
    "by phone": ("phone",),
    "import": ("import",),
}
ONE_WAY_WAYS = {"by carrier pigeon": ("",)}
CHANNELS = {
    ("voice", False): ("",),
    ("voice", True): ("sms",),
    ("sms", False): ("",),
}  # step, by_text
UNUSABLE = {
    "": ("", ""),
    "Robotalker: invalid number": ("invalid_number", ""),
    "Robotalker rejected it: to is not a number": ("rejected", "to is not a number"),
    "Robotalker rejected it: ": ("rejected", ""),
    "rejected": ("other", "rejected"),
    "The line was cut off.": ("other", "The line was cut off."),
    ("Robotalker rejected it: " + "x" * 200)[:200]: ("rejected", "x" * 176),
}
DID = "since 2026-01-05 08:00 UTC, 3 tasks begun"


class OldClinic:
    """Old rows, written through the models of that time."""

    def __init__(self, apps: Apps) -> None:
        self.apps = apps
        self.number = self.make_number(100)
        self.location = self.make(
            "contacts.Location",
            name="Downtown",
            spoken_name="Harbor Clinic",
            time_zone="America/Chicago",
            callback_number="+12025550199",
        )
        self.contact = self.make("contacts.Contact", first_name="Sarah", phone=self.number)
        script = self.make("reminders.Script", name="Reminder")
        self.text = self.make("reminders.ScriptText", script=script, language="en", text="Come.", version=1)
        campaign = self.make("reminders.Campaign", name="Reminders")
        self.steps = {
            channel: self.make(
                "reminders.Step",
                campaign=campaign,
                position=position,
                channel=channel,
                timing_kind="elapsed_before",
                elapsed=timedelta(hours=4),
                script=script,
            )
            for position, channel in enumerate(("voice", "sms"), start=1)
        }

    def make(self, model: str, **fields: Any) -> Any:
        return self.apps.get_model(model)._default_manager.create(**fields)

    def make_number(self, index: int) -> Any:
        return self.make("contacts.PhoneNumber", e164=f"+12025550{index:03}")

    def make_reminder(self, step: str = "voice", *, way: str = "", **fields: Any) -> Any:
        answer = {"answer": "confirmed", "answer_revision": 1, "answered_how": way} if way else {}
        appointment = self.make(
            "contacts.Appointment",
            contact=self.contact,
            location=self.location,
            starts_at=NOON,
            ends_at=NOON + timedelta(minutes=30),
            revised_at=NOON,
            **answer,
        )
        self.make(
            "contacts.AppointmentChange", appointment=appointment, what="booked", revision=1, how=way, at=NOON
        )
        return self.make(
            "reminders.Reminder",
            appointment=appointment,
            step=self.steps[step],
            revision=1,
            due_at=NOON,
            not_after=NOON,
            next_look_at=NOON,
            **fields,
        )

    def make_call(self, reason: str) -> int:
        call = self.make(
            "reminders.CallRecord",
            reminder=self.make_reminder(),
            number=self.number,
            channel="voice",
            try_number=1,
            from_number="+12025550199",
            script_text=self.text,
            text="Come.",
            state="failed",
            reason=reason,
            submitting_at=NOON,
        )
        return int(call.pk)

    def make_entry(self, detail: str, *, resolution: str | None = None) -> int:
        appointment = self.make_reminder().appointment
        entry = self.make(
            "reminders.FollowUp",
            kind="could_not_reach",
            contact=self.contact,
            appointment=appointment,
            due_at=NOON,
            detail=detail,
            state="open" if resolution is None else "resolved",
            resolution=resolution or "",
        )
        return int(entry.pk)


def read(apps: Apps, model: str, keys: Mapping[Any, int], *fields: str) -> dict[Any, tuple[Any, ...]]:
    """The values of these fields in each row, by its name in `keys`."""
    rows = apps.get_model(model)._default_manager
    return {name: rows.values_list(*fields).get(pk=pk) for name, pk in keys.items()}


def test_sentences_in_old_rows_become_codes_and_sentences_again_on_the_way_back(go_back_to: GoBackTo) -> None:
    clinic = OldClinic(go_back_to(BEFORE_CODES))
    calls = {words: clinic.make_call(words) for words in CALLS | ONE_WAY_CALLS}
    entries = {words: clinic.make_entry(words) for words in ENTRIES}
    settled = {words: clinic.make_entry("", resolution=words) for words in RESOLUTIONS}
    visits = {way: clinic.make_reminder(way=way).appointment_id for way in WAYS | ONE_WAY_WAYS}
    reminders = {kind: clinic.make_reminder(kind[0], by_text=kind[1]).pk for kind in CHANNELS}
    clinic.make(
        "reminders.Heartbeat", name="worker front-1:4711", at=NOON, did=f"takes asking,dispatch {DID}"
    )
    numbers = {words: clinic.make_number(index) for index, words in enumerate(ERRORS)}
    listed = {
        words: clinic.make("reminders.ListedNumber", number=number, error=words).pk
        for words, number in numbers.items()
    }
    clinic.make("reminders.Heartbeat", name="dispatch", at=NOON, did="3 calls")

    new = migrate(BEFORE_NAMES)
    assert read(new, "reminders.CallRecord", calls, "reason", "detail") == CALLS | ONE_WAY_CALLS
    assert read(new, "reminders.ListedNumber", listed, "error", "detail") == ERRORS
    assert read(new, "reminders.FollowUp", entries, "reason", "detail") == ENTRIES
    assert read(new, "reminders.FollowUp", settled, "resolution", "note") == RESOLUTIONS
    assert {*read(new, "reminders.FollowUp", entries, "resolution").values()} == {("",)}, "none is settled"
    assert read(new, "contacts.Appointment", visits, "answered_how") == WAYS | ONE_WAY_WAYS
    assert read(new, "reminders.Reminder", reminders, "channel") == CHANNELS
    beats = new.get_model("reminders.Heartbeat")._default_manager.order_by("name")
    assert list(beats.values_list("name", "queues", "did")) == [
        ("dispatch", [], "3 calls"),
        ("worker front-1:4711", ["asking", "dispatch"], DID),
    ]
    changes = new.get_model("contacts.AppointmentChange")._default_manager
    assert {way: (changes.get(appointment=visits[way]).how,) for way in WAYS} == WAYS

    back = migrate(BEFORE_CODES)
    assert_unchanged(read(back, "reminders.CallRecord", calls, "reason"), CALLS)
    assert_unchanged(read(back, "reminders.ListedNumber", listed, "error"), ERRORS)
    assert_unchanged(read(back, "reminders.FollowUp", entries, "detail"), ENTRIES)
    assert_unchanged(read(back, "reminders.FollowUp", settled, "resolution"), RESOLUTIONS)
    assert_unchanged(read(back, "contacts.Appointment", visits, "answered_how"), WAYS)
    by_text = read(back, "reminders.Reminder", reminders, "by_text")
    assert by_text == {kind: (kind[1],) for kind in CHANNELS}
    worker = back.get_model("reminders.Heartbeat")._default_manager.get(name="worker front-1:4711")
    assert worker.did == f"takes asking,dispatch {DID}"
    bring_up_to_date()  # all that follows takes these rows


def assert_unchanged(found: Mapping[Any, Any], words: Iterable[str]) -> None:
    assert {one: found[one] for one in words} == {one: (one,) for one in words}


def test_a_database_keeps_its_identity_and_its_pause_under_the_new_names(go_back_to: GoBackTo) -> None:
    clinic = OldClinic(go_back_to(BEFORE_NAMES))
    identity = clinic.make("reminders.Epoch", name="harbor")
    clinic.make("reminders.SendingSwitch", pk=1, paused_at=NOON, cause="provider_failing")
    reminder = clinic.make_reminder(reason="provider_trouble", channel="voice")

    new = migrate([("reminders", "0004_names")])
    assert read(new, "reminders.DatabaseIdentity", {1: identity.pk}, "name") == {1: ("harbor",)}
    assert read(new, "reminders.SendingSwitch", {1: 1}, "cause") == {1: ("robotalker_failing",)}
    assert read(new, "reminders.Reminder", {1: reminder.pk}, "reason") == {1: ("robotalker_trouble",)}

    back = migrate(BEFORE_NAMES)
    assert read(back, "reminders.Epoch", {1: identity.pk}, "name") == {1: ("harbor",)}
    assert read(back, "reminders.SendingSwitch", {1: 1}, "cause") == {1: ("provider_failing",)}
    assert read(back, "reminders.Reminder", {1: reminder.pk}, "reason") == {1: ("provider_trouble",)}


def test_why_a_number_can_not_be_used_becomes_a_code_and_a_sentence_again_on_the_way_back(
    go_back_to: GoBackTo,
) -> None:
    rows = go_back_to(BEFORE_NAMES).get_model("contacts.PhoneNumber")._default_manager
    numbers = {
        words: rows.create(e164=f"+12025550{index:03}", unusable_since=NOON, unusable_reason=words).pk
        for index, words in enumerate(UNUSABLE)
    }

    new = migrate([("contacts", "0004_unusable_codes")])
    assert read(new, "contacts.PhoneNumber", numbers, "unusable_reason", "unusable_detail") == UNUSABLE

    back = migrate(BEFORE_NAMES[:1])
    assert_unchanged(read(back, "contacts.PhoneNumber", numbers, "unusable_reason"), UNUSABLE)


def test_existing_steps_mean_somebody_since_their_campaign_was_activated_or_created(
    go_back_to: GoBackTo,
) -> None:
    old = go_back_to(BEFORE_WALL_TIMES)
    clinic = OldClinic(old)
    campaigns = old.get_model("reminders.Campaign")._default_manager
    created_at = campaigns.get().created_at
    campaigns.update(activated_at=NOON, state="active")
    draft = clinic.make("reminders.Campaign", name="Draft")
    clinic.make("reminders.Step", campaign=draft, at="10:00", script=clinic.steps["sms"].script)

    new = migrate([("reminders", "0011_never_reaching_back")])
    steps = new.get_model("reminders.Step")._default_manager.order_by("pk")
    *active, of_draft = steps.values_list("since", "if_never_in_time")
    assert active == [(NOON, "skip")] * 2
    assert of_draft[0] >= created_at, "and not when the migration ran"
    assert of_draft[0] == new.get_model("reminders.Campaign")._default_manager.get(name="Draft").created_at

    migrate(BEFORE_WALL_TIMES)  # and back


def test_preferences_keep_their_meaning_and_nobody_who_wants_no_calls_is_forgotten_on_the_way_back(
    go_back_to: GoBackTo,
) -> None:
    after = [("contacts", "0006_wishes_and_providers"), ("reminders", "0008_wishes_and_texts")]
    clinic = OldClinic(go_back_to(BEFORE_WALL_TIMES))
    contacts = {
        wish: clinic.make("contacts.Contact", first_name="Ann", preferred_channel=wish).pk
        for wish in ("voice", "sms")
    }
    new = migrate(after)
    wishes = {"voice": ("voice",), "sms": ("sms",)}
    assert read(new, "contacts.Contact", contacts, "preferred_channel") == wishes
    rows = new.get_model("contacts.Contact")._default_manager
    rows.filter(pk=contacts["sms"]).update(preferred_channel="never")
    with pytest.raises(RuntimeError, match="1 contacts want no calls or no texts"):
        migrate(BEFORE_WALL_TIMES)
    rows.filter(pk=contacts["sms"]).update(preferred_channel="sms")
    back = migrate(BEFORE_WALL_TIMES)
    assert read(back, "contacts.Contact", contacts, "preferred_channel") == wishes


def test_a_step_by_preference_becomes_a_call_on_the_way_back(go_back_to: GoBackTo) -> None:
    go_back_to(BEFORE_WALL_TIMES)
    new = migrate([("reminders", "0008_wishes_and_texts")])
    script = new.get_model("reminders.Script")._default_manager.create(name="Call")
    campaign = new.get_model("reminders.Campaign")._default_manager.create(name="Reminders")
    step = new.get_model("reminders.Step")._default_manager.create(
        campaign=campaign, at=time(10), channel="preferred", script=script, text_script=script
    )
    back = migrate(BEFORE_WALL_TIMES[1:])
    assert read(back, "reminders.Step", {1: step.pk}, "channel") == {1: ("voice",)}


AFTER_HOLIDAYS = [("contacts", "0010_public_holidays"), ("reminders", "0016_after_booking")]


def test_late_bookings_go_out_as_before_and_bookings_made_here_are_dated(go_back_to: GoBackTo) -> None:
    clinic = OldClinic(go_back_to(BEFORE_HOLIDAYS))
    clinic.steps["voice"].if_late, clinic.steps["voice"].stop_before = "send_now", timedelta(hours=-1)
    clinic.steps["voice"].save()
    now = datetime.now(UTC)
    batch = clinic.make("contacts.ImportBatch", file_name="list.csv", source="desk", applied_at=now)
    visits = {
        name: clinic.make(
            "contacts.Appointment",
            contact=clinic.contact,
            location=clinic.location,
            starts_at=now + ahead,
            ends_at=now + ahead + timedelta(hours=1),
            local_start=datetime(2026, 12, 1, 12),  # noqa: DTZ001 - a wall time
            time_zone="America/Chicago",
            revised_at=NOON,
            batch=batch if name == "imported" else None,
        ).pk
        for name, ahead in {
            "booked": timedelta(days=9),
            "imported": timedelta(days=9),
            "over": timedelta(days=-9),
        }.items()
    }

    new = migrate(AFTER_HOLIDAYS)
    steps = {name: step.pk for name, step in clinic.steps.items()}
    assert read(new, "reminders.Step", steps, "if_late") == {
        "voice": ("next_allowed",),
        "sms": ("skip",),
    }
    assert read(new, "reminders.Step", steps, "stop_before")["voice"] == (timedelta(0),)
    assert read(new, "contacts.Appointment", visits, "booked_at") == {
        "booked": (NOON,),
        "imported": (None,),
        "over": (None,),
    }
    assert new.get_model("contacts.Location")._default_manager.get().country == "", "counted as before"
    new.get_model("reminders.Step")._default_manager.filter(pk=steps["sms"]).update(if_late="now")

    back = migrate(BEFORE_HOLIDAYS)
    assert {*read(back, "reminders.Step", steps, "if_late").values()} == {("send_now",)}


# What an older release would read as "for everybody", what it is otherwise, and how the way back is refused.
REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("Campaign", {"patients": "new"}, {"patients": ""}, "1 campaigns are for some patients"),
    ("Campaign", {"languages": ["es"]}, {"languages": []}, "1 campaigns are for some patients"),
    ("Step", {"timing_kind": "after_booking"}, {}, "2 steps come right after booking"),
]


def test_the_way_back_is_refused_where_the_older_release_would_call_others(go_back_to: GoBackTo) -> None:
    OldClinic(go_back_to(BEFORE_HOLIDAYS))
    new = migrate(AFTER_HOLIDAYS)
    for model, fields, otherwise, refusal in REFUSED:
        rows = new.get_model("reminders", model)._default_manager
        rows.update(**fields)
        with pytest.raises(RuntimeError, match=refusal):
            migrate(BEFORE_HOLIDAYS)
        rows.update(**otherwise) if otherwise else rows.all().delete()
    migrate(BEFORE_HOLIDAYS)
