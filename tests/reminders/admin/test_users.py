"""Users and roles in the admin: nobody gives what they lack, and nobody is deleted (product rule 63)."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from contacts.api_tokens import make_api_token, revoke_api_token
from contacts.models import ApiScope, ApiToken, AuditEntry
from contacts.roles import ADMIN, AUDITOR, FRONT_DESK, MANAGER
from reminders.desk.worklist import take_follow_up
from reminders.models import FollowUp, FollowUpDeed
from tests.office import act, address_of
from tests.people import give_role, make_due_reminder, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> User:
    """An admin who is no superuser."""
    return make_user("ann", role=ADMIN, is_staff=True)


@pytest.fixture
def admin_of_ann(ann: User) -> Client:
    client = Client()
    client.force_login(ann)
    return client


def save(client: Client, user: User, **values: object) -> int:
    """Post the whole form of a user; the status of the answer."""
    groups = [group.pk for group in user.groups.all()]
    form: dict[str, object] = {"username": user.username, "email": user.email, "groups": groups}
    form |= {name: "on" for name in ("is_active", "is_staff") if getattr(user, name)}
    kept = {name: value for name, value in (form | values).items() if value != ""}
    return client.post(address_of(User, f"{user.pk}/change/"), kept).status_code


def test_an_admin_makes_neither_themselves_nor_others_a_superuser(admin_of_ann: Client, ann: User) -> None:
    other = make_user("tom", role=FRONT_DESK)
    every = [permission.pk for permission in Permission.objects.all()]
    for user in (ann, other):
        before = user.get_all_permissions()
        assert save(admin_of_ann, user, is_superuser="on", user_permissions=every) == 302
        again = User.objects.get(pk=user.pk)
        assert (again.is_superuser, again.get_all_permissions()) == (False, before)
    new = {"username": "new", "usable_password": "true", "is_superuser": "on", "is_staff": "on"}
    new |= {"password1": "a long enough one", "password2": "a long enough one"}
    assert admin_of_ann.post(address_of(User, "add/"), new).status_code == 302
    assert not User.objects.get(username="new").is_superuser


def test_an_admin_gives_no_group_that_may_do_what_they_may_not(admin_of_ann: Client, ann: User) -> None:
    strong = Group.objects.create(name="Strong")
    strong.permissions.add(Permission.objects.get(codename="delete_user"))
    own = ann.groups.get()
    assert save(admin_of_ann, ann, groups=[own.pk, strong.pk]) == 200, "the form is shown again"
    assert list(ann.groups.all()) == [own]
    assert save(admin_of_ann, ann, groups=[own.pk, Group.objects.get(name=AUDITOR).pk]) == 302


def test_an_admin_changes_nobody_who_may_do_more(admin_of_ann: Client, office: Client, sam: User) -> None:
    """Neither their password nor e-mail, nor whether they are active; nor after they were deactivated."""
    strong, gone = make_user("strong", role=MANAGER), make_user("gone", is_superuser=True, is_active=False)
    strong.user_permissions.add(Permission.objects.get(codename="delete_user"))
    for user in (sam, strong, gone):
        before = User.objects.filter(pk=user.pk).values()[0]
        assert save(admin_of_ann, user, email="ann@example.com", is_active="") == 403
        words = {
            "password1": "a long enough one",
            "password2": "a long enough one",
            "usable_password": "true",
        }
        page = address_of(User, f"{user.pk}/password/")
        assert admin_of_ann.get(page).status_code == 403
        assert admin_of_ann.post(page, words).status_code == 403
        assert User.objects.filter(pk=user.pk).values()[0] == before
        shown = admin_of_ann.get(address_of(User, f"{user.pk}/change/"))
        assert (shown.status_code, b"pbkdf2" in shown.content) == (200, False)


def test_an_admin_hands_out_no_link_for_somebody_who_may_do_more(admin_of_ann: Client) -> None:
    """Whoever has the link is that person; neither do they take away the second factor that is in its way."""
    strong, weak = make_user("strong", role=MANAGER), make_user("weak", role=MANAGER)
    strong.user_permissions.add(Permission.objects.get(codename="change_group"))
    for path, codes in (("link", (403, 200)), ("app/remove", (403, 302))):
        posted = tuple(admin_of_ann.post(f"/people/{user.pk}/{path}/").status_code for user in (strong, weak))
        assert posted == codes
    helper = Client()
    helper.force_login(tom := make_user("tom"))
    tom.user_permissions.add(Permission.objects.get(codename="change_user"))
    assert helper.post(f"/people/{strong.pk}/link/").status_code == 403
    page = admin_of_ann.get("/people/").content.decode()
    assert f"/people/{weak.pk}/link/" in page
    assert f"/people/{strong.pk}/link/" not in page


def test_at_an_open_desk_of_an_admin_nobody_takes_their_login_over(admin_of_ann: Client, ann: User) -> None:
    """One's own password and second factor change only after the password."""
    before = ann.password
    for path in ("link", "app/remove"):
        assert admin_of_ann.post(f"/people/{ann.pk}/{path}/").status_code == 403
    new = {"password1": "seven geese cross", "password2": "seven geese cross", "usable_password": "true"}
    led = admin_of_ann.post(address_of(User, f"{ann.pk}/password/"), new)
    assert led["Location"] == "/password/"
    for spelled in (f"0{ann.pk}", f"+{ann.pk}", f"%20{ann.pk}", f"_2B{ann.pk}", f"{ann.pk}%0A"):
        assert admin_of_ann.post(address_of(User, f"{spelled}/password/"), new).status_code == 404
    ann.refresh_from_db()
    assert ann.password == before
    assert f"/people/{ann.pk}/" not in admin_of_ann.get("/people/").content.decode()


