"""Every page and deed asks for its permission; an auditor changes nothing (product rule 63)."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from config.role_matrix import read_matrix, write_matrix
from contacts.roles import ADMIN, AUDITOR, FRONT_DESK, MANAGER
from tests.people import make_user

pytestmark = pytest.mark.django_db

# The page's name in the URLs, and the permission that it asks for. A new page needs a row here.
PAGES = {
    "today": "contacts.view_appointment",
    "print_day": "contacts.view_appointment",
    "unconfirmed": "contacts.view_appointment",
    "peek": "contacts.view_appointment",
    "visit_number": "contacts.dial_phonenumber",
    "saved_filters": "contacts.view_appointment",
    "save_filter": "contacts.change_appointment",
    "forget_filter": "contacts.change_appointment",
    "plan_absence": "contacts.change_appointment",
    "absence": "contacts.change_appointment",
    "undo_absence": "contacts.change_appointment",
    "calendar": "contacts.view_appointment",
    "calendar_events": "contacts.view_appointment",
    "pulse": "contacts.view_appointment",
    "appointment": "contacts.view_appointment",
    "explain_step": "contacts.view_appointment",
    "evidence": "reminders.read_evidence",
    "evidence_file": "reminders.read_evidence",
    "book_appointment": "contacts.add_appointment",
    "offer_contacts": "contacts.view_contact",
    "move_appointment": "contacts.change_appointment",
    "cancel_appointment": "contacts.change_appointment",
    "reinstate_appointment": "contacts.change_appointment",
    "record_attendance": "contacts.change_appointment",
    "confirm_appointment": "contacts.change_appointment",
    "order_call": "contacts.change_appointment",
    "skip_reminder": "contacts.change_appointment",
    "put_back_reminder": "contacts.change_appointment",
    "correct_zone": "contacts.change_location",
    "pause_sending": "reminders.change_sendingswitch",
    "resume_sending": "reminders.change_sendingswitch",
    "scripts": "reminders.view_script",
    "add_script": "reminders.change_campaign",
    "script": "reminders.view_script",
    "script_text": "reminders.view_script",
    "save_script_text": "reminders.change_campaign",
    "script_version": "reminders.change_campaign",
    "pronunciations": "reminders.view_script",
    "change_pronunciations": "reminders.change_campaign",
    "mode": "reminders.change_mode",
    "run_check": "reminders.change_mode",
    "try_assumption": "reminders.change_mode",
    "record_assumption": "reminders.change_mode",
    "test_calls": "reminders.add_testcall",
    "request_number_code": "reminders.add_testcall",
    "enter_number_code": "reminders.add_testcall",
    "forget_number": "reminders.add_testcall",
    "test_script": "reminders.add_testcall",
    "test_visit": "reminders.add_testcall",
    "settings": "contacts.view_appointment",
    "stop": "contacts.view_appointment",
    "pause_location": "contacts.change_location",
    "resume_location": "contacts.change_location",
    "pause_campaign": "reminders.change_campaign",
    "campaigns": "reminders.view_campaign",
    "new_campaign": "reminders.change_campaign",
    "first_campaign": "reminders.change_campaign",
    "first_campaign_whom": "reminders.change_campaign",
    "first_campaign_words": "reminders.change_campaign",
    "first_campaign_count": "reminders.change_campaign",
    "campaign": "reminders.view_campaign",
    "campaign_visits": "reminders.view_campaign",
    "campaign_people": "reminders.view_campaign",
    "activate_campaign": "reminders.change_campaign",
    "edit_campaign": "reminders.change_campaign",
    "copy_campaign": "reminders.change_campaign",
    "restore_campaign": "reminders.change_campaign",
    "api_page": "contacts.view_apitoken",
    "audit_trail": "contacts.view_auditentry",
    "audit_file": "contacts.view_auditentry",
    "reports": "reminders.view_reports",
    "report": "reminders.view_reports",
    "report_file": "reminders.view_reports",
    "texts": "reminders.view_receivedtext",
    "text_thread": "reminders.view_receivedtext",
    "send_text": "reminders.add_stafftext",
    "read_texts": "reminders.add_stafftext",
    "worklist": "reminders.view_followup",
    "take_follow_up": "reminders.change_followup",
    "resolve_follow_up": "reminders.change_followup",
    "settle_follow_up": "reminders.change_followup",
    "worklist_changes": "reminders.view_followup",
    "worklist_closed": "reminders.view_followup",
    "worklist_entry": "reminders.view_followup",
    "hand_on_follow_up": "reminders.change_followup",
    "snooze_follow_up": "reminders.change_followup",
    "wake_follow_up": "reminders.change_followup",
    "note_follow_up": "reminders.change_followup",
    "undo_deed": "reminders.change_followup",
    "find": "contacts.view_contact",
    "contacts": "contacts.view_contact",
    "contact": "contacts.view_contact",
    "add_contact": "contacts.add_contact",
    "edit_contact": "contacts.change_contact",
    "duplicates": "contacts.change_contact",
    "keep_apart": "contacts.change_contact",
    "merge_contacts": "contacts.change_contact",
    "erase_contact": "contacts.erase_contact",
    "contact_data": "contacts.export_contact",
    "record_optout": "contacts.change_contact",
    "record_optin": "contacts.change_contact",
    "record_consent": "contacts.change_contact",
    "household": "contacts.view_contact",
    "mark_usable": "contacts.change_contact",
    "imports": "contacts.view_importbatch",
    "import_batch": "contacts.view_importbatch",
    "import_rejected": "contacts.view_importbatch",
    "import_calls": "contacts.view_importbatch",
    "undo_import": "contacts.delete_importbatch",
    "import_changes": "contacts.view_importbatch",
    "import_problems": "contacts.view_importbatch",
    "upload_import": "contacts.add_importbatch",
    "retry_import": "contacts.add_importbatch",
    "preview_import": "contacts.add_importbatch",
    "decline_import": "contacts.add_importbatch",
    "dismiss_import": "contacts.add_importbatch",
    "forget_folder": "contacts.delete_importbatch",
    "add_calendar": "contacts.add_watchedcalendar",
    "edit_calendar": "contacts.change_watchedcalendar",
    "remove_calendar": "contacts.delete_watchedcalendar",
    "fetch_calendar_now": "contacts.change_watchedcalendar",
    "sign_ins": "auth.change_user",
    "hand_out_link": "auth.change_user",
    "remove_factor": "auth.change_user",
    "event_export": "webhooks.view_outgoingevent",
    "event_export_file": "webhooks.view_outgoingevent",
    "retention": "webhooks.view_retentionrun",
}
READ = {
    "contacts.view_appointment",
    "contacts.view_contact",
    "contacts.view_importbatch",
    "reminders.view_followup",
    "reminders.view_receivedtext",
}
DAILY_WORK = READ | {
    "contacts.add_appointment",
    "contacts.change_appointment",
    "contacts.add_contact",
    "contacts.change_contact",
    "contacts.dial_phonenumber",
    "contacts.add_importbatch",
    "reminders.change_followup",
    "reminders.add_testcall",
    "reminders.add_stafftext",
}
RECORDS = {
    "contacts.view_auditentry",
    "reminders.read_evidence",
    "reminders.view_reports",
    "contacts.view_apitoken",
    "webhooks.view_outgoingevent",
    "webhooks.view_retentionrun",
}
ABOUT_A_PERSON = {"contacts.erase_contact", "contacts.export_contact"}
SETTING_UP = {
    "reminders.change_sendingswitch",
    "contacts.change_location",
    "contacts.add_watchedcalendar",
    "contacts.change_watchedcalendar",
    "contacts.delete_watchedcalendar",
    "contacts.delete_importbatch",
    "reminders.view_campaign",
    "reminders.change_campaign",
    "reminders.view_script",
}
MAY = {
    "": set(),
    FRONT_DESK: DAILY_WORK,
    MANAGER: DAILY_WORK | SETTING_UP | RECORDS | ABOUT_A_PERSON,
    AUDITOR: READ | RECORDS | {"reminders.view_campaign", "reminders.view_script"},
    ADMIN: DAILY_WORK | SETTING_UP | RECORDS | ABOUT_A_PERSON | {"reminders.change_mode", "auth.change_user"},
}
# Pages that read by POST, so that names stay out of addresses.
READ_BY_POST = {"contacts", "find", "offer_contacts", "worklist_changes"}
LOGIN_IS_ENOUGH = {
    "logout",
    "mfa_index",
    "account_reauthenticate",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_add_webauthn",
    "mfa_edit_webauthn",
    "mfa_remove_webauthn",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "change_password",
    "lock_desk",
    "kept_form",
}
OPEN_TO_ALL = {"login", "choose_language", "healthz", "readyz", "metrics", "evidence_keys", "calendar_feed"}
OPEN_TO_ALL |= {
    "account_login",
    "mfa_authenticate",
    "mfa_login_webauthn",
    "forgotten_password",
    "new_password",
}
OPEN_TO_ALL |= {"locked", "desk_state", "forgotten_password"}
OTHER_DOORS = ("admin/", "hooks/", "api/v1")
NOBODY = 424242


def find_pages(patterns: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for pattern in patterns:
        if str(pattern.pattern).startswith(OTHER_DOORS):
            continue
        if isinstance(pattern, URLResolver):
            yield from find_pages(pattern.url_patterns)
        elif pattern.name not in OPEN_TO_ALL | LOGIN_IS_ENOUGH:
            yield pattern


def read_pages() -> dict[str, str]:
    """The address of each page, by its name; a row that it needs doesn't exist."""
    found = {}
    for page in find_pages(get_resolver().url_patterns):
        assert page.name, f"{page.pattern} needs a name"
        found[page.name] = reverse(page.name, kwargs=dict.fromkeys(page.pattern.converters, NOBODY))
    return found


