"""How abbreviations in names are said in a call: "Dr. Chen" as "Doctor Chen", "Ave" as "Avenue". Pure."""

import re
from collections.abc import Mapping
from functools import lru_cache

SayAs = Mapping[str, str]  # as written, without a full stop at its end: as said
NOTHING_TO_SAY_AS: SayAs = {}


def apply_say_as(name: str, table: SayAs) -> str:
    """The name as it is said: whole words of the table, in any case, with or without a full stop."""
    said = {_without_stop(written).casefold(): spoken for written, spoken in table.items()}
    said.pop("", None)
    if not said:
        return name
    pattern = _compile_words(tuple(sorted(said, key=len, reverse=True)))
    return pattern.sub(lambda found: said[found[1].casefold()], name)


def _without_stop(written: str) -> str:
    return written.strip().rstrip(".")


@lru_cache(maxsize=64)
def _compile_words(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)({'|'.join(map(re.escape, words))})(?!\w)\.?", re.IGNORECASE)
