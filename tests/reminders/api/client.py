"""A client of the API with a token, as another system of the practice has it."""

import json
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from contacts.api_tokens import make_api_token
from contacts.models import ApiScope

PREFIX = "/api/v1/"
ALL_SCOPES = ApiScope.values


def make_secret(scopes: Collection[str] = ALL_SCOPES, *, name: str = "Practice system") -> str:
    """The secret of a new token that is valid for a day."""
    return make_api_token(name, scopes=scopes, expires_at=timezone.now() + timedelta(days=1), by=None)[1]


class ApiClient:
    """Sends JSON. Addresses are below /api/v1/."""

    def __init__(self, secret: str = "") -> None:
        self.secret = secret or make_secret()
        self._client = Client(raise_request_exception=False)

    def send(self, method: str, address: str, body: Any = None, **headers: str) -> Any:
        """`body`: bytes as they are, anything else as JSON; None for none. `headers`: If_Match="…"."""
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._client.generic(
            method,
            address if address.startswith("/") else PREFIX + address,
            content or b"",
            content_type=given.pop("Content-Type", "application/json" if content is not None else ""),
            headers={"Authorization": f"Bearer {self.secret}", **given},
        )

    def get(self, address: str, **headers: str) -> Any:
        return self.send("GET", address, **headers)

    def post(self, address: str, body: Any = None, **headers: str) -> Any:
        return self.send("POST", address, body, **headers)

    def put(self, address: str, body: Any = None, **headers: str) -> Any:
        return self.send("PUT", address, body, **headers)

    def patch(self, address: str, body: Any = None, **headers: str) -> Any:
        return self.send("PATCH", address, body, **headers)


def read_problem(response: Any) -> tuple[int, str]:
    """The status and the code of a problem, which must be one."""
    assert response.headers["Content-Type"] == "application/problem+json", response.content
    problem = response.json()
    assert problem["status"] == response.status_code
    assert problem["title"]
    assert problem["detail"]
    return response.status_code, problem["type"].removeprefix("urn:callboard:problem:")


def read_errors(response: Any) -> dict[str, str]:
    """The code of each error by its pointer or parameter."""
    errors = response.json().get("errors", [])
    return {each.get("pointer") or each["parameter"]: each["code"] for each in errors}
