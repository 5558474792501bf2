"""What the audit trail says: which pages are deeds, which are looks, and their words.

A page is known by its name in the URLs. Whatever changes something stands in DEEDS; what shows a person, or
hands out many, in LOOKS. A test holds that no page that changes something is missing.
"""

from django.apps import apps
from django.contrib.admin import site
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.admin.utils import model_format_dict
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.audit.sign_ins import SignInKind

# Deeds that record themselves, with what they changed, in their own transaction.
RECORDED: dict[str, Promise] = {
    "number_in_full": _("saw a number in full"),
    "sending_paused": _("paused all sending"),
    "sending_resumed": _("resumed sending"),
    "mode_chosen": _("chose the mode"),
    "contact_changed": _("changed a contact"),
    "number_usable": _("marked a number as usable"),
    "user_added": _("added a user"),
    "user_changed": _("changed a user"),
    "group_changed": _("changed what a role may do"),
    **{kind.value: kind.label for kind in SignInKind},
}
DEEDS: dict[str, Promise] = {
    "hand_out_link": _("made a link for a new password"),
    "remove_factor": _("removed somebody's app and passkeys"),
    "add_contact": _("added a contact"),
    "edit_contact": _("changed a contact"),
    "keep_apart": _("said that two contacts are two people"),
    "merge_contacts": _("merged two contacts"),
    "erase_contact": _("erased a person"),
    "record_optout": _("recorded an opt-out"),
    "record_optin": _("recorded an opt-in"),
    "record_consent": _("recorded a consent"),
    "mark_usable": _("marked a number as usable"),
    "book_appointment": _("booked"),
    "move_appointment": _("moved an appointment"),
    "plan_absence": _("cancelled or moved the visits of somebody who is away"),
    "undo_absence": _("undid an absence"),
    "cancel_appointment": _("cancelled an appointment"),
    "reinstate_appointment": _("booked a cancelled appointment again"),
    "record_attendance": _("recorded whether somebody came"),
    "confirm_appointment": _("marked an appointment as confirmed"),
    "order_call": _("ordered a call"),
    "skip_reminder": _("skipped a reminder"),
    "put_back_reminder": _("put a reminder back"),
    "pause_sending": _("paused all sending"),
    "resume_sending": _("resumed sending"),
    "pause_location": _("paused a location"),
    "resume_location": _("resumed a location"),
    "pause_campaign": _("paused a campaign"),
    "correct_zone": _("corrected the time zone of a location"),
    "mode": _("chose the mode"),
    "run_check": _("checked whether Callboard can go live"),
    "try_assumption": _("ordered a test for going live"),
    "record_assumption": _("recorded the result of a test"),
    "request_number_code": _("asked for a code to verify a number"),
    "enter_number_code": _("verified a number"),
    "forget_number": _("ended that a number is verified"),
    "test_script": _("ordered a test call"),
    "test_visit": _("ordered a test call"),
    "new_campaign": _("made a campaign"),
    "first_campaign_whom": _("chose whom a campaign reminds"),
    "edit_campaign": _("changed a campaign"),
    "activate_campaign": _("activated a campaign"),
    "copy_campaign": _("copied a campaign"),
    "restore_campaign": _("took a campaign back to an earlier version"),
    "add_script": _("added a script"),
    "save_script_text": _("wrote a script"),
    "script_version": _("approved, published, copied or discarded a version of a script"),
    "change_pronunciations": _("changed how abbreviations are said"),
    "send_text": _("wrote a text message"),
    "read_texts": _("marked texts as read"),
    "save_filter": _("saved a choice of filters"),
    "forget_filter": _("removed a saved choice of filters"),
    "take_follow_up": _("took an entry of the worklist"),
    "hand_on_follow_up": _("handed on an entry of the worklist"),
    "snooze_follow_up": _("snoozed an entry of the worklist"),
    "wake_follow_up": _("ended the snoozing of an entry"),
    "note_follow_up": _("wrote a note on the worklist"),
    "resolve_follow_up": _("ended an entry of the worklist"),
    "settle_follow_up": _("settled a call of unknown outcome"),
    "undo_deed": _("undid something on the worklist"),
    "upload_import": _("uploaded a list"),
    "preview_import": _("imported a list"),
    "undo_import": _("undid an import"),
    "retry_import": _("tried an import again"),
    "decline_import": _("declined a list"),
    "dismiss_import": _("dismissed a failed list"),
    "forget_folder": _("forgot a watched folder"),
    "add_calendar": _("added a calendar address"),
    "edit_calendar": _("changed a calendar address"),
    "remove_calendar": _("removed a calendar address"),
    "fetch_calendar_now": _("fetched a calendar"),
}
LOOKS: dict[str, Promise] = {
    "contact": _("opened a contact"),
    "edit_contact": _("opened a contact to change it"),
    "merge_contacts": _("compared two contacts"),
    "erase_contact": _("looked at what erasing a person would do"),
    "contact_data": _("downloaded everything that is known of a person"),
    "household": _("opened a household"),
    "appointment": _("opened an appointment"),
    "peek": _("opened an appointment in short"),
    "explain_step": _("asked why a reminder goes out or not"),
    "evidence": _("opened the evidence of a call"),
    "evidence_file": _("downloaded the evidence of a call"),
    "record_optout": _("opened a contact to record an opt-out"),
    "record_optin": _("opened a contact to record an opt-in"),
    "record_consent": _("opened a contact to record a consent"),
    "move_appointment": _("opened an appointment to move it"),
    "cancel_appointment": _("opened an appointment to cancel it"),
    "reinstate_appointment": _("opened an appointment to book it again"),
    "plan_absence": _("opened the page for the visits of somebody who is away"),
    "absence": _("opened what was done with the visits of somebody who is away"),
    "duplicates": _("opened the list of contacts that may be one"),
    "text_thread": _("read the texts of a number"),
    "worklist_entry": _("opened an entry of the worklist"),
    "print_day": _("opened a day to print it"),
    "campaign_people": _("opened the list of those whom a campaign reminds"),
    "campaign_visits": _("opened the list of visits whose reminders a campaign changes"),
    "import_batch": _("opened an import"),
    "undo_import": _("looked at what undoing an import would do"),
    "preview_import": _("opened the preview of a list"),
    "import_changes": _("downloaded what an import changed"),
    "import_problems": _("downloaded the problems of an import"),
    "import_rejected": _("downloaded the rows of an import to mend"),
    "report_file": _("downloaded a report"),
    "event_export_file": _("downloaded what patients answered"),
    "audit_trail": _("looked at the audit trail"),
    "audit_file": _("downloaded the audit trail"),
}
# Pages that show somebody only sometimes, and are a look if they say whom (note_shown in trail.py).
LOOKS_AT_SHOWN: dict[str, Promise] = {
    "book_appointment": _("opened the page to book for a contact"),
    "offer_contacts": _("opened the page to book for a contact"),
    "unconfirmed": _("opened the list of unconfirmed visits"),
    "script_text": _("opened a script, with an appointment as the example"),
}
# Pages that only take a form, and show another one's page where it has to be mended.
SHOWN_BY = {"send_text": "text_thread", "save_script_text": "script_text"}
# Their deeds call record_deed(), after other histories of the same request may have been written.
RECORD_THEMSELVES = frozenset({"add_contact", "edit_contact", "admin:contacts_contact_change"})
RECORD_THEMSELVES |= {"api_contact", "api_contacts"}
# By tokens of the API: what shows a person or their number. Lists hand out many, and are one look.
READ_BY_API: dict[str, Promise] = {
    "api_contact": _("read a contact by the API"),
    "api_contacts": _("read the list of contacts by the API"),
    "api_contact_search": _("searched contacts by the API"),
    "api_appointment": _("read an appointment by the API"),
    "api_reported_appointment": _("read an appointment by the API"),
    "api_appointments": _("read the list of appointments by the API"),
    "api_explanation": _("asked by the API why a reminder goes out or not"),
    "api_reminder": _("read a reminder by the API"),
    "api_reminders": _("read the list of reminders by the API"),
    "api_call": _("read a call by the API"),
    "api_calls": _("read the list of calls by the API"),
    "api_opt_out": _("read the opt-outs of a number by the API"),
    "api_opt_outs": _("read the list of opt-outs by the API"),
    "api_opt_out_search": _("searched the opt-outs of a number by the API"),
}
SEARCHED_BY_API = frozenset({"api_contact_search", "api_opt_out_search"})  # by POST
# Deeds that answer with the list as it is now, in place of a redirect.
ANSWERED_AT_ONCE = frozenset(name for name in DEEDS if name.endswith("_follow_up")) | {"undo_deed"}
# What an address is about, by how its pattern begins; the longest that fits counts.
ABOUT = {
    "absences/": "reminders.Absence",
    "appointments/": "contacts.Appointment",
    "calls/": "reminders.CallRecord",
    "campaigns/": "reminders.Campaign",
    "contacts/": "contacts.Contact",
    "imports/": "contacts.ImportBatch",
    "imports/calendars/": "contacts.WatchedCalendar",
    "imports/folders/": "contacts.WatchedFolder",
    "locations/": "contacts.Location",
    "numbers/": "contacts.PhoneNumber",
    "opt-outs/": "contacts.PhoneNumber",
    "reminders/": "reminders.Reminder",
    "scripts/": "reminders.Script",
    "scripts/versions/": "reminders.ScriptText",
    "test-calls/number/": "contacts.PhoneNumber",
    "test-calls/reminders/": "reminders.Reminder",
    "test-calls/scripts/": "reminders.ScriptText",
    "texts/": "contacts.PhoneNumber",
    "worklist/": "reminders.FollowUp",
}
ADMIN = "admin:"
ACTION = "action_"  # in the code of what is done to rows of a list: admin:contacts_apitoken_action_revoke
API = "api_"


