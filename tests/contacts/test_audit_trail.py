"""The audit trail: who did what, and who looked at whom. It can't be changed, and outlives whoever did it."""

from datetime import UTC, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin import site
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, connection, transaction
from django.db.models import PROTECT, ManyToOneRel
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from config.role_matrix import read_matrix
from contacts.audit.reading import AuditScope, find_entries
from contacts.audit.trail import (
    PageUse,
    audited_request,
    record_deed,
    record_deed_of_page,
    record_page,
)
from contacts.audit.words import DEEDS, LOOKS, LOOKS_AT_SHOWN, READ_BY_API, SEARCHED_BY_API, describe_what
from contacts.models import AuditEntry, Contact, ImportBatch, PhoneNumber, RejectedRow
from contacts.optouts import record_optout
from contacts.roles import ADMIN, AUDITOR, FRONT_DESK, MANAGER
from reminders.api.urls import urlpatterns
from reminders.models import FollowUp, Reminder
from reminders.traffic.switch import pause_sending
from tests.config.test_permissions import LOGIN_IS_ENOUGH, PAGES, READ_BY_POST
from tests.office import act, make_call, make_event
from tests.people import make_contact, make_due_reminder, make_user
from tests.reminders.api.client import ApiClient, make_secret
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db
Kind = AuditEntry.Kind
CHANGES = [
    "UPDATE contacts_auditentry SET by_id = NULL",
    "DELETE FROM contacts_auditentry",
    "TRUNCATE contacts_auditentry",
]


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else a table with pending checks isn't truncated
        cursor.execute("SET LOCAL callboard.ledger_may_be_emptied = off")  # it is on for tests
        cursor.execute(sql)


@pytest.mark.parametrize("sql", CHANGES)
def test_an_entry_is_neither_changed_nor_deleted(sql: str) -> None:
    record_deed("sending_paused", by=make_user(), note="fire drill")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        execute(sql)
    assert AuditEntry.objects.get().note == "fire drill"


def test_a_user_is_never_deleted_and_keeps_what_they_did() -> None:
    rosa = make_user("rosa")
    LogEntry.objects.create(
        user=rosa, content_type=ContentType.objects.get_for_model(Contact), object_id="1", action_flag=2
    )
    with pytest.raises(DatabaseError, match="never deleted"), transaction.atomic():
        rosa.delete()
    with pytest.raises(DatabaseError, match="never deleted"), transaction.atomic():
        User.objects.filter(username="rosa")._raw_delete("default")
    assert LogEntry.objects.get().user == rosa


def test_whatever_of_ours_refers_to_a_user_protects_them() -> None:
    """Tables of Django and its packages are protected by the trigger alone."""
    ours = {app.label for app in apps.get_app_configs() if not app.name.startswith(("django", "allauth"))}
    found = [
        f"{relation.related_model._meta.label}.{relation.field.name}"
        for relation in User._meta.get_fields(include_hidden=True)
        if isinstance(relation, ManyToOneRel)
        and relation.related_model._meta.app_label in ours
        and relation.on_delete is not PROTECT
    ]
    assert found == ["contacts.StaffLanguage.user"], "a preference, which says nothing of what they did"


def test_looks_at_the_same_thing_within_minutes_are_one_entry() -> None:
    sarah, tom, rosa = make_contact(), make_contact("Tom", number=None), make_user("rosa")
    for contact in (sarah, sarah, tom):
        record_page(Kind.LOOK, PageUse("contact", rosa, "contacts.Contact", [contact.pk]))
    seen = AuditEntry.objects.exclude(kind="sign_in").order_by("id").values_list("contact_key", flat=True)
    assert list(seen) == [sarah.pk, tom.pk]


def open_as(role: str, **fields: bool) -> Client:
    client = Client()
    client.force_login(make_user(role.lower().replace(" ", ""), role=role, **fields))
    return client


def read_trail() -> list[tuple[str, str, str, int | None]]:
    entries = AuditEntry.objects.order_by("id").exclude(what="number_in_full").exclude(kind="sign_in")
    return list(entries.values_list("kind", "what", "about", "contact_key"))


