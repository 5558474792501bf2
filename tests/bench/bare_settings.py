"""The project's settings, including its middleware, with two bare views instead of its pages."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.bare_urls"
