"""Pages of long lists, of which the last is read as fast as the first."""

from functools import cached_property
from typing import Any, cast

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

from contacts.large_tables import count_rows

SHORT = 1_000  # rows, which are joined in no time


class DeepPaginator(Paginator[Any]):
    """Django's own, but a page's ids are looked for first, from the nearer end, and its rows then by id.

    So the last of a million pages is read as fast as the first: rows that are passed over aren't joined.
    A page of a SHORT list is read at once.
    """

    @cached_property
    def count(self) -> int:
        """Of a whole table that is large, how many rows there were up to ten minutes ago."""
        return count_rows(cast("QuerySet[Any, Any]", self.object_list))

    def page(self, number: int | str) -> Page[Any]:
        if self.count <= SHORT:
            return super().page(number)
        number = self.validate_number(number)
        first, rows = (number - 1) * self.per_page, cast("QuerySet[Any, Any]", self.object_list)
        past = min(first + self.per_page, self.count)
        if first < self.count // 2:
            ids = rows.values_list("pk", flat=True)[first:past]
        else:
            ids = rows.reverse().values_list("pk", flat=True)[self.count - past : self.count - first]
        return Page(rows.filter(pk__in=list(ids)), number, self)
