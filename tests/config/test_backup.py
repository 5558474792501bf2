"""A backup is written, encrypted if a key is set, and takes the place of a database only if that is meant."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import time_machine
from django.db import connection

from config.backup import (
    BackupError,
    Server,
    find_local_server,
    find_tools,
    main,
    restore_backup,
    write_backup,
)
from tests.people import SARAH, make_contact, make_due_reminder
from tests.sandbox_server import ROOT
from tests.waiting import wait_until

KEYS = ("BACKUP_AGE_RECIPIENT", "BACKUP_AGE_IDENTITY", "BACKUP_GPG_RECIPIENT", "BACKUP_PASSPHRASE_FILE")
GUARD = """
import django; django.setup()
from reminders.traffic.restore_guard import check_for_restore
from reminders.models import SendingSwitch
print(check_for_restore(), SendingSwitch.objects.get(pk=1).cause)
"""


def url_of(database: str) -> str:
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}").geturl()


@pytest.fixture
def source(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The test's own database, with a patient in it."""
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    make_due_reminder(make_contact(notes="Zoë's ramp"))
    return find_local_server(url_of(str(connection.settings_dict["NAME"])))


@pytest.fixture
def target(source: Server) -> Iterator[Server]:
    """A name at which there is no database yet; whatever was made of it is dropped in the end."""
    yield find_local_server(url_of("restored_here"))
    names = "SELECT datname FROM pg_database WHERE datname LIKE 'restored_here%'"
    for name in source.ask(names).split():
        source.ask(f'DROP DATABASE "{name}" WITH (FORCE)')


def read_contact(server: Server) -> str:
    query = (
        "SELECT first_name, notes, e164 FROM contacts_contact JOIN contacts_phonenumber ON phone_id = "
        "contacts_phonenumber.id"
    )
    return server.ask(query)


def list_beside(server: Server) -> list[str]:
    names = "SELECT datname FROM pg_database WHERE datname LIKE 'restored_here%' ORDER BY datname"
    return server.ask(names).split()


def test_a_backup_restores_into_a_new_database_and_sending_starts_paused(
    source: Server, target: Server, tmp_path: Path
) -> None:
    file = write_backup(source, tmp_path / "kept")
    assert file.stat().st_mode & 0o077 == 0
    assert [one.name for one in file.parent.iterdir()] == [file.name], "nothing unfinished is left"
    # the guard notes where the rows are before it is restored
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "DEBUG": "true"}
    here = environment | {"DATABASE_URL": url_of(source.database)}
    subprocess.run([sys.executable, "-c", GUARD], cwd=ROOT, env=here, check=False, capture_output=True)
    file = write_backup(source, tmp_path / "again")
    assert restore_backup(target, file) == ""
    assert read_contact(target) == f"Sarah|Zoë's ramp|{SARAH}"
    assert list_beside(source) == ["restored_here"]
    with psycopg.connect(url_of("restored_here")) as restored:
        restored.execute(
            "INSERT INTO contacts_consententry (number_id, what, scope, source, evidence, at, basis)"
            " SELECT id, 'opt_out', 'all', 'staff', '', now(), '' FROM contacts_phonenumber"
        )
        with pytest.raises(psycopg.Error, match="append-only"):
            restored.execute("DELETE FROM contacts_consententry")
    there = environment | {"DATABASE_URL": url_of("restored_here")}
    said = subprocess.run([sys.executable, "-c", GUARD], cwd=ROOT, env=there, check=True, capture_output=True)
    assert said.stdout.decode().split() == ["False", "restored"]


def test_a_database_with_data_is_overwritten_only_if_told_and_is_kept_beside(
    source: Server, target: Server, tmp_path: Path
) -> None:
    file = write_backup(source, tmp_path)
    source.ask('CREATE DATABASE "restored_here"')
    assert restore_backup(target, file) == "", "an empty one is no data"
    target.ask("UPDATE contacts_contact SET notes = 'newer'")
    with pytest.raises(BackupError, match="OVERWRITE=yes"):
        restore_backup(target, file)
    assert "newer" in read_contact(target)
    with psycopg.connect(url_of("restored_here")), pytest.raises(BackupError, match="still running"):
        restore_backup(target, file, overwrite=True)
    former = restore_backup(target, file, overwrite=True)
    assert former.startswith("restored_here_before_")
    assert "newer" not in read_contact(target)
    assert "newer" in read_contact(find_local_server(url_of(former)))


