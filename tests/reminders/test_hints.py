"""A hint to the workers never fails a request, nor keeps it waiting."""

import time

import pytest
from celery import current_app
from pytest_django import DjangoCaptureOnCommitCallbacks

from reminders.hints import hint_dispatch
from tests.waiting import find_free_port


@pytest.mark.django_db
def test_a_lost_broker_fails_no_request(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    usual = current_app.conf.broker_url
    current_app.conf.update(broker_url=f"redis://127.0.0.1:{find_free_port()}/0")
    try:
        started = time.monotonic()
        with django_capture_on_commit_callbacks(execute=True) as callbacks:
            hint_dispatch()
        assert len(callbacks) == 1
        assert time.monotonic() - started < 5
    finally:
        current_app.conf.update(broker_url=usual)
