"""Opt-outs of numbers: list, find, read, add. The API never removes one."""

from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.database.clock import read_database_clock
from contacts.models import ApiScope, ConsentEntry, PhoneNumber
from contacts.models.people import Channel
from contacts.number_faults import NotANumber
from contacts.optouts import record_optout
from contacts.own_numbers import is_own_number
from contacts.people import get_or_create_written_number
from reminders.api.bodies import StrictSerializer, read_json_body, read_parameters
from reminders.api.fields import E164, MomentField, Text
from reminders.api.problems import ApiProblem, FieldError, ProblemCode, refuse_field
from reminders.api.views import (
    IF_NONE_MATCH,
    ApiView,
    PageParameters,
    acting_user,
    answer_row,
    find_row,
    list_page,
)

OPTED_OUT = Q(voice_opted_out_at__isnull=False) | Q(sms_opted_out_at__isnull=False)


class OptOutFields(serializers.Serializer[PhoneNumber]):
    """What a number has opted out of."""

    id = serializers.IntegerField(help_text="The number's id.")
    number = serializers.CharField(source="e164", help_text="E.164.")
    no_calls_since = serializers.DateTimeField(source="voice_opted_out_at", allow_null=True)
    no_texts_since = serializers.DateTimeField(source="sms_opted_out_at", allow_null=True)


class LedgerFields(serializers.Serializer[ConsentEntry]):
    """A line of the ledger."""

    what = serializers.ChoiceField(ConsentEntry.What.choices)
    scope = serializers.ChoiceField(ConsentEntry.Scope.choices)
    source = serializers.ChoiceField(ConsentEntry.Source.choices)  # type: ignore[assignment]
    evidence = serializers.CharField()
    by = serializers.SerializerMethodField()
    at = serializers.DateTimeField()

    @extend_schema_field({"type": ["string", "null"]})
    def get_by(self, entry: ConsentEntry) -> str | None:
        return (entry.by.get_full_name() or entry.by.get_username()) if entry.by else None


class OptOutWithLedger(OptOutFields):
    """What a number has opted out of, and how that came about, the latest first."""

    ledger = LedgerFields(source="consent_entries", many=True)


class OptOutPage(serializers.Serializer[Any]):
    """A part of the list."""

    results = OptOutFields(many=True)
    next_cursor = serializers.CharField(allow_null=True, help_text="null: there are no more.")


class OptOutParameters(PageParameters):
    """Filters of the list."""

    since = MomentField(
        required=False, help_text="Those who opted out from then on, or of whom it was recorded since."
    )
    channel = serializers.ChoiceField(Channel.choices, required=False)


class OptOutBody(StrictSerializer):
    """A "no" that somebody told another system."""

    number = E164()
    scope = serializers.ChoiceField(
        ConsentEntry.Scope.choices,
        required=False,
        help_text="What they no longer want; all if it is left out.",
    )
    note = Text(required=False, allow_blank=True, max_length=240, help_text="How and when they said so.")


class NumberSearch(StrictSerializer):
    """The number to look for."""

    number = E164()


FLAGS = {Channel.VOICE: "voice_opted_out_at", Channel.SMS: "sms_opted_out_at"}


class OptOuts(ApiView):
    """All numbers that have opted out."""

    scopes = {"GET": ApiScope.READ_OPTOUTS, "POST": ApiScope.ADD_OPTOUTS}
    takes_parameters = True

    @extend_schema(operation_id="listOptOuts", parameters=[OptOutParameters], responses=OptOutPage)
    def get(self, request: Request) -> Response:
        """List the numbers that have opted out of calls, of texts, or of both."""
        wanted = read_parameters(request, OptOutParameters)
        channels = [Channel(wanted["channel"])] if "channel" in wanted else list(Channel)
        flags = [FLAGS[channel] for channel in channels]
        rows = PhoneNumber.objects.filter(Q(*((f"{flag}__isnull", False) for flag in flags), _connector=Q.OR))
        if "since" in wanted:
            is_since = [(f"{flag}__gte", wanted["since"]) for flag in flags]
            recorded_since = ConsentEntry.objects.filter(
                number=OuterRef("pk"),
                what=ConsentEntry.What.OPT_OUT,
                scope__in=[*channels, ConsentEntry.Scope.ALL],
                recorded_at__gte=wanted["since"],
            )
            rows = rows.filter(Q(Exists(recorded_since), *is_since, _connector=Q.OR))
        return list_page(rows, OptOutFields, cursor=wanted.get("cursor", ""), limit=wanted["limit"])

    @extend_schema(
        operation_id="addOptOut", request=OptOutBody, responses={200: OptOutWithLedger, 201: OptOutWithLedger}
    )
    def post(self, request: Request) -> Response:
        """Record an opt-out. It counts at once, for everybody who shares the number. 200: it was known."""
        body = read_json_body(request, OptOutBody)
        if is_own_number(body["number"]):
            detail = _("This is one of the practice's own numbers, which are never opted out.")
            error = FieldError("own_number", detail, pointer="#/number")
            raise ApiProblem(ProblemCode.CONFLICT, detail, errors=[error])
        try:
            number = get_or_create_written_number(body["number"], settings.PHONE_REGION)
        except NotANumber as fault:
            raise refuse_field("#/number", "not_a_number", str(fault)) from None
        is_new = record_optout(
            number.pk,
            scope=body.get("scope", ConsentEntry.Scope.ALL),
            source=ConsentEntry.Source.API,
            at=read_database_clock(),
            evidence=body.get("note", ""),
            by=acting_user(request),
        )
        return answer_number(request, 201 if is_new else 200, pk=number.pk)


class OneOptOut(ApiView):
    """A number that has opted out, or once had."""

    scopes = {"GET": ApiScope.READ_OPTOUTS}

    @extend_schema(operation_id="readOptOut", parameters=[IF_NONE_MATCH], responses=OptOutWithLedger)
    def get(self, request: Request, pk: int) -> Response:
        """Read what a number has opted out of, with its ledger."""
        return answer_number(request, pk=pk)


class FoundOptOut(ApiView):
    """Looking for a number, which must not stand in an address."""

    scopes = {"POST": ApiScope.READ_OPTOUTS}

    @extend_schema(operation_id="searchOptOut", request=NumberSearch, responses=OptOutWithLedger)
    def post(self, request: Request) -> Response:
        """Read what a number has opted out of, by the number."""
        return answer_number(request, e164=read_json_body(request, NumberSearch)["number"])


def shown_numbers() -> "QuerySet[PhoneNumber]":
    """Those with anything in their ledger."""
    return PhoneNumber.objects.filter(OPTED_OUT | Q(consent_entries__isnull=False)).distinct()


def answer_number(request: Request, status: int = 200, **wanted: Any) -> Response:
    numbers = shown_numbers().prefetch_related("consent_entries__by")
    return answer_row(request, OptOutWithLedger(find_row(numbers, **wanted)).data, status)
