"""Addresses of pages about one row, for lists of some hundreds: each kind is looked up once."""

from functools import cache

from django.urls import reverse


def write_row_address(page: str, pk: int) -> str:
    """The address of a page that takes the id of a row alone. `page`: its name in the URLconf."""
    return _find_pattern(page).format(pk)


@cache
def _find_pattern(page: str) -> str:
    """Its address with {} for the id."""
    return reverse(page, args=[0]).replace("/0/", "/{}/")