def test_who_looked_at_whom_is_recorded_with_the_address_and_once_for_a_page_that_polls() -> None:
    reminder = make_due_reminder()
    visit, sarah = reminder.appointment, reminder.appointment.contact
    call = make_call(reminder)
    follow_up = FollowUp.objects.create(
        kind="missed", contact=sarah, appointment=visit, due_at=visit.starts_at, call=call
    )
    manager, polls = open_as(MANAGER), {"HX-Request": "true"}
    for address in (
        f"/contacts/{sarah.pk}/",
        f"/appointments/{visit.pk}/",
        f"/calls/{call.pk}/evidence/",
        f"/worklist/{follow_up.pk}/",
        f"/contacts/{sarah.pk}/data.json",
    ):
        for headers in ({}, polls):
            answer = manager.get(address, headers=headers, REMOTE_ADDR="203.0.113.9")
            assert answer.status_code == 200, address
    assert read_trail() == [
        ("look", "contact", "contacts.Contact", sarah.pk),
        ("look", "appointment", "contacts.Appointment", sarah.pk),
        ("look", "evidence", "reminders.CallRecord", sarah.pk),
        ("look", "worklist_entry", "reminders.FollowUp", sarah.pk),
        ("look", "contact_data", "contacts.Contact", sarah.pk),
    ]
    assert set(AuditEntry.objects.exclude(kind="sign_in").values_list("address", "by_name")) == {
        ("203.0.113.9", "manager")
    }
    assert AuditEntry.objects.get(what="number_in_full").about_id == sarah.phone_id


def test_who_opened_a_person_in_the_admin_is_recorded_and_what_is_refused_is_not() -> None:
    sarah = make_contact()
    auditor = open_as(AUDITOR, is_staff=True)
    assert auditor.get(f"/admin/contacts/contact/{sarah.pk}/change/").status_code == 200
    assert auditor.post(f"/contacts/{sarah.pk}/opt-out/").status_code == 403
    assert auditor.get("/contacts/424242/").status_code == 404
    assert read_trail() == [("look", "admin:contacts_contact_change", "contacts.Contact", sarah.pk)]


def test_whoever_compares_two_contacts_has_looked_at_both_and_at_their_numbers() -> None:
    sarah, ruth = make_contact(), make_contact("Ruth", number="+12025550111")
    desk = open_as(FRONT_DESK)
    for answer in (desk.get, desk.post):  # a merge that isn't as it was shown is refused, and shows it again
        assert "(202) 555-0111" in answer(f"/contacts/{sarah.pk}/merge/{ruth.pk}/").content.decode()
    assert read_trail() == [("look", "merge_contacts", "contacts.Contact", one.pk) for one in (sarah, ruth)]
    seen = AuditEntry.objects.filter(what="number_in_full").values_list("about_id", flat=True)
    assert set(seen) == {sarah.phone_id, ruth.phone_id}


def test_today_which_asks_how_many_are_unconfirmed_leaves_no_look() -> None:
    make_due_reminder()
    desk = open_as(FRONT_DESK)
    for page in ("/", "/day/unconfirmed/"):
        assert desk.get(page, headers={"HX-Request": "true"}).status_code == 200
    assert read_trail() == []
    desk.get("/day/unconfirmed/")
    assert read_trail() == [("look", "unconfirmed", "", None)]


def test_the_form_to_change_a_contact_shows_numbers_in_full() -> None:
    sarah, desk = make_contact(), open_as(FRONT_DESK)
    desk.get(f"/contacts/{sarah.pk}/edit/")
    assert AuditEntry.objects.get(what="number_in_full").about_id == sarah.phone_id


def test_a_form_that_is_refused_shows_as_much_as_its_page() -> None:
    sarah, manager = make_contact(), open_as(MANAGER, is_staff=True)
    number = sarah.phone_id
    refused = {
        f"/texts/{number}/send/": ("text_thread", "contacts.PhoneNumber"),
        f"/contacts/{sarah.pk}/opt-in/": ("record_optin", "contacts.Contact"),
        f"/contacts/{sarah.pk}/edit/": ("edit_contact", "contacts.Contact"),
        f"/admin/contacts/phonenumber/{number}/change/": (
            "admin:contacts_phonenumber_change",
            "contacts.PhoneNumber",
        ),
    }
    for address in refused:
        answer = manager.post(address, {"consent_basis": "unheard of", "version": "1"})
        assert answer.status_code in (200, 422), address
    assert [entry[1:3] for entry in read_trail()] == list(refused.values())


