from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """The project's own app; it registers the system checks, and what is done after a login."""

    name = "config"

    def ready(self) -> None:
        from config import checks

        checks.register()
        from config.sign_in import signals

        signals.connect()
