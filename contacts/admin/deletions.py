"""What a deletion in the admin would take with it, and what stands in its way: counted, in one query.

Django's own reads every row that refers to the deleted ones, to list them all: of a location, every
appointment there ever was.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple, cast

from django.contrib.admin.utils import model_ngettext
from django.db.models import CASCADE, PROTECT, RESTRICT, CharField, Count, Model, QuerySet, Value
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from contacts.admin.history import ClinicAdmin, ModelT

MOST_COUNTED = 1000


class ReferringRows(NamedTuple):
    """Rows of `model` that refer to what is deleted: how many, at most one more than MOST_COUNTED."""

    model: type[Model]
    number: int
    goes_too: bool  # else they forbid the deletion

    @property
    def words(self) -> str:
        """Such as "3 closed days"; of a table between two models, "mentioned in 2 campaigns"."""
        mentions = cast(type[Model] | None, self.model._meta.auto_created or None)
        rows = model_ngettext((mentions or self.model)._meta, self.number)
        counted = f"{self.number} {rows}"
        if self.number > MOST_COUNTED:
            counted = _("more than %(count)d %(rows)s") % {"count": MOST_COUNTED, "rows": rows}
        return _("mentioned in %(rows)s") % {"rows": counted} if mentions else counted


class CountedDeletion(ClinicAdmin[ModelT]):
    """Of a model that many rows refer to. Those that go with it must have none of their own to take."""

    def get_deleted_objects(
        self, objs: "QuerySet[ModelT] | Sequence[ModelT]", request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        rows = list(objs)
        own = self.model._meta
        counts, lines = {str(own.verbose_name_plural): len(rows)}, list[str]()
        without, protected = set[str](), list[str]()
        if not self.has_delete_permission(request):
            without.add(str(own.verbose_name))
        for found in count_referring_rows(self.model, rows):
            if not found.goes_too:
                protected.append(found.words)
                continue
            lines.append(found.words)
            options = found.model._meta
            counts[str(options.verbose_name_plural)] = found.number
            page = self.admin_site._registry.get(found.model)
            if page and not page.has_delete_permission(request):
                without.add(str(options.verbose_name))
        named = [f"{capfirst(own.verbose_name)}: {row}" for row in rows]
        return [*named, *([lines] if lines else [])], counts, without, protected


def count_referring_rows(model: type[Model], rows: Collection[Model]) -> list[ReferringRows]:
    """The rows that go with these rows of `model`, or forbid their deletion; one query."""
    relations = list(list_relations(model))
    parts = [_count(place, relation, rows) for place, relation in enumerate(relations)]
    counted = dict(parts[0].union(*parts[1:], all=True)) if parts else {}
    sums: dict[tuple[type[Model], bool], int] = {}
    for place, relation in enumerate(relations):
        key = relation.related_model, relation.on_delete is CASCADE
        sums[key] = sums.get(key, 0) + counted.get(str(place), 0)
    return [ReferringRows(found, count, goes) for (found, goes), count in sums.items() if count]


def list_relations(model: type[Model]) -> Iterator[Any]:
    """The foreign keys to `model` whose rows go with it or forbid its deletion; of hidden tables, too."""
    for relation in model._meta.get_fields(include_hidden=True):
        is_reverse = relation.auto_created and not relation.concrete
        if is_reverse and getattr(relation, "on_delete", None) in (CASCADE, PROTECT, RESTRICT):
            yield relation


def _count(place: int, relation: Any, rows: Collection[Model]) -> "QuerySet[Any, Any]":
    manager = relation.related_model._base_manager
    some = manager.filter(**{f"{relation.field.name}__in": rows}).order_by().values("pk")
    named = manager.filter(pk__in=some[: MOST_COUNTED + 1]).order_by()
    named = named.values(relation_place=Value(str(place), output_field=CharField()))
    part: QuerySet[Any, Any] = named.annotate(count=Count("pk")).values_list("relation_place", "count")
    return part
