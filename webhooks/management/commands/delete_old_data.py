"""Delete what is kept no longer now, as every night, or only count it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from contacts.database.clock import read_database_clock
from webhooks.models import RetentionRun
from webhooks.retention.sweep import sweep, try_sweep
from webhooks.retention.table import KINDS


class Command(BaseCommand):
    help = "Delete what is kept no longer, as every night; with --dry-run only count it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="delete nothing, and say what would go")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            run = try_sweep()
            self.stdout.write("Nothing was deleted. This would go:")
        else:
            run = RetentionRun.objects.create(begun_at=read_database_clock())
            sweep(run)
            self.stdout.write("This was deleted:")
        for kind in KINDS:
            kept = f"kept for {kind.days} days" if kind.days else "kept for ever" if kind.setting else "ended"
            self.stdout.write(f"  {run.counts.get(kind.code, 0):>9}  {kind.title} ({kept})")