def test_a_restore_that_fails_at_the_very_end_leaves_the_database_where_it_was(
    source: Server, target: Server, tmp_path: Path
) -> None:
    file = write_backup(source, tmp_path)
    source.ask('CREATE DATABASE "restored_here" TEMPLATE template0')
    target.ask("CREATE TABLE kept (what text)")

    def look_into_the_new_one() -> psycopg.Connection:
        def connect() -> psycopg.Connection | None:
            new = [name for name in list_beside(source) if "_restoring_" in name]
            return psycopg.connect(url_of(new[0])) if new else None

        return wait_until(connect, "the new database", within_seconds=60)

    with ThreadPoolExecutor(1) as monitor:
        looking = monitor.submit(look_into_the_new_one)
        with pytest.raises(BackupError, match="accessed by other users"):
            restore_backup(target, file, overwrite=True)
        looking.result().close()
    assert target.ask("SELECT count(*) FROM kept") == "0"


@contextmanager
def hearing_control_c() -> Iterator[None]:
    """A process that was started in the background ignores it."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


def test_a_restore_that_is_interrupted_leaves_no_copy_of_the_data(
    source: Server, target: Server, tmp_path: Path
) -> None:
    file = write_backup(source, tmp_path)
    source.ask('CREATE DATABASE "restored_here" TEMPLATE template0')

    def press_control_c() -> None:
        wait_until(lambda: any("_restoring_" in name for name in list_beside(source)), "the new database")
        os.kill(os.getpid(), signal.SIGINT)

    with ThreadPoolExecutor(1) as somebody, hearing_control_c():
        somebody.submit(press_control_c)
        with pytest.raises(KeyboardInterrupt):
            restore_backup(target, file)
    assert not [name for name in list_beside(source) if "_restoring_" in name]


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGHUP])
def test_a_restore_that_is_ended_from_outside_leaves_no_copy_either(
    source: Server, target: Server, tmp_path: Path, told: signal.Signals
) -> None:
    """The machine is shut down, or the connection to it breaks off."""
    file = write_backup(source, tmp_path)
    source.ask('CREATE DATABASE "restored_here" TEMPLATE template0')
    former = signal.signal(
        told, signal.SIG_DFL
    )  # a process that nohup began ignores SIGHUP, and its children
    restoring = subprocess.Popen(
        [sys.executable, str(ROOT / "config" / "backup.py"), "restore", str(file)],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url_of("restored_here")},
    )
    signal.signal(told, former)
    wait_until(
        lambda: any("_restoring_" in name for name in list_beside(source)),
        "the new database",
        within_seconds=60,
    )
    restoring.send_signal(told)
    assert restoring.wait(timeout=60) == 128 + told
    assert not [name for name in list_beside(source) if "_restoring_" in name]
    assert target.ask("SELECT count(*) FROM pg_class WHERE relname = 'contacts_contact'") == "0"


def test_the_command_of_the_makefile_writes_a_backup(source: Server, tmp_path: Path) -> None:
    """As a file, whose folder is then where Python looks for modules first: config/celery.py is none."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "config" / "backup.py"), "backup", "--to", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url_of(source.database)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [file] = tmp_path.iterdir()
    assert str(file) in done.stdout


def test_two_restores_in_one_second_do_not_take_each_others_database(
    source: Server, target: Server, tmp_path: Path
) -> None:
    file = write_backup(source, tmp_path)
    source.ask('CREATE DATABASE "restored_here_restoring_20261127_120000" TEMPLATE template0')
    with time_machine.travel("2026-11-27T12:00:00Z", tick=False):
        restore_backup(target, file)
    assert "restored_here_restoring_20261127_120000" in list_beside(source)


def test_two_backups_in_one_second_do_not_take_each_others_file(source: Server, tmp_path: Path) -> None:
    with time_machine.travel("2026-11-27T12:00:00Z", tick=False):
        other = tmp_path / "callboard-20261127-120000.dump.part"
        other.touch()
        with pytest.raises(FileExistsError):
            write_backup(source, tmp_path)
    assert other.exists()


