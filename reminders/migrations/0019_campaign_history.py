"""Each change of a campaign is kept as a version, and a step can be taken out of a campaign and put back."""

from typing import Any

import django.core.serializers.json
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

NOT_OF_A_STEP = {"id", "campaign", "since", "removed_at"}
SCRIPTS = {"script", "text_script", "fallback_script"}


def record_campaigns_as_they_are(apps: Any, _editor: Any) -> None:
    """The first version of every campaign that is there already, by nobody."""
    campaigns = apps.get_model("reminders", "Campaign").objects
    versions = apps.get_model("reminders", "CampaignVersion").objects
    for campaign in campaigns.prefetch_related("locations", "providers").order_by("pk"):
        steps = campaign.steps.select_related(*SCRIPTS).order_by("position", "pk")
        snapshot = {
            "name": campaign.name,
            "state": campaign.state,
            "kinds": sorted(campaign.kinds),
            "patients": campaign.patients,
            "languages": sorted(campaign.languages),
            "locations": [[one.pk, one.name] for one in sorted(campaign.locations.all(), key=_pk)],
            "providers": [[one.pk, one.name] for one in sorted(campaign.providers.all(), key=_pk)],
            "steps": [_write_step(step) for step in steps],
        }
        versions.create(campaign=campaign, number=1, what="recorded", snapshot=snapshot)


def _pk(row: Any) -> int:
    return int(row.pk)


def _write_step(step: Any) -> dict[str, Any]:
    values: dict[str, Any] = {"id": step.pk}
    for field in step._meta.concrete_fields:
        if field.name in SCRIPTS:
            script = getattr(step, field.name)
            values[field.name] = [script.pk, script.name] if script else None
        elif field.name not in NOT_OF_A_STEP:
            values[field.name] = getattr(step, field.attname)
    return values


class Migration(migrations.Migration):
    dependencies = [
        ("reminders", "0018_modes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="step",
            name="removed_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When it was taken out of the campaign: it sends nothing more. What it has sent stays.",
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="CampaignVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(help_text="1 for the first version of a campaign.")),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("created", "created"),
                            ("edited", "edited"),
                            ("activated", "activated"),
                            ("paused", "paused"),
                            ("copied", "created as a copy"),
                            ("restored", "taken back"),
                            ("recorded", "as it was when its history began"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "snapshot",
                    models.JSONField(encoder=django.core.serializers.json.DjangoJSONEncoder),
                ),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="reminders.campaign",
                    ),
                ),
                (
                    "restores",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="reminders.campaignversion",
                    ),
                ),
            ],
            options={"ordering": ["campaign", "-number"]},
        ),
        migrations.AddConstraint(
            model_name="campaignversion",
            constraint=models.UniqueConstraint(fields=("campaign", "number"), name="campaign_version_once"),
        ),
        migrations.RunPython(record_campaigns_as_they_are, migrations.RunPython.noop),
    ]
