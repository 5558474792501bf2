"""Which static files are served and collected: our own, the admin's, and a few of the front-end packages.

Of Tabler, whose styles are 600 kB, pages get what front_end/build.mjs took of it.

The packages bring thousands of files, and some of these point at files that the packages don't have, so the
production storage can't collect them all. A page that needs another file adds it to PACKAGE_FILES.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.apps import StaticFilesConfig
from django.contrib.staticfiles.finders import FileSystemFinder


class CollectedFiles(StaticFilesConfig):
    """django.contrib.staticfiles, without the files of packages whose pages and scripts we don't use."""

    ignore_patterns = [
        *StaticFilesConfig.ignore_patterns,
        *("rest_framework", "django_htmx", "redoc", "oauth2-redirect.*", "swagger-ui-standalone-preset.*"),
        *("account", "recovery_codes.js", "webauthn.js"),  # of django-allauth
    ]


class ChosenFilesFinder(FileSystemFinder):
    """Of the folders in STATICFILES_DIRS that have a prefix, finds only settings.PACKAGE_FILES."""

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Any]]:
        for path, storage in super().list(ignore_patterns):
            prefix = getattr(storage, "prefix", "")
            if not prefix or f"{prefix}/{path}" in settings.PACKAGE_FILES:
                yield path, storage

    def find_location(self, root: str, path: str, prefix: str | None = None) -> str | None:
        if prefix and path not in settings.PACKAGE_FILES:
            return None
        return super().find_location(root, path, prefix)
