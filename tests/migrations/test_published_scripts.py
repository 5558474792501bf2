"""Texts that exist count as published; on the way back drafts are gone, so that none is sent (product rule 62)."""

from collections.abc import Callable
from datetime import timedelta

from django.apps.registry import Apps

from reminders.models import Script, ScriptText
from tests.migrations.stages import BEFORE_SCRIPTS, Targets, bring_up_to_date, migrate


def test_scripts_go_forward_as_published_and_back_without_drafts(
    go_back_to: Callable[[Targets], Apps],
) -> None:
    old = go_back_to(BEFORE_SCRIPTS)
    models = {name: old.get_model("reminders", name) for name in ("Script", "ScriptText", "Campaign", "Step")}
    scripts = {
        name: models["Script"].objects.create(name=name) for name in ("call", "text", "both", "unused")
    }
    for script in scripts.values():
        models["ScriptText"].objects.create(script=script, language="en", text="Come.")
    campaign = models["Campaign"].objects.create(name="Reminders")
    for position, (channel, script, fallback) in enumerate(
        [("voice", "call", "text"), ("sms", "text", None), ("sms", "both", None), ("voice", "both", None)], 1
    ):
        models["Step"].objects.create(
            campaign=campaign,
            position=position,
            channel=channel,
            timing_kind="elapsed_before",
            elapsed=timedelta(hours=4),
            script=scripts[script],
            fallback_script=scripts[fallback] if fallback else None,
        )
    bring_up_to_date()
    assert set(ScriptText.objects.values_list("state", flat=True)) == {"published"}
    assert dict(Script.objects.values_list("name", "channel")) == {
        "call": "voice",
        "text": "sms",
        "both": "voice",
        "unused": "voice",
    }
    ScriptText.objects.create(script=Script.objects.get(name="call"), language="en", version=2, text="Draft")
    back = migrate(BEFORE_SCRIPTS)
    assert set(back.get_model("reminders", "ScriptText").objects.values_list("text", flat=True)) == {"Come."}
