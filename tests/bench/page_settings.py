"""The project's settings for pages without collected static files, which only a deployment has."""

from config.settings import *  # noqa: F403
from config.settings import STORAGES as _STORAGES

STORAGES = _STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_AUTOREFRESH = True
