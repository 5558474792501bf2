from typing import ClassVar

from django.apps import AppConfig

from config.model_labels import translate_labels


class ConfigConfig(AppConfig):
    """The project's own app: it registers the system checks, recalls languages, and hears of logins."""

    name = "config"
    labels: ClassVar[set[str]] = set()  # names of models and fields, for config/translations.py

    def ready(self) -> None:
        from config import checks, languages

        checks.register()
        languages.connect()
        self.labels.update(translate_labels())
        from config.sign_in import signals

        signals.hear_of_logins()
