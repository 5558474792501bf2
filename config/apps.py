from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """The project's own app; it registers the system checks (config/checks.py)."""

    name = "config"

    def ready(self) -> None:
        from config import checks

        checks.register()
