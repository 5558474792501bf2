from config.zone_data import use_package

use_package()  # before the import below, and so before anything can ask for a time zone

from config.celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
