"""Contacts and numbers. Saving them looks again at the reminders that wait for them.

The pages are those of contacts/admin, which doesn't know about reminders.
"""

from typing import Any

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest

from contacts.admin import people
from contacts.models import Contact, PhoneNumber
from reminders.desk.rechecks import recheck_contact, recheck_numbers

admin.site.unregister([Contact, PhoneNumber])


@admin.register(Contact)
class ContactAdmin(people.ContactAdmin):
    def save_model(self, request: HttpRequest, obj: Contact, form: ModelForm[Contact], change: bool) -> None:
        super().save_model(request, obj, form, change)
        recheck_contact(obj.pk)


@admin.register(PhoneNumber)
class PhoneNumberAdmin(people.PhoneNumberAdmin):
    def save_model(self, request: HttpRequest, obj: PhoneNumber, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        recheck_numbers([obj.pk])
