"""The permissions of whoever is logged in, read with the user: every page asks for them."""

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission, User
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat

_OWN = User.user_permissions.through.objects.filter(user=OuterRef(OuterRef("pk")))
_OF_ROLES = Group.permissions.through.objects.filter(group__user=OuterRef(OuterRef("pk")))
_HELD = Permission.objects.filter(
    Q(pk__in=_OWN.values("permission")) | Q(pk__in=_OF_ROLES.values("permission"))
)
_NAME = Concat("content_type__app_label", Value("."), "codename")


def with_permissions(users: QuerySet[User]) -> QuerySet[User]:
    """These users with `held`: what they and their roles may do, by name, also of one who is deactivated."""
    return users.annotate(held=ArraySubquery(_HELD.order_by().values_list(_NAME)))


class OneQueryBackend(ModelBackend):
    """Django's own, but that a request's user comes with their permissions, their own and their roles'."""

    def get_user(self, user_id: int) -> User | None:
        """The user of a session."""
        user = with_permissions(User.objects.filter(pk=user_id)).first()
        if user is None or not self.user_can_authenticate(user):
            return None
        if not user.is_superuser:  # who may do all that there is
            user._perm_cache = set(user.held)  # type: ignore[attr-defined] # where Django keeps them
        return user