def test_nobody_is_opened_by_another_column_nor_found_by_the_lists_to_choose_from() -> None:
    sarah, auditor = make_contact(), open_as(AUDITOR, is_staff=True)
    for column, spelled in (("id", f"+{sarah.pk}"), ("phone", f"{sarah.phone_id}")):
        answer = auditor.get(f"/admin/contacts/contact/{spelled}/change/?_to_field={column}", follow=True)
        assert "Lindqvist" not in answer.content.decode()
    asked = {"app_label": "contacts", "model_name": "appointment", "field_name": "contact", "term": ""}
    assert auditor.get("/admin/autocomplete/", asked).status_code == 404
    entry = f"/admin/contacts/contact/{sarah.pk}/change/?_to_field=id"  # as Django's own links have it
    assert "Lindqvist" in auditor.get(entry).content.decode()


def test_whoever_makes_a_token_or_a_calendar_address_is_recorded_with_what_it_gives() -> None:
    provider = make_due_reminder().appointment.provider_id
    admin = open_as(ADMIN, is_staff=True)
    ends = {"expires_at_0": str(timezone.localdate() + timedelta(days=90)), "expires_at_1": "00:00:00"}
    token = {"name": "Dentrix", "scopes": ["contacts:read"], **ends}
    feed = {"name": "Phone", "provider": provider, "naming": "full"}
    assert admin.post("/admin/contacts/apitoken/add/", token).status_code == 200
    assert admin.post("/admin/webhooks/calendarfeed/add/", feed).status_code == 200
    made = AuditEntry.objects.filter(kind="deed").order_by("id")
    assert [(one.what, one.by_name, one.about_id is not None) for one in made] == [
        ("admin:contacts_apitoken_add", "admin", True),
        ("admin:webhooks_calendarfeed_add", "admin", True),
    ]
    assert made[0].changes["scopes"] == [[], ["contacts:read"]]
    assert describe_what(made[0].what, "deed") == "In the admin: added: API token"


@pytest.mark.parametrize("spelled", ["0{}", "+{}", "%20{}", "{}%0A", "_2B{}"])
def test_nobody_is_opened_by_an_id_that_the_trail_does_not_tell(spelled: str) -> None:
    """Python reads such numbers as 5, too, and the entry said that somebody was opened, and not who."""
    sarah, auditor = make_contact(), open_as(AUDITOR, is_staff=True)
    for page in ("change", "history"):
        address = f"/admin/contacts/contact/{spelled.format(sarah.pk)}/{page}/"
        assert "Sarah" not in auditor.get(address, follow=True).content.decode()


@pytest.mark.parametrize(
    "page",
    [
        "contacts/contact/",
        "contacts/importchange/",
        "contacts/rejectedrow/",
        "contacts/importbatch/",
        "reminders/receivedtext/",
        "webhooks/webhookevent/",
    ],
)
def test_a_list_of_the_admin_that_shows_people_is_one_look(page: str) -> None:
    auditor = open_as(AUDITOR, is_staff=True)
    for _ in range(2):
        assert auditor.get(f"/admin/{page}").status_code == 200
    name = page.strip("/").replace("/", "_")
    assert read_trail() == [("look", f"admin:{name}_changelist", "", None)]


def test_a_row_of_a_list_that_was_rejected_is_a_look_too() -> None:
    """It has a patient's name and number as the file had them."""
    batch = ImportBatch.objects.create(made_at=timezone.now(), file_name="a.csv", sha256="", source="x")
    row = RejectedRow.objects.create(batch=batch, line=2, cells=["Sarah", "+12025550100"])
    auditor = open_as(AUDITOR, is_staff=True)
    assert "+12025550100" in auditor.get(f"/admin/contacts/rejectedrow/{row.pk}/change/").content.decode()
    assert auditor.get(f"/admin/contacts/importbatch/{batch.pk}/history/").status_code == 200
    assert [entry[1] for entry in read_trail()] == [
        "admin:contacts_rejectedrow_change",
        "admin:contacts_importbatch_history",
    ]


def test_what_a_token_of_the_api_reads_of_a_person_is_one_entry_for_each_row_and_each_list() -> None:
    call = make_call(make_due_reminder())
    visit = call.reminder.appointment
    visit.source, visit.external_id = "Practice", "7"
    visit.save()
    sarah, api = visit.contact, ApiClient(make_secret())
    number = sarah.phone
    assert number is not None
    record_optout(number.pk, scope="all", source="staff", at=timezone.now())
    for _again in range(2):
        for address in (
            *(f"contacts/{sarah.pk}/", f"appointments/{visit.pk}/", "appointments/Practice/7/"),
            *(f"reminders/{call.reminder.pk}/", f"calls/{call.public_id}/", f"opt-outs/{number.pk}/"),
            *("contacts/", "contacts/?limit=1", "campaigns/"),
        ):
            assert api.get(address).status_code == 200, address
        assert api.post("contacts/search/", {"text": "Sarah"}).status_code == 200
    assert api.get("contacts/424242/").status_code == 404
    assert read_trail() == [
        ("look", "api_contact", "contacts.Contact", sarah.pk),
        ("look", "api_appointment", "contacts.Appointment", sarah.pk),
        ("look", "api_reported_appointment", "contacts.Appointment", sarah.pk),
        ("look", "api_reminder", "reminders.Reminder", sarah.pk),
        ("look", "api_call", "contacts.Appointment", sarah.pk),
        ("look", "api_opt_out", "contacts.PhoneNumber", None),
        ("look", "api_contacts", "", None),
        ("look", "api_contact_search", "", None),
    ]
    assert AuditEntry.objects.filter(by_name="api: Practice system").count() == 8