def test_every_page_stands_in_the_table_with_its_permission() -> None:
    assert set(read_pages()) == set(PAGES)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("role", MAY)
def test_a_role_opens_the_pages_that_it_has_permission_for_and_no_others(role: str, method: str) -> None:
    client = Client()
    client.force_login(make_user(role=role))
    refused, answered = set(), set()
    for name, address in read_pages().items():
        status = getattr(client, method)(address).status_code
        assert status in (200, 302, 303, 400, 403, 404, 405, 422), name
        if status == 403:
            refused.add(name)
        elif status != 405:
            answered.add(name)
    assert refused == {name for name, permission in PAGES.items() if permission not in MAY[role]}
    in_matrix = {row.name for row in read_matrix() if row.may(role) and method.upper() in row.methods}
    assert answered == in_matrix - OPEN_TO_ALL - LOGIN_IS_ENOUGH


def test_the_role_matrix_in_the_docs_is_up_to_date() -> None:
    """`manage.py write_role_matrix` writes it."""
    page = (settings.BASE_DIR / "docs" / "security.md").read_text()
    assert write_matrix(page) == page


def test_the_matrix_names_what_is_open_to_all_and_what_every_login_may() -> None:
    rows = {row.name: row for row in read_matrix()}
    assert {name for name, row in rows.items() if row.is_open} == OPEN_TO_ALL
    without_permission = {name for name, row in rows.items() if not (row.is_open or row.permissions)}
    assert without_permission == LOGIN_IS_ENOUGH
    assert all(row.methods for name, row in rows.items() if name not in OPEN_TO_ALL)


