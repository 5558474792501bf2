"""Pages of long lists, of which the last is read as fast as the first."""

from functools import cached_property
from typing import Any, cast

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

from contacts.large_tables import count_rows

SHORT = 5_000  # rows, whose ids are read in no time


class DeepPaginator(Paginator[Any]):
    """Django's own, but a page's ids are looked for first, from the nearer end, and its rows then by id.

    So the last of a million pages is read as fast as the first: rows that are passed over aren't joined.
    Of a SHORT list of several pages all ids are read: asked for some, PostgreSQL may go through a large table
    in the list's order until it has found enough.
    """

    @cached_property
    def count(self) -> int:
        """Of a whole table that is large, how many rows there were up to ten minutes ago."""
        return count_rows(cast("QuerySet[Any, Any]", self.object_list))

    def page(self, number: int | str) -> Page[Any]:
        if self.count <= self.per_page:
            return super().page(number)
        number = self.validate_number(number)
        first, rows = (number - 1) * self.per_page, cast("QuerySet[Any, Any]", self.object_list)
        past = min(first + self.per_page, self.count)
        if self.count <= SHORT:
            ids = list(rows.values_list("pk", flat=True))[first:past]
        elif first < self.count // 2:
            ids = list(rows.values_list("pk", flat=True)[first:past])
        else:
            backwards = rows.reverse().values_list("pk", flat=True)
            ids = list(backwards[self.count - past : self.count - first])
        return Page(rows.filter(pk__in=ids), number, self)
