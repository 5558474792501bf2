"""Filling in a form of the admin as a person does: everything stays as it is but what they change."""

from typing import Any

from django.db.models import Model
from django.forms import BaseForm
from django.test import Client

from tests.office import address_of


def save_in_admin(office: Client, row: Model, **changes: Any) -> None:
    """Open the row's page, change these fields, and press Save. Fails if the form is refused.

    A change is named as the field is in the form: `closed_days-0-date` for a row below it.
    """
    address = address_of(type(row), f"{row.pk}/change/")
    page = office.get(address)
    values = _read_values(page.context["adminform"].form)
    for inline in page.context["inline_admin_formsets"]:
        values |= _read_values(inline.formset.management_form)
        for form in inline.formset.initial_forms:
            values |= _read_values(form)
    answer = office.post(address, values | changes)
    errors = answer.context and [answer.context["adminform"].form.errors, answer.context["errors"]]
    assert answer.status_code == 302, errors


def _read_values(form: BaseForm) -> dict[str, Any]:
    values = {bound.html_name: bound.value() for bound in form}
    return {name: "" if value is None else value for name, value in values.items() if value is not False}
