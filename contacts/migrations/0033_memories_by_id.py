"""What lists said of the id of a contact who was merged with another stands beside what they said of the
survivor's own, and no longer with the merge.
"""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

VALUES = ("first_name", "last_name", "language", "preferred_channel", "phone", "other_phone")


def move_to_survivors(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Of a merge from before that was kept, lists count as having said what that contact had.

    What lists of the survivor's own source have said by the other id since the merge can't be told from what
    they said by the survivor's own.
    """
    contacts = apps.get_model("contacts", "Contact").objects
    for merge in apps.get_model("contacts", "ContactMerge").objects.order_by("-pk").iterator():
        said = merge.was.pop("said", None)
        survivor = contacts.get(pk=merge.survivor_id)
        source, external_id = merge.was.get("source", ""), merge.was.get("external_id", "")
        if external_id and (source, external_id) != (survivor.source, survivor.external_id):
            values = said or {name: merge.was.get(name, "") for name in VALUES}
            if source != survivor.source:
                values = survivor.file_values.get(source) or values
            survivor.file_values.setdefault(f"{source}\n{external_id}", values)
            contacts.filter(pk=survivor.pk).update(file_values=survivor.file_values)
        if said:
            merge.save(update_fields=["was"])


class Migration(migrations.Migration):
    dependencies = [("contacts", "0032_sign_ins")]

    operations = [migrations.RunPython(move_to_survivors, migrations.RunPython.noop, elidable=False)]
