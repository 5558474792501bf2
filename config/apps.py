from typing import ClassVar

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig

from config.model_labels import translate_labels


class ClinicAdminConfig(AdminConfig):
    default_site = "config.admin_site.ClinicAdminSite"


class ConfigConfig(AppConfig):
    """The project's own app: what must be set up once in each process, such as the system checks."""

    name = "config"
    labels: ClassVar[set[str]] = set()  # names of models and fields, for config/translations.py

    def ready(self) -> None:
        from django.conf import settings
        from django.db.backends.signals import connection_created

        from config import checks, languages
        from config.error_reports import start_error_reports
        from config.logs import DATABASE, outages

        checks.register()
        languages.connect()
        self.labels.update(translate_labels())
        start_error_reports(settings.SENTRY_DSN)
        connection_created.connect(lambda **_: outages.note_answer(DATABASE), weak=False)
        from config.sign_in import signals

        signals.hear_of_logins()
