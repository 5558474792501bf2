"""What all views of the API share: access, problems, entity tags, lists by cursor, and one row."""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar

from django.contrib.auth.models import User
from django.db.models import F, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan
from django.utils.http import parse_etags
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import NotFound
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from contacts.models import ApiToken
from reminders.api.access import BearerTokens, HasScope, TokenRate
from reminders.api.bodies import StrictJson, StrictSerializer, read_parameters
from reminders.api.fields import MOST_ID, Text, WholeParameter
from reminders.api.problems import ApiProblem, FieldError, ProblemCode, answer_problem

IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of what was read, or *.",
)
IF_NONE_MATCH = OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="An ETag.")
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
MOST_LISTED = 200
MOST_OF_A_CURSOR = 60  # characters
USUALLY_LISTED = 100


class ApiView(APIView):
    """Base of all views.

    `scopes`: by method, the scope that a token needs. `takes_parameters`: whether GET reads the address's.
    """

    authentication_classes = [BearerTokens]
    permission_classes = [HasScope]
    throttle_classes = [TokenRate]
    parser_classes = [StrictJson]
    renderer_classes = [JSONRenderer]
    http_method_names = ["get", "head", "post", "put", "patch"]
    scopes: ClassVar[Mapping[str, str]] = {}
    takes_parameters = False

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        is_read = self.takes_parameters and request.method in ("GET", "HEAD")
        if request.method in self.allowed_methods and not is_read:
            read_parameters(request, StrictSerializer)

    def get_exception_handler(self) -> Any:
        return answer_problem


class UnknownAddress(ApiView):
    """Whatever has no view."""

    schema = None
    takes_parameters = True

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound(_("There is nothing at this address."))


class PageParameters(StrictSerializer):
    """What every list takes."""

    cursor = Text(required=False, max_length=MOST_OF_A_CURSOR, help_text="`next_cursor` of the last answer.")
    limit = WholeParameter(
        required=False, default=USUALLY_LISTED, max_value=MOST_LISTED, help_text="Most rows in one answer."
    )


@dataclass(frozen=True)
class ListOrder:
    """In which order a list is read: that of an index, which ends the search as soon as the page is full.

    `held`: a column that a filter holds to one value, the first of the index. It is compared as a range, so
    that PostgreSQL keeps to that index: held to be equal, it would seem to need none, and all rows be read by
    id until the page is full. `moment`: then by this column; then by id. Neither: by id.
    """

    held: str = ""
    value: str = ""
    moment: str = ""

    @property
    def columns(self) -> list[str]:
        return [*filter(None, [self.held, self.moment]), "pk"]

    def take_after(self, rows: "QuerySet[Any]", cursor: str) -> "QuerySet[Any]":
        """The rows after the cursor, in this order. Raises ApiProblem."""
        if self.held:
            rows = rows.filter(**{f"{self.held}__gte": self.value, f"{self.held}__lte": self.value})
        if cursor:
            place = (*([self.value] if self.held else []), *self._read_place(cursor))
            columns = Tuple(*(F(column) for column in self.columns))
            rows = rows.filter(Q(TupleGreaterThan(columns, place)) if len(place) > 1 else Q(pk__gt=place[0]))
        return rows.order_by(*self.columns)

    def write_cursor(self, row: Any) -> str:
        """The cursor after a row."""
        if not self.moment:
            return write_cursor(row.pk)
        since = (getattr(row, self.moment) - EPOCH) // MICROSECOND
        return _encode(f"{self._mark}{since}:{row.pk}")

    @property
    def _mark(self) -> str:
        """What tells the cursors of one order from those of another."""
        return self.moment[0]

    def _read_place(self, cursor: str) -> list[Any]:
        if not self.moment:
            return [read_cursor(cursor)]
        found = re.fullmatch(rf"{self._mark}(-?\d{{1,17}}):(\d{{1,19}})", _decode(cursor), re.ASCII)
        if not found or int(found[2]) > MOST_ID:
            raise _refuse_cursor()
        try:
            return [EPOCH + int(found[1]) * MICROSECOND, int(found[2])]
        except OverflowError:
            raise _refuse_cursor() from None


def choose_order(wanted: Mapping[str, Any], *, held: str = "", moment: str = "") -> ListOrder:
    """The order of a list with these filters. `held`: a filter, and column, that few rows may fit; `moment`:
    the column by which such rows come, and those from or before a moment; "" if by id.
    """
    if "updated_since" in wanted:
        return ListOrder(moment="updated_at")
    if held and held in wanted:
        return ListOrder(held, wanted[held], moment)
    is_by_moment = any(name.endswith(("_from", "_before")) for name in wanted)
    return ListOrder(moment=moment if is_by_moment else "")