def find_page_shown(page: str) -> str:
    """The page that is shown where something is posted to `page` and refused: itself, if it has a page."""
    return SHOWN_BY.get(page, page)


def find_about(route: str) -> str:
    """The label of the model that an address is about, by its pattern in the URLs; "" if none."""
    path = route.removeprefix("api/v1/")
    fitting = [begin for begin in ABOUT if path.startswith(begin)]
    return ABOUT[max(fitting, key=len)] if fitting else ""


def describe_what(what: str, kind: str) -> str:
    """A deed or look in words for staff."""
    if what.startswith(ADMIN):
        return _describe_admin(what.removeprefix(ADMIN))
    if what.startswith(API):
        return str(READ_BY_API[what]) if kind == "look" and what in READ_BY_API else gettext("used the API")
    looks = LOOKS | LOOKS_AT_SHOWN
    tables = (looks, RECORDED, DEEDS) if kind == "look" else (RECORDED, DEEDS, looks)
    return next((str(table[what]) for table in tables if what in table), what)


def _describe_admin(page: str) -> str:
    """`page`: such as contacts_location_change."""
    model, deed = split_admin_page(page)
    if deed.startswith(ACTION):
        done = _name_action(model, deed.removeprefix(ACTION))
        return gettext("In the admin: %(done)s: %(thing)s") % {"done": done, "thing": name_model(model)}
    words = {
        "add": gettext("In the admin: added: %(thing)s"),
        "change": gettext("In the admin: %(thing)s"),
        "delete": gettext("In the admin: deleted: %(thing)s"),
        "changelist": gettext("In the admin, list: %(thing)s"),
        "password_change": gettext("In the admin: changed the password: %(thing)s"),
    }
    return words.get(deed, words["change"]) % {"thing": name_model(model) or page}


def split_admin_page(page: str) -> tuple[str, str]:
    """The label of the model, in lower case, and what the page does to it."""
    app, _underscore, rest = page.partition("_")
    model, _underscore, deed = rest.partition("_")
    return f"{app}.{model}", deed


def _name_action(label: str, name: str) -> str:
    """What the admin calls an action on rows of this model; its name if there is none of that name now."""
    try:
        model = apps.get_model(label)
        found = site.get_model_admin(model).get_action(name)
    except (LookupError, ValueError, NotRegistered):
        return name
    return str(found[2]) % model_format_dict(model._meta) if found else name


def name_model(label: str) -> str:
    """What one row of it is called; "" for a model that isn't there."""
    try:
        return str(apps.get_model(label)._meta.verbose_name)
    except (LookupError, ValueError):
        return ""
