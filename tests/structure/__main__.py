"""`make structure`: names defined twice, the two long code paths, the lengths of functions."""

import warnings
from collections.abc import Iterator

import django
from django.core.management import call_command

from tests.bench.servers import run_servers
from tests.structure.source import (
    Names,
    find_names_shared_with_sandbox,
    find_repeated_names,
    measure_functions,
)


def main() -> None:
    """Print all of it. The paths are really run, on servers that are started for it and stopped after it."""
    lines = [
        *_list_names("Names defined in two modules", find_repeated_names()),
        *_list_names(
            "Names that the sandbox, a separate program, defines too", find_names_shared_with_sandbox()
        ),
        *_describe_ways(),
        *(f"{count:5g} {what}" for what, count in measure_functions().items()),
    ]
    print("\n".join(lines))  # noqa: T201


def _list_names(title: str, names: Names) -> Iterator[str]:
    yield f"{title}: {len(names)}"
    yield from (f"  {name}: {', '.join(modules)}" for name, modules in names.items())


def _describe_ways() -> Iterator[str]:
    with run_servers() as sandbox:
        django.setup()
        warnings.filterwarnings(
            "ignore", "No directory at"
        )  # WhiteNoise warns that no static files are collected
        call_command("migrate", verbosity=0)
        from reminders.models import SendingSwitch
        from reminders.rules.modes import SendingMode
        from tests.structure.ways import read_ways

        SendingSwitch.objects.create(mode=SendingMode.LIVE)  # else nothing is sent

        for name, way in read_ways(sandbox).items():
            yield f"{name}: {len(way.files)} files, {len(way.visits)} visits, {way.functions} functions"
            yield f"  of {way.lines} lines;"
            yield f"  returns {way.returns} times to a file already left. Files in order of first visit:"
            yield from (f"  {file}" for file in way.files)


if __name__ == "__main__":
    main()
