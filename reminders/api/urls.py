"""The addresses of the API."""

from django.urls import path, re_path

from reminders.api import appointments, calls, campaigns, contacts, opt_outs, reminders
from reminders.api.description import show_description
from reminders.api.views import UnknownAddress

urlpatterns = [
    path("openapi.json", show_description, name="api_description"),
    path("appointments/", appointments.Appointments.as_view(), name="api_appointments"),
    path("appointments/<int:pk>/", appointments.OneAppointment.as_view(), name="api_appointment"),
    path(
        "appointments/<int:pk>/cancel/",
        appointments.CancelledAppointment.as_view(),
        name="api_cancel_appointment",
    ),
    path(
        "appointments/<str:source>/<str:external_id>/",
        appointments.ReportedAppointment.as_view(),
        name="api_reported_appointment",
    ),
    path(
        "appointments/<int:pk>/steps/<int:step>/explanation/",
        campaigns.ExplainedStep.as_view(),
        name="api_explanation",
    ),
    path("contacts/", contacts.Contacts.as_view(), name="api_contacts"),
    path("contacts/search/", contacts.FoundContacts.as_view(), name="api_contact_search"),
    path("contacts/<int:pk>/", contacts.OneContact.as_view(), name="api_contact"),
    path("reminders/", reminders.Reminders.as_view(), name="api_reminders"),
    path("reminders/<int:pk>/", reminders.OneReminder.as_view(), name="api_reminder"),
    path("calls/", calls.Calls.as_view(), name="api_calls"),
    path("calls/<slug:public_id>/", calls.OneCall.as_view(), name="api_call"),
    path("campaigns/", campaigns.Campaigns.as_view(), name="api_campaigns"),
    path("campaigns/<int:pk>/", campaigns.OneCampaign.as_view(), name="api_campaign"),
    path("campaigns/<int:pk>/preview/", campaigns.PreviewedCampaign.as_view(), name="api_campaign_preview"),
    path("opt-outs/", opt_outs.OptOuts.as_view(), name="api_opt_outs"),
    path("opt-outs/search/", opt_outs.FoundOptOut.as_view(), name="api_opt_out_search"),
    path("opt-outs/<int:pk>/", opt_outs.OneOptOut.as_view(), name="api_opt_out"),
    re_path("", UnknownAddress.as_view(), name="api_unknown"),
]
