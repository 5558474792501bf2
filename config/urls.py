"""All URLs of the site."""

from allauth.account import views as account_views
from allauth.mfa.recovery_codes import views as code_views
from allauth.mfa.totp import views as app_views
from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path
from django.views.decorators.http import require_http_methods, require_safe
from django.views.generic import RedirectView

from config import health, languages, metrics
from config.admin import refuse_autocomplete
from config.sign_in import desk, kept_forms, login, passkeys, passwords, people
from reminders.api.views import UnknownAddress

handler500 = "config.error_pages.answer_own_fault"
answer = require_http_methods(["GET", "HEAD", "POST"])  # and no method more, before anything is looked at
# Of django-allauth only these pages: nobody signs up here, and addresses are kept by admins.
signing_in = [
    path("login/", login.SignIn.as_view(), name="login"),
    path("login/", login.SignIn.as_view(), name="account_login"),  # as django-allauth calls it
    path("login/code/", answer(passkeys.AskForSecondFactor.as_view()), name="mfa_authenticate"),
    path("login/passkey/", answer(passkeys.LogInByPasskey.as_view()), name="mfa_login_webauthn"),
    path("logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("sign-in/", people.show_own_login, name="mfa_index"),
    path("sign-in/password/", answer(account_views.reauthenticate), name="account_reauthenticate"),
    path("sign-in/app/", answer(app_views.activate_totp), name="mfa_activate_totp"),
    path("sign-in/app/remove/", answer(app_views.deactivate_totp), name="mfa_deactivate_totp"),
    path(
        "sign-in/recovery-codes/",
        require_safe(code_views.view_recovery_codes),
        name="mfa_view_recovery_codes",
    ),
    path(
        "sign-in/recovery-codes/new/",
        answer(code_views.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path("sign-in/passkeys/add/", answer(passkeys.AddPasskey.as_view()), name="mfa_add_webauthn"),
    path("sign-in/passkeys/<int:pk>/", answer(passkeys.RenamePasskey.as_view()), name="mfa_edit_webauthn"),
    path(
        "sign-in/passkeys/<int:pk>/remove/",
        answer(passkeys.RemovePasskey.as_view()),
        name="mfa_remove_webauthn",
    ),
    path("password/", answer(passwords.ChangePassword.as_view()), name="change_password"),
    path("password/forgotten/", answer(passwords.forgotten_password), name="forgotten_password"),
    path("password/new/<uidb64>/<token>/", answer(passwords.NewPassword.as_view()), name="new_password"),
    path("locked/", answer(desk.show_lock), name="locked"),
    path("locked/now/", desk.lock_desk, name="lock_desk"),
    path("locked/state/", answer(desk.desk_state), name="desk_state"),
    path("kept-form/", kept_forms.show_kept_form, name="kept_form"),
    path("people/", people.show_people, name="sign_ins"),
    path("people/<int:pk>/link/", people.hand_out_link, name="hand_out_link"),
    path("people/<int:pk>/app/remove/", people.remove_factor, name="remove_factor"),
    path("admin/login/", login.lead_to_sign_in),
    path("admin/password_change/", RedirectView.as_view(pattern_name="change_password")),
]

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    *signing_in,
    path("language/", languages.keep_language, name="choose_language"),
    path("admin/autocomplete/", refuse_autocomplete),
    path("admin/", admin.site.urls),
    path("api/v1/", include("reminders.api.urls")),
    path("api/v1", UnknownAddress.as_view()),
    path("hooks/", include("webhooks.urls")),
    path("", include("webhooks.outgoing.urls")),
    path("", include("webhooks.retention.urls")),
    path("", include("contacts.urls")),
    path("", include("reminders.urls")),
]