def test_what_can_not_be_restored_is_said_plainly_and_changes_nothing(
    source: Server, target: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_backup(source, tmp_path)
    for name, content in (
        ("text.dump", b"hello"),
        ("cut.dump", file.read_bytes()[: file.stat().st_size * 9 // 10]),
        ("newer.dump", b"PGDMP\x01\x63\x00" + file.read_bytes()[8:]),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BackupError) as refusal:
            restore_backup(target, tmp_path / name)
        assert "Traceback" not in str(refusal.value)
    with pytest.raises(BackupError, match="can't be read"):
        restore_backup(target, tmp_path / "none.dump")
    source.ask("INSERT INTO django_migrations (app, name, applied) VALUES ('contacts', '9999_newer', now())")
    try:
        newer = write_backup(source, tmp_path / "newer")
        with pytest.raises(BackupError, match="newer release"):
            restore_backup(target, newer)
    finally:
        source.ask("DELETE FROM django_migrations WHERE name = '9999_newer'")
    assert list_beside(source) == []
    assert main(["--compose", "backup", "--to", str(tmp_path)]) == 1 or shutil.which("docker")
    assert capsys.readouterr().err


@pytest.mark.skipif(not shutil.which("gpg"), reason="gpg isn't installed")
def test_with_a_key_nothing_can_be_read_without_it(
    source: Server, target: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    secret = tmp_path / "secret"
    secret.write_text("a long passphrase")
    monkeypatch.setenv("BACKUP_PASSPHRASE_FILE", str(secret))
    try:
        file = write_backup(source, tmp_path)
        assert file.suffixes[-2:] == [".dump", ".gpg"]
        assert b"Sarah" not in file.read_bytes()
        assert not file.read_bytes().startswith(b"PGDMP")
        restore_backup(target, file)
        assert read_contact(target).startswith("Sarah")
        secret.write_text("another")
        with pytest.raises(BackupError, match="gpg failed"):
            restore_backup(target, file, overwrite=True)
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], check=False, timeout=30)


@pytest.mark.skipif(not shutil.which("age"), reason="age isn't installed")
def test_with_age_only_the_private_key_opens_it(
    source: Server, target: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other = tmp_path / "own.key", tmp_path / "other.key"
    for key in (own, other):
        subprocess.run(["age-keygen", "-o", key], check=True, capture_output=True)
    recipient = subprocess.run(["age-keygen", "-y", own], check=True, capture_output=True, text=True).stdout
    monkeypatch.setenv("BACKUP_AGE_RECIPIENT", recipient.strip())
    file = write_backup(source, tmp_path)
    assert file.read_bytes().startswith(b"age-encryption.org")
    with pytest.raises(BackupError, match="Set BACKUP_AGE_IDENTITY"):
        restore_backup(target, file)
    monkeypatch.setenv("BACKUP_AGE_IDENTITY", str(other))
    with pytest.raises(BackupError, match="age failed"):
        restore_backup(target, file)
    assert list_beside(source) == []
    monkeypatch.setenv("BACKUP_AGE_IDENTITY", str(own))
    restore_backup(target, file)
    assert read_contact(target).startswith("Sarah")


def test_a_key_whose_program_is_missing_stops_the_backup(
    source: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKUP_AGE_RECIPIENT", "age1xyz")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupError, match="age isn't installed here, and BACKUP_AGE_RECIPIENT needs it"):
        write_backup(source, tmp_path)
    assert not list(tmp_path.glob("callboard*"))


def test_an_older_pg_dump_is_refused_with_the_package_to_install(source: Server, tmp_path: Path) -> None:
    old = tmp_path / "bin"
    old.mkdir()
    for tool in ("pg_dump", "psql"):
        real = find_tools() / tool
        (old / tool).write_text(
            f'#!/bin/sh\ntest "$1" = --version && echo "{tool} (PostgreSQL) 12.3" || exec {real} "$@"\n'
        )
        (old / tool).chmod(0o755)
    aged = Server(source.database, tools=old, env=source.env)
    with pytest.raises(
        BackupError, match=r"pg_dump is of PostgreSQL 12, the server is .* postgresql-client-"
    ):
        write_backup(aged, tmp_path)


@pytest.mark.parametrize("tool", ["pg_dump", "pg_restore"])
def test_programs_that_complain_at_length_hold_nobody_up(
    source: Server, target: Server, tmp_path: Path, tool: str
) -> None:
    """Two programs run at once, and a pipe holds 64 kB: one of them waited for ever to write more."""
    wordy = tmp_path / "bin"
    wordy.mkdir()
    for name in ("pg_dump", "pg_restore", "psql"):
        complaint = "head -c 300000 /dev/zero | tr '\\0' '!' >&2; " if name == tool else ""
        (wordy / name).write_text(f'#!/bin/sh\n{complaint}exec {find_tools() / name} "$@"\n')
        (wordy / name).chmod(0o755)
    with ThreadPoolExecutor(1) as threads:
        said = Server(source.database, tools=wordy, env=source.env)
        file = threads.submit(write_backup, said, tmp_path).result(timeout=60)
        put = Server(target.database, tools=wordy, env=target.env)
        threads.submit(restore_backup, put, file).result(timeout=60)
    assert read_contact(target).startswith("Sarah")


def stand_in_for(tool: str, lines: str, folder: Path, server: Server) -> Server:
    """The server with one program of its own, a script in which "$REAL" is the true one."""
    folder.mkdir()
    for name in ("pg_dump", "pg_restore", "psql"):
        real = find_tools() / name
        (folder / name).write_text(
            f'#!/bin/sh\nREAL={real}\n{lines if name == tool else ""}\nexec $REAL "$@"\n'
        )
        (folder / name).chmod(0o755)
    return Server(server.database, tools=folder, env=server.env)


def test_a_backup_of_which_the_server_sent_a_part_is_none(source: Server, tmp_path: Path) -> None:
    """PostgreSQL ended that connection: pg_dump says "Broken pipe" then, and what follows it ended well."""
    part = (
        '[ "$1" = --version ] || [ "$1" = --list ] || {\n$REAL "$@" | head -c 60000\n'
        "echo 'pg_dump: error: could not send data to server: Broken pipe' >&2\nexit 1\n}"
    )
    cut = stand_in_for("pg_dump", part, tmp_path / "bin", source)
    with pytest.raises(BackupError, match="Broken pipe"):
        write_backup(cut, tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == []


def test_a_restore_of_which_the_server_took_a_part_replaces_nothing(
    source: Server, target: Server, tmp_path: Path
) -> None:
    """PostgreSQL ended that connection in the middle of the rows, and answers again at once."""
    file = write_backup(source, tmp_path)
    part = (
        '[ "$1" = --list ] || {\n$REAL --section=pre-data --section=data "$@"\n'
        "echo 'pg_restore: error: error returned by PQputCopyData: could not send data to server: "
        "Broken pipe' >&2\nexit 1\n}"
    )
    cut = stand_in_for("pg_restore", part, tmp_path / "bin", target)
    source.ask('CREATE DATABASE "restored_here" TEMPLATE template0')
    with pytest.raises(BackupError, match="Broken pipe"):
        restore_backup(cut, file)
    assert list_beside(source) == ["restored_here"]
    assert target.ask("SELECT count(*) FROM pg_class WHERE relname = 'contacts_contact'") == "0"


def test_a_full_disk_is_the_cause_and_not_the_broken_pipe_before_it(source: Server, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "cat").write_text("#!/bin/sh\necho 'cat: No space left on device' >&2\nexit 1\n")
    (tmp_path / "bin" / "cat").chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        with pytest.raises(BackupError, match="No space left on device"):
            write_backup(source, tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == []


def test_the_programs_are_told_all_that_the_url_says_about_reaching_the_server() -> None:
    """Django hands all of it to libpq; without the certificate no program gets to a managed PostgreSQL."""
    server = find_local_server(
        "postgresql://u@/call?host=db.example&port=5433&password=p%26&sslmode=verify-full"
        "&sslrootcert=%2Fetc%2Froot.pem&channel_binding=require&options=-c%20statement_timeout%3D1s"
    )
    assert server.env["PGSSLROOTCERT"] == "/etc/root.pem"
    assert server.env["PGCHANNELBINDING"] == "require"
    assert (server.env["PGHOST"], server.env["PGPORT"], server.env["PGPASSWORD"]) == (
        "db.example",
        "5433",
        "p&",
    )
    assert "PGOPTIONS" not in server.env


def test_a_password_with_any_letters_gets_to_the_server_and_stands_in_no_command() -> None:
    server = find_local_server("postgresql://us%40er:p%2Fa%3Fss@db.example:5433/call%20board?sslmode=require")
    assert server.database == "call board"
    assert server.env["PGPASSWORD"] == "p/a?ss"
    assert (server.env["PGUSER"], server.env["PGHOST"], server.env["PGPORT"]) == (
        "us@er",
        "db.example",
        "5433",
    )
    assert "p/a?ss" not in str(server.command("pg_dump", server.database))
