"""``manage.py account_webhook``: the address to enter in Robotalker's dashboard."""

from typing import Any

from django.core.management.base import BaseCommand

from reminders.traffic.callback_urls import account_url


class Command(BaseCommand):
    help = (
        "Print the address for opt-outs that belong to no call, to be entered in Robotalker's dashboard. "
        "It doesn't expire; enter it again when the first of WEBHOOK_KEYS is no longer used."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(account_url())
