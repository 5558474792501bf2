"""Files that wait to be imported are kept compressed, so that reading them takes less memory.

Those that wait already stay as they are. Going back, the others are written as they were.
"""

import zlib

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def decompress_files(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    files = apps.get_model("contacts", "ImportFile").objects
    for file in files.filter(is_compressed=True).iterator(chunk_size=1):
        files.filter(pk=file.pk).update(content=zlib.decompress(bytes(file.content)), is_compressed=False)


class Migration(migrations.Migration):
    dependencies = [("contacts", "0023_failed_lists")]

    operations = [
        migrations.AddField(
            model_name="importfile",
            name="is_compressed",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.RunPython(migrations.RunPython.noop, decompress_files),
    ]