def test_nobody_logs_in_as_an_api_token(office: Client, sam: User) -> None:
    token, _secret = make_api_token(
        "System", scopes=[ApiScope.READ_CONTACTS], expires_at=sam.date_joined, by=sam
    )
    assert save(office, token.user, is_active="on") == 403
    assert office.get(address_of(User, f"{token.user.pk}/password/")).status_code == 403


def test_only_a_superuser_changes_groups(admin_of_ann: Client, ann: User, office: Client) -> None:
    for action in ("add", "change", "delete"):
        ann.user_permissions.add(Permission.objects.get(codename=f"{action}_group"))
    group = ann.groups.get()
    every = {"name": group.name, "permissions": [one.pk for one in Permission.objects.all()]}
    change, before = address_of(Group, f"{group.pk}/change/"), group.permissions.count()
    assert admin_of_ann.get(address_of(Group)).status_code == 200
    assert admin_of_ann.post(change, every).status_code == 403
    assert admin_of_ann.post(address_of(Group, "add/"), {"name": "Mine"}).status_code == 403
    assert admin_of_ann.post(address_of(Group, f"{group.pk}/delete/"), {"post": "yes"}).status_code == 403
    assert (group.permissions.count(), Group.objects.filter(name=group.name).exists()) == (before, True)
    few = {"name": group.name, "permissions": every["permissions"][:2]}
    assert office.post(change, few).status_code == 302
    assert len(AuditEntry.objects.get(what="group_changed").changes["permissions"][1]) == 2


def test_even_a_superuser_deletes_no_user(office: Client) -> None:
    tom = make_user("tom")
    assert office.post(address_of(User, f"{tom.pk}/delete/"), {"post": "yes"}).status_code == 403
    act(office, User, "delete_selected", tom)
    assert User.objects.filter(pk=tom.pk).exists()


def test_whoever_is_deactivated_is_out_at_once_and_lets_go_of_the_worklist(
    admin_of_ann: Client, ann: User
) -> None:
    tom, desk = make_user("tom", role=FRONT_DESK), Client()
    desk.force_login(tom)
    visit = make_due_reminder().appointment
    held = FollowUp.objects.create(
        kind="missed", contact=visit.contact, appointment=visit, due_at=visit.starts_at
    )
    take_follow_up(held.pk, by=tom)
    assert desk.get("/").status_code == 200
    assert save(admin_of_ann, tom, is_active="") == 302
    assert desk.get("/").status_code == 302, "to the login"
    held.refresh_from_db()
    assert (held.state, held.taken_by) == ("open", None)
    assert FollowUpDeed.objects.latest("pk").by == ann
    assert Session.objects.count() == 1, "the administrator's own"
    User.objects.filter(pk=tom.pk).update(is_active=True)
    assert desk.get("/").status_code == 302, "an old session doesn't come back"
    entry = AuditEntry.objects.get(what="user_changed")
    assert (entry.by, entry.about_id, entry.changes) == (ann, tom.pk, {"is_active": [True, False]})


def test_whoever_deactivates_somebody_hears_of_the_tokens_that_still_work(
    admin_of_ann: Client, ann: User
) -> None:
    """Whoever made one has seen its secret, and nothing else says so when they leave."""
    tom = make_user("tom", role=ADMIN)
    for name in ("Lab", "Old", "Billing"):
        make_api_token(name, scopes=["contacts:read"], expires_at=timezone.now() + timedelta(days=9), by=tom)
    revoke_api_token(ApiToken.objects.get(name="Old").pk, by=ann)
    assert save(admin_of_ann, tom, is_active="") == 302
    told = admin_of_ann.get("/admin/auth/user/").content.decode()
    assert "2 API tokens that this person made still work" in told


def test_nobody_deactivates_themselves(admin_of_ann: Client, ann: User) -> None:
    assert save(admin_of_ann, ann, is_active="") == 200
    ann.refresh_from_db()
    assert ann.is_active


def test_a_change_of_role_is_in_the_trail(admin_of_ann: Client) -> None:
    tom = make_user("tom", role=FRONT_DESK)
    manager = Group.objects.get(name=MANAGER)
    assert save(admin_of_ann, tom, groups=[manager.pk]) == 302
    give_role(tom, MANAGER)
    assert AuditEntry.objects.get(what="user_changed").changes == {"groups": [[FRONT_DESK], [MANAGER]]}
