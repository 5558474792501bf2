"""Headers of a file: how they are compared, and a name for each column. Pure: no database."""

import re
from collections import Counter
from collections.abc import Sequence

from contacts.imports.problems import clip

LONGEST_LABEL = 80  # characters
PART = "Part of a list"  # header of a file of rows to mend; see mending.py
# Said in many ways: Patient #, Patient No., Patient Number.
NUMBER_SIGN = re.compile(r"#|№|\bnumber\b|\bnum\b|\bnr\b|\bno\b\.?", re.IGNORECASE)
AND = re.compile(r"&|\band\b", re.IGNORECASE)
NUMBERED = re.compile(r"(?:.* \(\d+\)|column \d+)(?:, column \d+)?")  # as label_headers() makes them
IN_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")


def plain_header(header: str) -> str:
    """Return what headers are compared by: small letters and digits, without what stands in brackets.

    "Patient #" and "Patient Number" are one, and so are "Date & Time" and "date_time".
    """
    bare = IN_BRACKETS.sub(" ", header) if IN_BRACKETS.sub(" ", header).strip() else header
    spaced = AND.sub(" ", NUMBER_SIGN.sub(" no ", bare.replace("_", " ")))
    return "".join(char for char in spaced.casefold() if char.isalnum())


def has_mended_rows(headers: Sequence[str]) -> bool:
    """Whether a table with these headers is one of rows that were to be mended."""
    return any(header.strip().casefold() == PART.casefold() for header in headers)


def has_column(headers: Sequence[str], name: str) -> bool:
    """Whether a column has this header or label."""
    return name in label_headers(headers) or plain_header(name) in map(plain_header, headers)


def is_numbered(label: str, headers: Sequence[str]) -> bool:
    """Whether a label names a column by its place among these headers, not by a header of its own."""
    return bool(NUMBERED.fullmatch(label)) and label not in headers


def label_headers(headers: Sequence[str]) -> tuple[str, ...]:
    """Return a different name for each column: its header, numbered if several have the same, or none."""
    shown = [clip(header, LONGEST_LABEL) for header in headers]
    counts = Counter(header.casefold() for header in shown)
    seen: Counter[str] = Counter()
    labels: list[str] = []
    for at, header in enumerate(shown, 1):
        key = header.casefold()
        seen[key] += 1
        label = f"column {at}" if not header else f"{header} ({seen[key]})" if counts[key] > 1 else header
        labels.append(label if label not in labels else f"{label}, column {at}")
    return tuple(labels)
