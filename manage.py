#!/usr/bin/env python
"""Django's command line."""

import os
import sys

NEEDS_NO_SERVER = {"help", "--help", "-h", "version", "--version", "robotalker_sandbox", "write_rules"}


def main() -> None:
    """Run a command; on a laptop, first start the embedded servers if the command needs them."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    prepare_laptop(command=sys.argv[1] if len(sys.argv) > 1 else "help")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


def prepare_laptop(command: str) -> None:
    """Set the required settings on a laptop, where none are configured."""
    from config.local.environment import is_laptop, set_laptop_defaults

    if not is_laptop():
        return
    set_laptop_defaults()
    if command in NEEDS_NO_SERVER or "--help" in sys.argv:
        os.environ.setdefault("DATABASE_URL", "postgresql:///not-needed")
        os.environ.setdefault("REDIS_URL", "redis://not-needed")
        return
    from config.local.services import ensure_services

    ensure_services()


if __name__ == "__main__":
    main()
