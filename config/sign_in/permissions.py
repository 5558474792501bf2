"""The permissions of whoever is logged in, read with one query: every page asks for them."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractUser, Permission
from django.db.models import Q


class OneQueryBackend(ModelBackend):
    """Django's own, but that it asks for a person's own permissions and for those of their roles together."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Names such as "contacts.view_contact"."""
        is_usual = isinstance(user_obj, AbstractUser) and user_obj.is_active and not user_obj.is_superuser
        if obj is not None or not is_usual:
            return super().get_all_permissions(user_obj, obj)
        if not hasattr(user_obj, "_perm_cache"):
            held = Permission.objects.filter(Q(user=user_obj) | Q(group__user=user_obj)).order_by()
            names = held.values_list("content_type__app_label", "codename").distinct()
            user_obj._perm_cache = {f"{app}.{codename}" for app, codename in names}
        found: set[str] = user_obj._perm_cache
        return found
