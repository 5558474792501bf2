"""Which role may use which page, deed of the admin and API call: the tables in docs/security.md.

Read from the URLs and the views themselves, without a database: each view is asked by a method that none
knows, once by somebody who may do nothing, which tells the permission that it wants, and once by somebody
who may do everything, which tells its methods.
tests/config/test_permissions.py compares the result with real requests.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from contacts.roles import MAY, list_permissions

NO_ROLE = ""
ROLES = (NO_ROLE, *MAY)
ADMIN, HOOKS, API = "admin/", "hooks/", "api/v1"
ANY_ROW = 424242
BEGIN = "<!-- the role matrix, by manage.py write_role_matrix -->"
END = "<!-- the end of the role matrix -->"
REFUSED, SIGN_IN = "–", "sign-in"
ADMIN_DEEDS = {"look": "view", "add": "add", "change": "change", "delete": "delete"}


@dataclass
class RoleStandIn:
    """Stands for somebody with these permissions, who may enter the admin. `asked`: for what."""

    permissions: frozenset[str] = frozenset()
    has_all: bool = False
    asked: list[str] = field(default_factory=list)
    is_authenticated = is_active = is_staff = True
    is_anonymous = is_superuser = False
    pk = ANY_ROW

    def has_perm(self, permission: str, _row: object = None) -> bool:
        self.asked.append(permission)
        return self.has_all or permission in self.permissions

    def has_perms(self, permissions: Iterable[str], _row: object = None) -> bool:
        return all(self.has_perm(one) for one in permissions)

    def has_module_perms(self, app: str) -> bool:
        return self.has_all or any(one.startswith(f"{app}.") for one in self.permissions)


@dataclass(frozen=True)
class MatrixRow:
    """A page: its name and address in the URLs, whether it is open to all, its permissions and methods."""

    name: str
    address: str
    is_open: bool
    permissions: tuple[str, ...]
    methods: tuple[str, ...]

    def may(self, role: str) -> bool:
        """Whether somebody who is logged in with this role may use it."""
        return self.is_open or set(self.permissions) <= list_permissions(role)


def read_matrix() -> list[MatrixRow]:
    """A row for each page, by address; without the admin, the API and the endpoint for Robotalker."""
    rows = [_read_row(address, page) for address, page in _list_patterns(get_resolver().url_patterns)]
    return sorted(rows, key=lambda row: row.address)


def _list_patterns(patterns: Iterable[Any], begin: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        address = begin + str(pattern.pattern)
        if address.startswith((ADMIN, HOOKS, API)):
            continue
        if isinstance(pattern, URLResolver):
            yield from _list_patterns(pattern.url_patterns, address)
        else:
            yield address, pattern


def _read_row(address: str, page: URLPattern) -> MatrixRow:
    is_open = not getattr(page.callback, "login_required", True)
    return MatrixRow(
        name=page.name or "",
        address=f"/{address}",
        is_open=is_open,
        permissions=() if is_open else find_permissions(page),
        methods=list_methods(page),
    )


def find_permissions(page: URLPattern) -> tuple[str, ...]:
    """The permissions that a page asks for; none where a login is enough."""
    nobody = RoleStandIn()
    try:
        _ask(page, nobody)
    except PermissionDenied:
        return tuple(nobody.asked)
    return ()


def list_methods(page: URLPattern) -> tuple[str, ...]:
    """The methods that a page answers, as it says itself when asked by one that it doesn't know."""
    person = RoleStandIn(has_all=True)
    person.is_authenticated = getattr(page.callback, "login_required", True)
    answer = _ask(page, person)
    allowed = {method.strip() for method in answer.get("Allow", "").split(",")}
    return tuple(sorted(allowed & {"GET", "POST", "PUT", "PATCH", "DELETE"}))


