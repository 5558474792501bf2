"""The way an answer or a change came becomes a code."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

CODES = {"key 1": "key_1", "key 2": "key_2", "text message": "text", "by phone": "phone"}
UNCHANGED = ("", "staff", "import")
WAYS = [
    ("key_1", "key 1"),
    ("key_2", "key 2"),
    ("text", "text message"),
    ("staff", "staff"),
    ("phone", "phone"),
    ("import", "import"),
]


def make_codes(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    for model, field in _columns(apps):
        for words, code in CODES.items():
            model.objects.filter(**{field: words}).update(**{field: code})
        known = [*CODES.values(), *UNCHANGED]
        model.objects.exclude(**{f"{field}__in": known}).update(**{field: ""})


def make_words(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    for model, field in _columns(apps):
        for words, code in CODES.items():
            model.objects.filter(**{field: code}).update(**{field: words})


def _columns(apps: Apps) -> list[tuple[type[models.Model], str]]:
    return [
        (apps.get_model("contacts", "Appointment"), "answered_how"),
        (apps.get_model("contacts", "AppointmentChange"), "how"),
    ]


class Migration(migrations.Migration):
    dependencies = [("contacts", "0002_holding_under_faults")]

    operations = [
        migrations.RunPython(make_codes, make_words),
        migrations.AlterField(
            model_name="appointment",
            name="answered_how",
            field=models.CharField(blank=True, choices=WAYS, editable=False, max_length=10),
        ),
        migrations.AlterField(
            model_name="appointmentchange",
            name="how",
            field=models.CharField(
                blank=True,
                choices=WAYS,
                help_text="The way it came; empty: in the browser.",
                max_length=10,
            ),
        ),
    ]