def test_every_address_of_the_api_that_reads_people_is_a_look() -> None:
    """Campaigns and their previews count people, and name none."""
    reads = {name for name, view in list_api_views() if "GET" in view.scopes or name in SEARCHED_BY_API}
    assert reads - {"api_campaigns", "api_campaign", "api_campaign_preview"} == set(READ_BY_API)


def list_api_views() -> list[tuple[str, Any]]:
    views = [(str(one.name), getattr(one.callback, "view_class", None)) for one in urlpatterns]
    return [(name, view) for name, view in views if view]


def test_an_edit_of_a_contact_names_who_and_each_value_before_and_after() -> None:
    sarah, desk = make_contact(), open_as(FRONT_DESK)
    new = {"first_name": "Sara", "last_name": "Lindqvist", "number": "+12025550142", "language": "en"}
    new |= {"preferred_channel": sarah.preferred_channel, "other_phone_use": sarah.other_phone_use}
    number_before = sarah.phone_id
    assert desk.post(f"/contacts/{sarah.pk}/edit/", new).status_code == 302
    sarah.refresh_from_db()
    entry = AuditEntry.objects.get(what="contact_changed")
    assert (entry.by_name, entry.contact_key) == ("frontdesk", sarah.pk)
    assert entry.changes["first_name"] == ["Sarah", "Sara"]
    assert entry.changes["phone_id"] == [number_before, sarah.phone_id]
    assert "2025550142" not in str(entry.changes)
    desk.post(f"/contacts/{sarah.pk}/edit/", {**new, "first_name": ""})
    assert AuditEntry.objects.filter(kind="deed").count() == 1, "what wasn't saved is no deed"


def test_whoever_marks_a_number_as_usable_is_named() -> None:
    sarah, desk = make_contact(), open_as(FRONT_DESK)
    PhoneNumber.objects.update(unusable_since=timezone.now(), unusable_reason="rejected")
    desk.post(f"/contacts/{sarah.pk}/number-usable/")
    entry = AuditEntry.objects.get(kind="deed")
    assert (entry.what, entry.by_name, entry.changes) == (
        "number_usable",
        "frontdesk",
        {"unusable_reason": ["rejected", ""]},
    )


# a deed, what is posted, and the table whose row says so, too
WITH_THEIR_DEED = [
    (
        "/contacts/{contact}/opt-out/",
        {"scope": "all", "way": "phone", "number": "{number}"},
        "contacts_consententry",
    ),
    ("/appointments/{visit}/attendance/", {"status": "arrived"}, "contacts_appointmentchange"),
    ("/appointments/{visit}/cancel/", {}, "contacts_appointmentchange"),
    ("/reminders/{reminder}/skip/", {}, "contacts_appointmentchange"),
    ("/worklist/{follow_up}/take/", {}, "reminders_followupdeed"),
    ("/worklist/{follow_up}/note/", {"note": "call in May"}, "reminders_followupdeed"),
]


@pytest.mark.parametrize(("address", "posted", "table"), WITH_THEIR_DEED)
def test_an_entry_stands_or_falls_with_its_deed(address: str, posted: dict[str, str], table: str) -> None:
    """Both rows are of one transaction, so no kill of the process comes between them."""
    reminder = make_due_reminder()
    visit, sarah = reminder.appointment, reminder.appointment.contact
    follow_up = FollowUp.objects.create(
        kind="missed", contact=sarah, appointment=visit, due_at=visit.starts_at, call=make_call(reminder)
    )
    keys = {"contact": sarah.pk, "visit": visit.pk, "reminder": reminder.pk, "follow_up": follow_up.pk}
    values = {name: value.format(number=sarah.phone_id) for name, value in posted.items()}
    answer = open_as(FRONT_DESK).post(address.format(**keys), values)
    assert answer.status_code < 400
    entry = AuditEntry.objects.get(kind="deed")
    assert entry.by_name == "frontdesk"
    sql = f"SELECT 1 FROM {table} d JOIN contacts_auditentry e ON e.xmin = d.xmin WHERE e.id = %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [entry.pk])
        assert cursor.fetchone()