def _ask(page: URLPattern, person: RoleStandIn) -> Any:
    request: Any = RequestFactory().generic("PROBE", "/")
    request.user, request.session, request._dont_enforce_csrf_checks = person, {}, True
    logging.disable(logging.WARNING)  # "Method Not Allowed" is what is asked for
    try:
        return page.callback(request, **dict.fromkeys(page.pattern.converters, ANY_ROW))
    finally:
        logging.disable(logging.NOTSET)


def write_matrix(page: str) -> str:
    """The page's text with the tables of now between their marks. Raises ValueError without marks."""
    before, begin, rest = page.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"docs/security.md lacks {BEGIN} or {END}.")
    tables = "\n\n".join([_write_pages(), _write_admin(), _write_actions(), _write_api()])
    return f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}"


def _write_table(title: str, head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [f"### {title}", "", _write_line(head), _write_line(["---"] * len(head)), *map(_write_line, rows)]
    return "\n".join(lines)


def _write_line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _name_roles() -> list[str]:
    return [role.lower() or "no role" for role in ROLES]


def _write_pages() -> str:
    rows = []
    for row in read_matrix():
        methods = " ".join(row.methods) or "any"
        cells = [methods if row.may(role) else REFUSED for role in ROLES]
        asks = ", ".join(f"`{one.partition('.')[2]}`" for one in row.permissions) or (
            "–" if row.is_open else "a login"
        )
        rows.append([f"`{row.address}`", asks, methods if row.is_open else SIGN_IN, *cells])
    return _write_table("Pages", ["address", "asks for", "not logged in", *_name_roles()], rows)


def _write_admin() -> str:
    rows = []
    for model, of_model in sorted(admin.site._registry.items(), key=lambda pair: pair[0]._meta.label):
        cells = [", ".join(list_admin_deeds(of_model, role)) or REFUSED for role in ROLES]
        rows.append([_name_admin_page(model), SIGN_IN, *cells])
    title = "The admin, for those who have staff status too"
    return _write_table(title, ["what", "not logged in", *_name_roles()], rows)


def _name_admin_page(model: "type[Model]") -> str:
    return f"`/admin/{model._meta.app_label}/{model._meta.model_name}/`"


def list_admin_deeds(of_model: "admin.ModelAdmin[Any]", role: str) -> list[str]:
    """What somebody with this role may do with the rows of a model in the admin."""
    request = _make_admin_request(role)
    asks = {
        word: getattr(of_model, f"has_{permission}_permission") for word, permission in ADMIN_DEEDS.items()
    }
    return [word for word, may in asks.items() if may(request)]


def list_admin_actions(of_model: "admin.ModelAdmin[Any]", role: str) -> set[str]:
    """The actions that the list of a model offers somebody with this role in the admin."""
    return set(of_model.get_actions(_make_admin_request(role)))


def _make_admin_request(role: str) -> HttpRequest:
    request = RequestFactory().get("/admin/")
    request.user = RoleStandIn(list_permissions(role))  # type: ignore[assignment]
    return request


def _write_actions() -> str:
    rows = []
    for model, of_model in sorted(admin.site._registry.items(), key=lambda pair: pair[0]._meta.label):
        may = {role: list_admin_actions(of_model, role) for role in ROLES}
        for action in sorted(set().union(*may.values())):
            cells = ["POST" if action in may[role] else REFUSED for role in ROLES]
            rows.append([_name_admin_page(model), f"`{action}`", *cells])
    return _write_table("Actions of the admin", ["what", "action", *_name_roles()], rows)


def _write_api() -> str:
    rows = [
        [f"`/{address}`", method, f"`{scope}`"]
        for address, view in _list_api(get_resolver().url_patterns)
        for method, scope in sorted(getattr(view, "scopes", {}).items())
    ]
    title = "The API, by the scope of a token; without a token: 401"
    return _write_table(title, ["address", "method", "scope"], rows)


def _list_api(patterns: Iterable[Any], begin: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        address = begin + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _list_api(pattern.url_patterns, address)
        elif address.startswith(f"{API}/"):
            yield address, getattr(pattern.callback, "cls", None)
