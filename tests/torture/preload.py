"""Load everything that a worker, beat or web process imports once, in the fork server.

No connection is opened here: each process opens its own after the fork.
"""

import sys

import celery.apps.beat
import celery.apps.worker
import celery.concurrency.prefork
import celery.worker.consumer
import celery.worker.worker
import django
import kombu.transport.redis
import valkey
from celery.bin.celery import main as run_celery
from gunicorn.app.wsgiapp import run as run_gunicorn  # type: ignore[import-untyped]

import config.celery

django.setup()
config.celery.app.loader.import_default_modules()

LOADED = (celery.apps, celery.concurrency.prefork, celery.worker, kombu.transport.redis, valkey)


def run_command() -> None:
    """Run `sys.argv`, a command line of celery or gunicorn."""
    if sys.argv[0] == "gunicorn":
        run_gunicorn()
    else:
        run_celery()
