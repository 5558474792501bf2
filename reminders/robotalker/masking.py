"""Telephone numbers as they may appear in logs, errors and on shared screens.

The app's own mask (contacts/numbers.py) reads E.164 alone; here numbers come as Robotalker writes them, in
any form and amid text. Nothing of ours is imported here, so a test holds that both show the same digits.
"""

import re

_NUMBER = re.compile(r"\+?\d(?:[\s().\-/]{0,3}\d){6,}")
_KEEP_END_FROM = 7  # digits; two digits of a shorter number would reveal too much
DOTS = "••••"


def mask_number(number: str) -> str:
    """`+12025550123` becomes `•••• 23`; fewer than seven digits become `••••`."""
    digits = [sign for sign in number if sign.isdigit()]
    return f"{DOTS} {''.join(digits[-2:])}" if len(digits) >= _KEEP_END_FROM else DOTS


def mask_numbers_in(text: str) -> str:
    """The text with everything that looks like a phone number masked."""
    return _NUMBER.sub(lambda match: mask_number(match.group()), text)
