"""The sentence of why an undo keeps something names other systems besides lists."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("contacts", "0022_watched")]

    operations = [
        migrations.AlterField(
            model_name="keptbyundo",
            name="why",
            field=models.CharField(
                choices=[
                    ("sent", "A call or text about it has gone out since, or is going out."),
                    ("answered", "The patient has answered since."),
                    ("worked_on", "Somebody has worked on it on the worklist."),
                    ("changed", "It was changed since."),
                    ("said_again", "A later list or another system says it too."),
                    ("merged", "The patient was merged with another contact since."),
                    ("erased", "What belonged there was erased or removed since."),
                    ("id_taken", "Its former id belongs to another record now."),
                    ("in_use", "Something that stays belongs to this patient."),
                    ("says_no", "A “no” to calls or texts stays, whichever way it came."),
                    ("unused", "Nothing uses it now. Remove it in the admin if it is wrong."),
                    ("too_old", "It was imported before Callboard kept what an undo needs."),
                ],
                max_length=12,
            ),
        ),
    ]
