"""People: duplicates, other ids, dates of birth, notes, the use of the other number, and what an erasure leaves."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import contacts.models.people

# By what two names are alike. Marks of letters and apostrophes are dropped (José, O'Brien), letters that are no
# letter with a mark are spelt, other signs part words, titles and suffixes are left out.
# The words stand in the order of the alphabet, by their code points, whatever the database's language is.
NAME_KEY = r"""
    CREATE FUNCTION contacts_name_key(first_name text, last_name text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT coalesce(string_agg(word, ' ' ORDER BY word COLLATE "C"), '')
        FROM regexp_split_to_table(
            regexp_replace(
                translate(
                    replace(replace(replace(replace(
                        lower(normalize(first_name || ' ' || last_name, NFKD)),
                    'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'),
                    'øłđðı', 'olddi'
                ),
                '[\u0300-\u036f''’‘ʼ`´]', '', 'g'
            ),
            '[\s.,;:/()"“”_‐‑–—-]+'
        ) AS word
        WHERE word <> '' AND word <> ALL (ARRAY[
            'dr', 'mr', 'mrs', 'ms', 'miss', 'mx', 'prof', 'rev', 'jr', 'sr', 'ii', 'iii', 'iv',
            'md', 'phd', 'dds', 'esq', 'herr', 'frau', 'sra', 'srta', 'mme', 'mlle'
        ])
    $$
"""


def refuse_with_erased_numbers(apps: Any, schema_editor: Any) -> None:
    """An older release would take the place of an erased number for a number."""
    erased = apps.get_model("contacts", "PhoneNumber").objects.filter(erased_at__isnull=False).count()
    if erased:
        raise RuntimeError(f"{erased} numbers are erased, which an older release doesn't understand.")


class Migration(migrations.Migration):
    dependencies = [
        ("contacts", "0012_api_tokens"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(NAME_KEY, "DROP FUNCTION contacts_name_key(text, text)"),
        migrations.CreateModel(
            name="ContactId",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(help_text="The system the id came from.", max_length=60)),
                ("external_id", models.CharField(max_length=120)),
            ],
            options={
                "ordering": ["source", "external_id"],
            },
        ),
        migrations.CreateModel(
            name="ContactLogEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("exported", "downloaded everything that is known"),
                            ("erased", "erased the person"),
                        ],
                        max_length=10,
                    ),
                ),
                ("at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name_plural": "contact log entries",
                "ordering": ["-at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="ContactMerge",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "merged_id",
                    models.BigIntegerField(help_text="The key of the contact who is gone.", unique=True),
                ),
                ("was", models.JSONField(default=dict, help_text="What they had: column, text.")),
                ("at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="DistinctPair",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["one", "other"],
            },
        ),
        migrations.CreateModel(
            name="ErasedOptOut",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("voice_opted_out_at", models.DateTimeField(blank=True, null=True)),
                ("sms_opted_out_at", models.DateTimeField(blank=True, null=True)),
                ("without_consent", models.BooleanField(default=False, help_text="No consent was known.")),
                ("at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name": "opt-out of an erased number",
                "verbose_name_plural": "opt-outs of erased numbers",
                "ordering": ["-at", "-id"],
            },
        ),
        migrations.AlterModelOptions(
            name="contact",
            options={
                "ordering": ["last_name", "first_name", "id"],
                "permissions": [
                    ("erase_contact", "Can erase what is known of a person"),
                    ("export_contact", "Can download everything that is known of a person"),
                ],
            },
        ),
        migrations.RemoveConstraint(
            model_name="phonenumber",
            name="phone_number_is_e164",
        ),
        migrations.AddField(
            model_name="contact",
            name="date_of_birth",
            field=models.DateField(
                blank=True,
                help_text="Tells people of one name apart. Never said or written to anybody.",
                null=True,
                verbose_name="date of birth",
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="erased_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When what is known of the person was erased.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="name_key",
            field=models.GeneratedField(
                db_persist=True,
                expression=contacts.models.people.NameKey("first_name", "last_name"),
                output_field=models.TextField(),
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="notes",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="For staff only; never sent anywhere.",
                max_length=2000,
                verbose_name="notes",
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="other_phone_use",
            field=models.CharField(
                choices=[("never", "never"), ("unreachable", "when the first number can't be reached")],
                db_default="never",
                default="never",
                max_length=11,
                verbose_name="use the other number",
            ),
        ),
        migrations.AddField(
            model_name="phonenumber",
            name="erased_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When the number itself was erased; its calls and its ledger stay.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="appointmentchange",
            name="what",
            field=models.CharField(
                choices=[
                    ("booked", "booked"),
                    ("imported", "imported"),
                    ("moved", "moved"),
                    ("provider_changed", "given to another provider"),
                    ("cancelled", "cancelled"),
                    ("reinstated", "booked again"),
                    ("confirmed", "confirmed"),
                    ("wants_another_time", "asked for another time"),
                    ("arrived", "arrived"),
                    ("no_show", "did not come"),
                    ("corrected", "put back to booked"),
                    ("call_ordered", "ordered a call now"),
                    ("step_skipped", "skipped a reminder"),
                    ("zone_corrected", "time zone corrected"),
                    ("rules_changed", "clock rules changed"),
                    ("step_put_back", "put a reminder back"),
                    ("other_number", "to be reminded on the other number"),
                    ("merged", "given to another contact, as two were one person"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="consententry",
            name="source",
            field=models.CharField(
                choices=[
                    ("key", "pressed 9 in a call"),
                    ("sms_reply", "replied to a text message"),
                    ("robotalker", "reported by Robotalker"),
                    ("staff", "told staff"),
                    ("import", "imported"),
                    ("api", "reported by another system"),
                    ("kept", "kept when a person was erased"),
                ],
                max_length=12,
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("other_phone_use", "unreachable")),
                fields=["id"],
                name="contact_other_number_used",
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(fields=["name_key"], name="contact_by_name_key"),
        ),
        migrations.AddConstraint(
            model_name="phonenumber",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("e164__regex", "^\\+[1-9][0-9]{6,14}$"), ("erased_at__isnull", True)),
                    models.Q(("e164__startswith", "erased-"), ("erased_at__isnull", False)),
                    _connector="OR",
                ),
                name="phone_number_is_e164",
            ),
        ),
        migrations.AddField(
            model_name="contactid",
            name="contact",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="other_ids", to="contacts.contact"
            ),
        ),
        migrations.AddField(
            model_name="contactlogentry",
            name="by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="contactlogentry",
            name="contact",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="log_entries", to="contacts.contact"
            ),
        ),
        migrations.AddField(
            model_name="contactmerge",
            name="by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="contactmerge",
            name="survivor",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="merges", to="contacts.contact"
            ),
        ),
        migrations.AddField(
            model_name="distinctpair",
            name="by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="distinctpair",
            name="one",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="contacts.contact"
            ),
        ),
        migrations.AddField(
            model_name="distinctpair",
            name="other",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="contacts.contact"
            ),
        ),
        migrations.AddConstraint(
            model_name="contactid",
            constraint=models.UniqueConstraint(
                fields=("source", "external_id"), name="other_id_once_per_source"
            ),
        ),
        migrations.AddConstraint(
            model_name="distinctpair",
            constraint=models.UniqueConstraint(fields=("one", "other"), name="distinct_pair_once"),
        ),
        migrations.AddConstraint(
            model_name="distinctpair",
            constraint=models.CheckConstraint(
                condition=models.Q(("one__lt", models.F("other"))), name="distinct_pair_in_order"
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, refuse_with_erased_numbers),
    ]
