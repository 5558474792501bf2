"""Numbers that are never dialled are found among many as they are one by one (product rule 50)."""

import random

import pytest

from contacts.numbers import find_kind_fault, list_never_dialled

ODD = [
    "+12222222222",
    "+12125551212",
    "+19005550100",
    "+12129761234",
    "+18665550100",
    "+15235550100",
    "+12115550100",
    "+870771234567",
    "+4490912345678",
    "+442079460000",
    "+33899123456",
    "+33612345678",
    "+911",
    "+1876555010",
]


@pytest.mark.parametrize("seed", range(3))
def test_many_numbers_are_judged_as_each_is(seed: int) -> None:
    rng = random.Random(seed)
    numbers = [
        f"+1{rng.randrange(200, 1000)}{rng.randrange(200, 1000)}{rng.randrange(10_000):04}"
        for _ in range(150)
    ]
    numbers += [
        f"+1{rng.choice(['523', '900', '800', '876', '242'])}{rng.randrange(10**7):07}" for _ in range(50)
    ]
    assert list_never_dialled(numbers) == {e164 for e164 in numbers if find_kind_fault(e164)}


def test_odd_numbers_are_judged_as_each_is() -> None:
    assert list_never_dialled(ODD) == {e164 for e164 in ODD if find_kind_fault(e164)}
