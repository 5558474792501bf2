"""All URLs of the site."""

from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path

from config import health, languages, metrics, sign_in
from reminders.api.views import UnknownAddress

handler500 = "config.error_pages.answer_own_fault"

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("login/", sign_in.SignIn.as_view(), name="login"),
    path("logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("language/", languages.keep_language, name="choose_language"),
    path("admin/login/", sign_in.lead_to_sign_in),
    path("admin/", admin.site.urls),
    path("api/v1/", include("reminders.api.urls")),
    path("api/v1", UnknownAddress.as_view()),
    path("hooks/", include("webhooks.urls")),
    path("", include("webhooks.outgoing.urls")),
    path("", include("webhooks.retention.urls")),
    path("", include("contacts.urls")),
    path("", include("reminders.urls")),
]
