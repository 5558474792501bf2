"""An appointment notes when its provider or kind last changed, so that no campaign reaches back for it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0008_put_back")]

    operations = [
        migrations.AddField(
            model_name="appointment",
            name="details_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When its provider or kind last changed: a campaign new to it sends nothing due before.",
                null=True,
            ),
        ),
    ]
