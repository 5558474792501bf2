"""How much the property tests of the rules try: little in `make test`, and more with RULE_EXAMPLES.

`RULE_EXAMPLES=1000 make test ARGS="-k 'every_zone or one_reminder or same_verdict or any_order'"` tries 1000
examples of each, different ones each time, and every day in every time zone.
"""

import os

from hypothesis import HealthCheck, settings

MANY = int(os.environ.get("RULE_EXAMPLES", "0"))


def try_examples(few: int) -> settings:
    """So many examples, the same ones each time; or as many as RULE_EXAMPLES says."""
    return settings(
        max_examples=MANY or few,
        derandomize=not MANY,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
