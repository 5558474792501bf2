from django.urls import URLPattern, path

from reminders.views import actions as deeds
from reminders.views import appointments, booking, campaigns, locations, people, sending, today, worklist

urlpatterns: list[URLPattern] = [
    path("contacts/<int:pk>/edit/", people.edit_contact, name="edit_contact"),
    path("contacts/<int:pk>/opt-in/", people.record_optin, name="record_optin"),
    path("contacts/<int:pk>/number-usable/", people.mark_usable, name="mark_usable"),
    path("", today.show_today, name="today"),
    path("pulse/", sending.show_pulse, name="pulse"),
    path("sending/pause/", sending.pause, name="pause_sending"),
    path("sending/resume/", sending.resume, name="resume_sending"),
    path("appointments/book/", booking.book, name="book_appointment"),
    path("appointments/book/contacts/", booking.offer_contacts, name="offer_contacts"),
    path("appointments/<int:pk>/", appointments.show_appointment, name="appointment"),
    path("appointments/<int:pk>/move/", booking.move, name="move_appointment"),
    path("appointments/<int:pk>/cancel/", booking.cancel, name="cancel_appointment"),
    path("appointments/<int:pk>/reinstate/", booking.reinstate, name="reinstate_appointment"),
    path("appointments/<int:pk>/attendance/", deeds.record_attendance, name="record_attendance"),
    path("appointments/<int:pk>/confirm/", deeds.confirm, name="confirm_appointment"),
    path("reminders/<int:pk>/call/", deeds.order_call, name="order_call"),
    path("reminders/<int:pk>/skip/", deeds.skip, name="skip_reminder"),
    path("locations/<int:pk>/time-zone/", locations.edit_zone, name="correct_zone"),
    path("reminders/<int:pk>/put-back/", deeds.put_back, name="put_back_reminder"),
    path("campaigns/", campaigns.show_campaigns, name="campaigns"),
    path("campaigns/<int:pk>/", campaigns.show_campaign, name="campaign"),
    path("campaigns/<int:pk>/visits/", campaigns.show_campaign_visits, name="campaign_visits"),
    path("campaigns/<int:pk>/people/", campaigns.show_campaign_people, name="campaign_people"),
    path("campaigns/<int:pk>/activate/", campaigns.activate_campaign, name="activate_campaign"),
    path("campaigns/<int:pk>/pause/", campaigns.pause_campaign, name="pause_campaign"),
    path("campaigns/<int:pk>/copy/", campaigns.copy_campaign, name="copy_campaign"),
    path(
        "campaigns/<int:pk>/versions/<int:number>/take-back/",
        campaigns.restore_campaign,
        name="restore_campaign",
    ),
    path("worklist/", worklist.show_worklist, name="worklist"),
    path("worklist/<int:pk>/take/", worklist.take_follow_up, name="take_follow_up"),
    path("worklist/<int:pk>/resolve/", worklist.resolve_follow_up, name="resolve_follow_up"),
    path("worklist/<int:pk>/settle/", worklist.settle_follow_up, name="settle_follow_up"),
]
