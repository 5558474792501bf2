"""What goes out because of an import, for the import's pages, which don't know about reminders."""

from django import template

from contacts.imports.visits_ahead import PlannedAnew
from reminders.pages.import_calls import CallsToday, foresee_calls_today

register = template.Library()


@register.simple_tag
def calls_today(planned: PlannedAnew) -> CallsToday:
    """The most that goes out today if the import is applied."""
    return foresee_calls_today(planned)
