"""URLs of contacts and imports. Edits that matter to reminders are in reminders/urls.py."""

from django.urls import path

from contacts.views import contacts, duplicates, imports, watching

urlpatterns = [
    path("contacts/", contacts.list_contacts, name="contacts"),
    path("contacts/new/", contacts.add_contact, name="add_contact"),
    path("contacts/duplicates/", duplicates.list_duplicates, name="duplicates"),
    path("contacts/duplicates/distinct/", duplicates.keep_apart, name="keep_apart"),
    path("contacts/<int:pk>/", contacts.show_contact, name="contact"),
    path("contacts/<int:pk>/data.json", contacts.download_data, name="contact_data"),
    path("contacts/<int:pk>/opt-out/", contacts.record_optout, name="record_optout"),
    path("imports/", imports.list_imports, name="imports"),
    path("imports/new/", imports.upload_import, name="upload_import"),
    path("imports/calendars/new/", watching.add_calendar, name="add_calendar"),
    path("imports/calendars/<int:pk>/", watching.edit_calendar, name="edit_calendar"),
    path("imports/calendars/<int:pk>/remove/", watching.remove_calendar, name="remove_calendar"),
    path("imports/calendars/<int:pk>/fetch/", watching.fetch_calendar_now, name="fetch_calendar_now"),
    path("imports/folders/<int:pk>/forget/", watching.forget_gone_folder, name="forget_folder"),
    path("imports/<int:pk>/dismiss/", watching.dismiss_import, name="dismiss_import"),
    path("imports/<int:pk>/decline/", watching.decline_import, name="decline_import"),
    path("imports/<int:pk>/", imports.show_import, name="import_batch"),
    path("imports/<int:pk>/retry/", imports.retry_failed, name="retry_import"),
    path("imports/<int:pk>/problems.csv", imports.download_problems, name="import_problems"),
    path("imports/<int:pk>/rows-to-mend.csv", imports.download_rejected, name="import_rejected"),
    path("imports/<int:pk>/changes.csv", imports.download_changes, name="import_changes"),
]