def test_an_address_that_a_proxy_made_up_does_not_stop_a_deed(settings: Settings) -> None:
    settings.PROXY_COUNT = 1
    visit, headers = make_due_reminder().appointment, {"X-Forwarded-For": "x" * 200}
    address = f"/appointments/{visit.pk}/attendance/"
    assert open_as(FRONT_DESK).post(address, {"status": "arrived"}, headers=headers).status_code < 400
    assert AuditEntry.objects.get(kind="deed").address == "x" * 45


@pytest.mark.parametrize("is_rolled_back", [True, False])
def test_an_entry_that_was_rolled_back_is_written_after_all(is_rolled_back: bool) -> None:
    use = PageUse("record_attendance", make_user("rosa"))
    with audited_request("203.0.113.9") as audited:
        audited.find_deed = lambda: use
        with transaction.atomic():
            record_deed_of_page()
            record_deed_of_page()
            transaction.set_rollback(is_rolled_back)
        record_page(Kind.DEED, use)
    assert AuditEntry.objects.get(kind="deed").by_name == "rosa"


def test_the_sending_switch_keeps_its_history() -> None:
    manager = open_as(MANAGER)
    manager.post("/sending/pause/", {"reason": "fire drill"})
    manager.post("/sending/resume/")
    pause_sending(cause="key_refused")
    found = (
        AuditEntry.objects.exclude(kind="sign_in")
        .order_by("id")
        .values_list("what", "by_name", "note", "changes")
    )
    assert list(found) == [
        ("sending_paused", "manager", "fire drill", {"cause": ["", "person"]}),
        ("sending_resumed", "manager", "", {"cause": ["person", ""]}),
        ("sending_paused", "", "", {"cause": ["", "key_refused"]}),
    ]


def test_every_page_that_changes_something_is_a_deed_with_words() -> None:
    """A page that can be posted to changes something, unless it reads by POST.

    The pages of one's own login record what happened there (contacts/audit/sign_ins.py).
    """
    posted = {row.name for row in read_matrix() if "POST" in row.methods and not row.is_open}
    assert posted - READ_BY_POST - LOGIN_IS_ENOUGH == set(DEEDS)
    assert set(LOOKS | LOOKS_AT_SHOWN) <= set(PAGES)


def test_an_action_of_the_admin_is_an_entry_for_each_row_that_it_is_done_to() -> None:
    sarah, tom, ann = (make_due_reminder(make_contact(name, number=None)) for name in ("Sarah", "Tom", "Ann"))
    act(open_as(MANAGER, is_staff=True), Reminder, "skip", sarah, tom)
    entries = AuditEntry.objects.filter(kind="deed").order_by("about_id")
    assert list(entries.values_list("kind", "by_name", "about", "about_id", "contact_key")) == [
        ("deed", "manager", "reminders.Reminder", one.pk, one.appointment.contact_id) for one in (sarah, tom)
    ]
    whose = find_entries(AuditScope(UTC, contact=tom.appointment.contact_id, kind="deed"))
    words = "In the admin: Skip (don't send these): reminder"
    assert [describe_what(entry.what, entry.kind) for entry in whose] == [words]
    ann.refresh_from_db()
    assert ann.state == "planned"


def test_an_action_that_is_refused_or_asks_again_is_not_recorded() -> None:
    event = make_event(make_call(make_due_reminder()), state="quarantined")
    act(open_as(AUDITOR, is_staff=True), WebhookEvent, "dismiss", event)
    assert "Dismiss messages from Robotalker" in act(
        open_as(ADMIN, is_staff=True), WebhookEvent, "dismiss", event
    )
    assert not AuditEntry.objects.filter(kind="deed").exists()


def test_the_trail_is_told_of_every_action_of_the_admin(rf: RequestFactory) -> None:
    request = rf.get("/admin/")
    request.user = make_user("root", is_superuser=True, is_staff=True)
    untold = [
        f"{model._meta.label}: {name}"
        for model, page in site._registry.items()
        for name, action in page.get_actions(request).items()
        if action and not hasattr(action[0], "__wrapped__")
    ]
    assert untold == []
