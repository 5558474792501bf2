"""The project's own settings, middleware and all, with two bare views in place of its pages."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.bare_urls"
