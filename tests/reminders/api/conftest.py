import pytest

from tests.reminders.api.client import ApiClient


@pytest.fixture
def api(db: None) -> ApiClient:
    return ApiClient()
