"""`make structure`: names that stand twice, the two long ways, how long the functions are."""

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
    """Print all of it. The ways are run for real, on servers that start for it and end with it."""
    lines = [
        *_list_names("Names that stand in two modules", find_repeated_names()),
        *_list_names(
            "Names of ours that the sandbox has too, a program of its own", find_names_shared_with_sandbox()
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
        warnings.filterwarnings("ignore", "No directory at")  # WhiteNoise misses the collected static files
        call_command("migrate", verbosity=0)
        from tests.structure.ways import read_ways

        for name, way in read_ways(sandbox).items():
            yield f"{name}: {len(way.files)} files, {len(way.visits)} visits, {way.functions} functions;"
            yield f"  comes back {way.returns} times to a file already left. Files in order of first visit:"
            yield from (f"  {file}" for file in way.files)


if __name__ == "__main__":
    main()