def list_page(
    rows: "QuerySet[Any]",
    shape: Any,
    *,
    cursor: str = "",
    limit: int = USUALLY_LISTED,
    order: ListOrder | None = None,
) -> Response:
    """The rows after the cursor, by default in the order of their ids, so that rows added meanwhile shift
    nothing. In the order of changes a row that changes between two pages comes once more, so none is passed
    over.
    """
    order = order or ListOrder()
    found = list(order.take_after(rows, cursor)[: limit + 1])
    shown = found[:limit]
    is_more = len(found) > limit
    return Response(
        {
            "results": shape(shown, many=True).data,
            "next_cursor": order.write_cursor(shown[-1]) if is_more else None,
        }
    )


def write_cursor(pk: int) -> str:
    """The cursor after a row, in the order of ids."""
    return _encode(f"after:{pk}")


def read_cursor(cursor: str) -> int:
    """The id that a cursor stands for. Raises ApiProblem."""
    found = re.fullmatch(r"after:(\d{1,19})", _decode(cursor), re.ASCII)
    if not found or int(found[1]) > MOST_ID:
        raise _refuse_cursor()
    return int(found[1])


def _encode(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str) -> str:
    """What a cursor was made of; "" if it was made by somebody else."""
    try:
        return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (NotBase64, ValueError):
        return ""


def _refuse_cursor() -> ApiProblem:
    detail = _("Send “next_cursor” of the last answer as it was, or leave it out to begin.")
    return ApiProblem(ProblemCode.INVALID, errors=[FieldError("unknown_cursor", detail, parameter="cursor")])


def make_entity_tag(shown: Any) -> str:
    """The ETag of a row as the API shows it."""
    written = json.dumps(shown, sort_keys=True, default=str)
    return f'"{sha256(written.encode()).hexdigest()[:32]}"'


def answer_row(
    request: Request, shown: Any, status: int = 200, *, besides: Mapping[str, Any] | None = None
) -> Response:
    """The row with its ETag; 304 if the client has it already. `besides`: fields of this answer only.

    A token that may write and not read gets its id alone: a change of nothing would read it else.
    """
    tag = make_entity_tag(shown)
    if not _may_read(request):
        shown = {"id": shown["id"]}
    if request.method == "GET" and tag in _read_tags(request, "If-None-Match"):
        return Response(status=304, headers={"ETag": tag})
    return Response({**shown, **(besides or {})}, status, headers={"ETag": tag})


def _may_read(request: Request) -> bool:
    """Whether the token has the scope to read, too, of what it may write here."""
    view = request.parser_context["view"]
    scope = str(view.scopes.get(request.method, ""))
    area, _colon, may = scope.partition(":")
    return may != "write" or (isinstance(request.auth, ApiToken) and f"{area}:read" in request.auth.scopes)


def names_version(request: Request) -> bool:
    """Whether the request names the version that it changes: whoever sends it has seen what it overwrites."""
    return bool(_read_tags(request, "If-Match") - {"*"})


def require_if_match(request: Request) -> None:
    """Raises ApiProblem unless the request names the version that it changes, or any version with "*"."""
    if "If-Match" not in request.headers:
        detail = _("Send the ETag of what you have read as If-Match, or * to change it whatever it is.")
        raise ApiProblem(ProblemCode.PRECONDITION_REQUIRED, detail)


def check_if_match(request: Request, shown: Any) -> None:
    """Raises ApiProblem if the row isn't what the client has read. To be called while the row is locked.

    `shown`: the row as the API shows it; None if there is none.
    """
    wanted = _read_tags(request, "If-Match")
    is_meant = shown is not None and ("*" in wanted or make_entity_tag(shown) in wanted)
    if "If-Match" in request.headers and not is_meant:
        detail = _("Read it again, and decide whether your change is still right.")
        raise ApiProblem(ProblemCode.STALE, detail)


def refuse_existing(request: Request) -> None:
    """Raises ApiProblem if the request is to make something new only (If-None-Match: *), and it is there."""
    if "*" in _read_tags(request, "If-None-Match"):
        raise ApiProblem(ProblemCode.STALE, _("There is one already."))


def find_row(rows: "QuerySet[Any]", **wanted: Any) -> Any:
    """The row. Raises NotFound, as a problem of the API."""
    row = rows.filter(**wanted).first()
    if row is None:
        raise NotFound(_("There is no such row."))
    return row


def acting_user(request: Request) -> User:
    """The user of the token, whom histories name."""
    if not isinstance(request.user, User):
        raise TypeError("an API view without a token")
    return request.user


def _read_tags(request: Request, header: str) -> set[str]:
    """The tags of a header. Weak ones count as strong: compressing an answer makes its ETag weak."""
    return {tag.removeprefix("W/") for tag in parse_etags(request.headers.get(header, "").strip())}
