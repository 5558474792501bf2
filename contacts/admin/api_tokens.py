"""Making and revoking the tokens of the API. Their secret is shown once."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.debug import sensitive_variables

from contacts.admin.history import ClinicAdmin
from contacts.api_tokens import LONGEST_LIFE, make_api_token, revoke_api_token
from contacts.audit.trail import record_deed
from contacts.models import ApiScope, ApiToken


class ApiTokenForm(forms.ModelForm[ApiToken]):
    """A new token."""

    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("What it may do"), choices=ApiScope, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = ApiToken
        fields = ["name", "scopes", "expires_at"]

    def clean_expires_at(self) -> Any:
        expires_at, now = self.cleaned_data["expires_at"], timezone.now()
        if expires_at <= now:
            raise forms.ValidationError(_("Choose a day in the future."))
        if expires_at > now + LONGEST_LIFE:
            raise forms.ValidationError(_("Choose a day within two years. Make a new token then."))
        return expires_at


@admin.register(ApiToken)
class ApiTokenAdmin(ClinicAdmin[ApiToken]):
    """A token is made and revoked, never changed: another system relies on what it may do."""

    form = ApiTokenForm
    list_display = ("name", "hint", "may", "made_by", "made_at", "expires_at", "last_used_at", "standing")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    list_select_related = ("made_by",)
    search_fields = ("name",)
    actions = ("revoke",)
    fields = ("name", "scopes", "expires_at")

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> Any:
        return self.fields if obj is None else (*self.list_display, "revoked_at", "revoked_by")

    def get_readonly_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> Any:
        return () if obj is None else (*self.list_display, "revoked_at", "revoked_by")

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("what it may do"))
    def may(self, token: ApiToken) -> str:
        return ", ".join(str(ApiScope(scope).label) for scope in token.scopes if scope in ApiScope.values)

    @admin.display(description=gettext_lazy("state"))
    def standing(self, token: ApiToken) -> str:
        if token.revoked_at:
            return _("revoked")
        return _("expired") if token.expires_at <= timezone.now() else _("valid")

    @sensitive_variables("secret")
    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        """Make the token. Its secret is kept on the object until the answer to this request shows it."""
        made, secret = make_api_token(
            obj.name,
            scopes=obj.scopes,
            expires_at=obj.expires_at,
            by=request.user if isinstance(request.user, User) else None,
        )
        changes: dict[str, tuple[Any, Any]] = {
            "scopes": ([], obj.scopes),
            "expires_at": (None, obj.expires_at),
        }
        record_deed("admin:contacts_apitoken_add", by=request.user, about=made, changes=changes)
        obj.__dict__.update(made.__dict__)
        obj.secret = secret  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the secret on this page itself: after a redirect it would have been stored somewhere."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("API token made"),
            "opts": self.opts,
            "token": obj,
        }
        return TemplateResponse(request, "admin/api_token_made.html", context)

    @admin.action(description=gettext_lazy("Revoke the selected tokens"), permissions=["change"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        if not isinstance(request.user, User):
            return
        count = sum(revoke_api_token(pk, by=request.user) for pk in tokens.values_list("pk", flat=True))
        words = ngettext("%(count)d token is revoked.", "%(count)d tokens are revoked.", count)
        messages.success(request, words % {"count": count})
