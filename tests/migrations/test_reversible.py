"""Each migration says how it is taken back, so that a release that fails can be."""

from django.db.migrations.loader import MigrationLoader

from tests.migrations.stages import OURS


def test_every_migration_can_be_taken_back() -> None:
    migrations = MigrationLoader(None).disk_migrations.items()
    one_way = [
        key for key, migration in migrations if not all(one.reversible for one in migration.operations)
    ]
    assert [key for key in one_way if key[0] in OURS] == []
