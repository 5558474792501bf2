"""Users and their roles. Users are deactivated, never deleted; nobody gives what they don't have."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, User
from django.db.models import ManyToManyField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.admin.history import ClinicAdmin
from contacts.api_tokens import count_tokens_made_by
from contacts.audit.trail import record_deed
from contacts.roles import find_groups_to_give, may_manage
from reminders.desk.leaving import let_go

admin.site.unregister([User, Group])
RECORDED = ("username", "first_name", "last_name", "email", "is_active", "is_staff", "is_superuser")
OF_SUPERUSERS = ("is_superuser", "user_permissions")


class RoleForm(UserChangeForm[User]):
    """A user, with their role. `editor`: who fills it in."""

    editor: User

    def clean_is_active(self) -> bool:
        is_active: bool = self.cleaned_data["is_active"]
        if not is_active and self.instance.pk == self.editor.pk:
            raise forms.ValidationError(_("You can't deactivate yourself. Ask another administrator."))
        return is_active


@admin.register(User)
class RoleAdmin(ClinicAdmin[User], UserAdmin[User]):
    """Who is no superuser sees neither that field nor single permissions, and changes no superuser."""

    form = RoleForm
    list_display = (
        "username",
        "first_name",
        "last_name",
        "email",
        "roles",
        "is_staff",
        "is_active",
        "last_login",
    )
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ("user_permissions",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description=gettext_lazy("roles"))
    def roles(self, user: User) -> str:
        return ", ".join(sorted(group.name for group in user.groups.all()))

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        may = super().has_change_permission(request, obj)
        return may and (obj is None or may_manage(cast(User, request.user), obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Never: what somebody did has to keep their name."""
        return False

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        hidden: tuple[str, ...] = () if cast(User, request.user).is_superuser else OF_SUPERUSERS
        if not self.has_change_permission(request, obj):
            hidden = (*hidden, "password")
        return [
            (title, {**options, "fields": [name for name in options["fields"] if name not in hidden]})
            for title, options in fieldsets
        ]

    def get_form(
        self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = cast(Any, super().get_form(request, obj, change=change, **kwargs))
        form.editor = request.user
        return form

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name == "groups":
            giveable = find_groups_to_give(cast(User, request.user))
            kwargs["queryset"] = Group.objects.filter(pk__in=[group.pk for group in giveable])
            kwargs["widget"] = forms.CheckboxSelectMultiple
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """One's own is changed on the page that asks for the old one."""
        if id == str(request.user.pk):
            return redirect("change_password")
        answer: HttpResponse = super().user_change_password(request, id, form_url)
        return answer

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        was = User.objects.get(pk=obj.pk) if change else None
        form.was = _read_values(was) if was else {}
        super().save_model(request, obj, form, change)
        if was and was.is_active and not obj.is_active:
            self._tell_of_leaving(request, let_go(obj, by=cast(User, request.user)))
            self._tell_of_tokens(request, count_tokens_made_by(obj))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        now = _read_values(User.objects.get(pk=form.instance.pk))
        changes = {
            name: (form.was.get(name), value) for name, value in now.items() if form.was.get(name) != value
        }
        what = "user_changed" if change else "user_added"
        record_deed(what, by=request.user, about=form.instance, changes=changes)

    def _tell_of_leaving(self, request: HttpRequest, done: tuple[int, int]) -> None:
        sessions, entries = done
        words = [
            ngettext("%(count)d session was ended.", "%(count)d sessions were ended.", sessions)
            % {"count": sessions},
            ngettext(
                "%(count)d entry of the worklist is free again.",
                "%(count)d entries of the worklist are free again.",
                entries,
            )
            % {"count": entries},
        ]
        self.message_user(request, " ".join(words))

    def _tell_of_tokens(self, request: HttpRequest, count: int) -> None:
        """Other systems may need them, so nobody but a person revokes them."""
        words = ngettext(
            "%(count)d API token that this person made still works, and they have seen its secret. Make a "
            "new one for the system that uses it, then revoke it under API tokens.",
            "%(count)d API tokens that this person made still work, and they have seen their secrets. Make "
            "new ones for the systems that use them, then revoke them under API tokens.",
            count,
        )
        if count:
            self.message_user(request, words % {"count": count}, messages.WARNING)


def _read_values(user: User) -> dict[str, Any]:
    groups = sorted(user.groups.values_list("name", flat=True))
    return {name: getattr(user, name) for name in RECORDED} | {"groups": groups}


@admin.register(Group)
class RoleGroupAdmin(ClinicAdmin[Group], GroupAdmin):
    """Only a superuser changes a group: whoever could would have every permission."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(cast(User, request.user).is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return bool(cast(User, request.user).is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return bool(cast(User, request.user).is_superuser)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        group = form.instance
        was = _read_names(group) if change else []
        super().save_related(request, form, formsets, change)
        record_deed(
            "group_changed", by=request.user, about=group, changes={"permissions": (was, _read_names(group))}
        )


def _read_names(group: Group) -> list[str]:
    named = group.permissions.values_list("content_type__app_label", "codename")
    return sorted(f"{app}.{codename}" for app, codename in named)
