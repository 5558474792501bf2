"""Somebody leaves the practice: their user is deactivated, never deleted, and what they hold is let go."""

from contextlib import suppress

from django.contrib.auth.models import User

from config.sign_in.sessions import end_sessions
from reminders.desk.worklist import AlreadyResolved, hand_on
from reminders.lifecycle.follow_ups import UNRESOLVED
from reminders.models import FollowUp


def let_go(user: User, *, by: User) -> tuple[int, int]:
    """End the person's sessions and free what they took on the worklist; how many of each.

    To be called when the user was deactivated; a session that is open elsewhere counts no more from then on.
    """
    return end_sessions(user), _free_entries(user, by)


def _free_entries(user: User, by: User) -> int:
    freed = 0
    while (taken := FollowUp.objects.filter(UNRESOLVED, taken_by=user).order_by("pk").first()) is not None:
        with suppress(AlreadyResolved):
            hand_on(taken.pk, to=None, by=by)
            freed += 1
    return freed
