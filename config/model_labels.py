"""The names of models and their fields, for the admin in the reader's language.

Django makes them from the names in the code ("created at", "phone number"). Here each becomes a message to
translate, in the context "label", since "to" or "at" alone can mean anything. Migrations don't see it: they
compare what the code says, not what Django made of it.
"""

from collections.abc import Iterator

from django.apps import apps
from django.db.models import Field, Model
from django.utils.translation import pgettext_lazy

OURS = ("contacts", "reminders", "webhooks")
CONTEXT = "label"


def translate_labels() -> set[str]:
    """Called once, when all models are loaded. Returns the messages, in English."""
    found: set[str] = set()
    for app in OURS:
        for model in apps.get_app_config(app).get_models():
            found.update(_translate_names(model))
            found.update(_translate_fields(model))
    return found


def _translate_names(model: type[Model]) -> Iterator[str]:
    about = model._meta
    if "verbose_name_plural" not in about.original_attrs:  # Django would add an "s" to the translation
        yield (several := f"{about.verbose_name_raw}s")
        about.verbose_name_plural = pgettext_lazy(CONTEXT, several)
    if "verbose_name" not in about.original_attrs:
        yield (one := about.verbose_name_raw)
        about.verbose_name = pgettext_lazy(CONTEXT, one)


def _translate_fields(model: type[Model]) -> Iterator[str]:
    for field in model._meta.get_fields():
        words = field.verbose_name if isinstance(field, Field) else None
        if isinstance(words, str):  # what the code itself marks isn't one
            yield words
            field.verbose_name = pgettext_lazy(CONTEXT, words)  # type: ignore[union-attr]
