from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """The project's own app: system checks (config/checks.py), reports of errors, lines about outages."""

    name = "config"

    def ready(self) -> None:
        from django.conf import settings
        from django.db.backends.signals import connection_created

        from config import checks
        from config.error_reports import start_error_reports
        from config.logs import DATABASE, outages

        checks.register()
        start_error_reports(settings.SENTRY_DSN)
        connection_created.connect(lambda **_: outages.note_answer(DATABASE), weak=False)
