"""Who looks at the admin."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.office import make_colleague


@pytest.fixture
def sam() -> User:
    return make_colleague("sam", is_staff=True, is_superuser=True)


@pytest.fixture
def office(sam: User) -> Client:
    client = Client()
    client.force_login(sam)
    return client