def test_every_action_of_the_admin_asks_for_a_permission() -> None:
    """An action without one would be anybody's who may look at the list."""
    for model, of_model in admin.site._registry.items():
        for action in of_model.actions or ():
            deed = getattr(of_model, action) if isinstance(action, str) else action
            assert getattr(deed, "allowed_permissions", None), (model, action)


def test_an_auditor_can_post_nowhere() -> None:
    client = Client()
    client.force_login(make_user(role=AUDITOR))
    for name, address in read_pages().items():
        if name not in READ_BY_POST:
            assert client.post(address).status_code in (403, 405), name


@pytest.mark.parametrize("method", ["get", "post"])
def test_without_a_login_every_page_leads_to_the_login(method: str) -> None:
    for name, address in read_pages().items():
        answer = getattr(Client(), method)(address)
        assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={address}"), name


def test_somebody_without_a_role_reads_what_is_missing_and_whom_to_ask() -> None:
    client = Client()
    client.force_login(make_user("omar", role=""))
    answer = client.get("/")
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "You are logged in as omar, but this login has no role." in page
    assert "Ask an administrator" in page
    assert "Log out" in page
    assert "data-live" not in page, "nothing asks again and again for what is refused"
    assert 'href="/worklist/"' not in page


def test_a_role_that_was_taken_away_counts_at_once() -> None:
    user = make_user()
    client = Client()
    client.force_login(user)
    assert client.get("/").status_code == 200
    user.groups.remove(Group.objects.get(name=FRONT_DESK))
    assert client.get("/").status_code == 403
    assert client.get("/pulse/", headers={"HX-Request": "true"}).status_code == 403


def test_somebody_who_may_not_enter_the_admin_reads_so() -> None:
    client = Client()
    client.force_login(make_user())
    answer = client.get("/admin/", follow=True)
    assert answer.status_code == 403
    assert "You don't have permission to do this" in answer.content.decode().replace("&#x27;", "'")
