"""The reason why a number can't be used becomes a code, with Robotalker's own words beside it."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import F, Value
from django.db.models.functions import Concat, Left, Substr

# The sentences as they were stored until now; Robotalker's own words followed the second.
INVALID_NUMBER = "Robotalker: invalid number"
REJECTED = "Robotalker rejected it: "


def make_codes(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    numbers = apps.get_model("contacts", "PhoneNumber").objects.exclude(unusable_reason="")
    invalid = numbers.filter(unusable_reason=INVALID_NUMBER)
    rejected = numbers.filter(unusable_reason__startswith=REJECTED)
    others = numbers.exclude(unusable_reason=INVALID_NUMBER).exclude(unusable_reason__startswith=REJECTED)
    others.update(unusable_detail=F("unusable_reason"), unusable_reason="other")
    invalid.update(unusable_reason="invalid_number")
    words = Substr("unusable_reason", len(REJECTED) + 1)
    rejected.update(unusable_detail=words, unusable_reason="rejected")


def make_sentences(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    numbers = apps.get_model("contacts", "PhoneNumber").objects
    numbers.filter(unusable_reason="invalid_number").update(unusable_reason=INVALID_NUMBER)
    sentence = Left(Concat(Value(REJECTED), "unusable_detail"), 200)
    numbers.filter(unusable_reason="rejected").update(unusable_reason=sentence)
    numbers.filter(unusable_reason="other").update(unusable_reason=F("unusable_detail"))


class Migration(migrations.Migration):
    dependencies = [("contacts", "0003_ways")]

    operations = [
        migrations.AddField(
            model_name="phonenumber",
            name="unusable_detail",
            field=models.CharField(
                blank=True,
                editable=False,
                help_text="Robotalker's own message about it.",
                max_length=200,
            ),
        ),
        migrations.RunPython(make_codes, make_sentences),
        migrations.AlterField(
            model_name="phonenumber",
            name="unusable_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("invalid_number", "The number doesn't exist."),
                    ("rejected", "Robotalker did not accept the number."),
                    ("other", "Robotalker gave another reason."),
                ],
                editable=False,
                max_length=20,
            ),
        ),
    ]
