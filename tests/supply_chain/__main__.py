"""`make audit`, `make licences` and `make sbom`."""

import sys

from tests.supply_chain.audit import audit
from tests.supply_chain.licences import PAGE, ROOT, list_packages, write_page
from tests.supply_chain.sbom import write_sboms


def main(command: str, *options: str) -> int:
    if command == "audit":
        return audit()
    if command == "sbom":
        for file in write_sboms(ROOT / "sbom"):
            print(file.relative_to(ROOT))  # noqa: T201 - a command's output
        return 0
    page = write_page(list_packages())
    if "--check" not in options:
        PAGE.write_text(page)
    elif PAGE.read_text() != page:
        print("docs/licences.md isn't up to date: run `make licences`.")  # noqa: T201 - a command's output
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
