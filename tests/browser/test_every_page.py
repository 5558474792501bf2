"""Every page that the URLconf has for people can be used by everybody, with names of sixty letters.

In each, axe finds nothing in light or dark at four widths, nothing is said in the console or stopped by the
policy, and nothing goes sideways, down to 320 pixels. A new page is looked at without being named here.
"""

from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.addresses import Address, ask, fill, find_area, is_page, list_patterns
from tests.browser.looking import LookedAt
from tests.browser.running import RunningClinic
from tests.browser.signing_in import Logins, log_in

AN_IMPORT = (
    "INSERT INTO contacts_importbatch (file_name, sha256, source, counts, state, error, leased_until,"
    " rows_total, rows_done) VALUES ('list.csv', '', 'csv', '{}', %s, 'It stopped.',"
    " now() + interval '20 seconds', 900, 300)"
)
A_CALENDAR = (
    "INSERT INTO contacts_watchedcalendar (name, address, source, every, is_on, fault, failures, etag,"
    " last_modified, digest) VALUES ('Surgery', 'https://calendar.example/a.ics', 's', 60, false, '', 0,"
    " '', '', '') ON CONFLICT DO NOTHING"
)
# Pages in another state, and those that show something only when they are asked for it.
REPORTS: Final = ("days", "locations", "times", "attendance", "caller-ids", "saved")
ALSO: Final = {
    "": ("/?state=unanswered", "/?day=2026-01-01"),
    "calendar": ("/calendar/?view=week",),
    "campaigns": ("/campaigns/new/?guided=1", "/campaigns/1/people/?reason=opted_out"),
    "no-such-page": ("/no-such-page/",),
    "reports": tuple(f"/reports/{kind}/" for kind in REPORTS),
}
# A part of a page, which without a script leads to the page; and what another test of this folder looks at.
ELSEWHERE: Final = {
    "absences/<int:pk>/",  # test_a_sick_day.py
    "admin/login/",  # leads to the page to log in
    "admin/password_change/",  # leads to the page for a new password
    "appointments/<int:pk>/number/",
    "appointments/<int:pk>/peek/",
    "campaigns/<int:pk>/versions/<int:number>/take-back/",  # test_a_campaign_from_nothing.py
    "kept-form/",  # for what was half filled in when the session ended
    "locations/<int:pk>/resume/",  # for a location that is paused
    "locked/",  # for a desk that is locked
    "login/code/",  # for somebody with an app
    "login/passkey/",  # what a passkey has to sign
    "sending/resume/",  # while sending is paused
    "sign-in/app/remove/",  # for somebody with an app
    "sign-in/passkeys/<int:pk>/",  # test_passkeys.py
    "sign-in/passkeys/<int:pk>/remove/",  # test_passkeys.py
    "sign-in/recovery-codes/",
    "imports/<int:pk>/preview/",  # test_import_corrections.py
    "scripts/<int:pk>/",  # leads to its first language
    # These take a form; without one they lead to the page that has it.
    "people/<int:pk>/link/",
    "scripts/<int:pk>/<str:language>/draft/",
    "scripts/say-as/change/",
    "texts/<int:pk>/send/",
}
# Where the password is asked for again, a while after logging in.
PASSWORD_AGAIN: Final = ("sign-in", "people", "admin/auth", "admin/contacts")
FILES: Final = (".csv", ".json", "file/")
# Django makes these from one template each: of each part of the admin, one is looked at with axe.
MADE_ALIKE: Final = ("/history/", "/delete/")
AREAS = sorted({find_area(pattern) for pattern in list_patterns()} | set(ALSO))


@pytest.fixture(scope="module")
def imports(clinic: RunningClinic) -> None:
    """Imports that are under way and that have failed, and a calendar that is fetched."""
    for state in ("running", "failed"):
        clinic.execute(AN_IMPORT, state)
    clinic.execute(A_CALENDAR)


@pytest.fixture(scope="module")
def admin(logins: Logins, long_names: None, imports: None) -> Iterator[LookedAt]:
    """Somebody who may open every page."""
    looked_at = LookedAt(logins.open_as("admin", reduced_motion="reduce"))
    yield looked_at
    looked_at.page.context.close()


@pytest.fixture(scope="module")
def stranger(browser: Browser, clinic: RunningClinic, long_names: None) -> Iterator[LookedAt]:
    """Somebody who hasn't signed in."""
    looked_at = LookedAt(browser.new_context(reduced_motion="reduce"))
    yield looked_at
    looked_at.page.context.close()


@pytest.mark.parametrize("area", AREAS)
def test_its_pages_can_be_used_by_everybody(
    clinic: RunningClinic, admin: LookedAt, stranger: LookedAt, area: str
) -> None:
    faults: list[str] = []
    if area in PASSWORD_AGAIN:
        admin.page.context.clear_cookies()
        log_in(clinic, admin.page, "admin")
    looked_at_once: set[str] = set()
    for address in find_addresses(clinic, area):
        ends = MADE_ALIKE if area.startswith("admin/") else ()
        alike = next((end for end in ends if end in address.path), "")
        who = choose_who(clinic, address, admin, stranger)
        if who:
            who.open(clinic.web + address.path)
            if area == "api":
                expect(who.page.locator(".swagger-ui main")).to_be_visible()
            who.look(by_axe=alike not in looked_at_once)
            faults += who.take_faults()
            looked_at_once |= {alike} - {""}
    assert not faults, "\n".join(faults)


def test_only_addresses_that_there_are_are_left_to_others() -> None:
    assert set(list_patterns()) >= ELSEWHERE


def find_addresses(clinic: RunningClinic, area: str) -> Iterator[Address]:
    for pattern in list_patterns():
        if find_area(pattern) == area and pattern not in ELSEWHERE and not pattern.endswith(FILES):
            address = fill(pattern, clinic)
            if address:
                yield address
    batches = clinic.ask("SELECT array_agg(id) FROM contacts_importbatch") if area == "imports" else []
    for path in (*ALSO.get(area, ()), *(f"/imports/{batch}/" for batch in batches)):
        yield Address(path, path)


def choose_who(
    clinic: RunningClinic, address: Address, admin: LookedAt, stranger: LookedAt
) -> LookedAt | None:
    """Who sees a page there; None if there is a file, a part of a page, or a deed."""
    answers = ((who, ask(who.page.request, clinic.web + address.path)) for who in (admin, stranger))
    found = next(((who, answer) for who, answer in answers if answer.status != 302), None)
    assert found, f"{address.path} leads on: name a row in which it shows a page"
    return found[0] if is_page(found[1]) else None


def test_the_phones_can_be_used_by_everybody(clinic: RunningClinic, stranger: LookedAt) -> None:
    stranger.open(clinic.phones)
    expect(stranger.page.locator("#counts")).not_to_contain_text("Connecting")
    stranger.look()
    faults = stranger.take_faults()
    assert not faults, "\n".join(faults)
