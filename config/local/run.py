"""`make run`: everything on one laptop, with one Ctrl-C to stop it all."""

import fcntl
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import NoReturn

from config.local.environment import BASE_DIR, VAR, is_laptop, set_laptop_defaults
from config.local.errors import LocalServiceError
from config.local.front_end import build_front_end
from config.local.readiness import Addresses, describe_ready, wait_until_ready
from reminders.rules.sandbox_hosts import is_sandbox_address


class CannotRunError(Exception):
    """`make run` can't start; the message is one line that says why and what to do."""


def main() -> int:
    """Run everything; returns 0 if the user stopped it, 1 if it could not start or a process ended."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    signal.signal(signal.SIGHUP, _stop)  # the terminal was closed
    signal.signal(signal.SIGALRM, _stop)
    sys.unraisablehook = _stop_a_moment_later
    try:
        return run()
    except (CannotRunError, LocalServiceError) as error:
        print(f"\nCallboard can't start: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 0


def _stop(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _stop_a_moment_later(dropped: "sys.UnraisableHookArgs") -> None:
    """Python drops an exception that comes while it cleans up an object: then a stop is raised once more."""
    if dropped.exc_type is KeyboardInterrupt:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
    else:
        sys.__unraisablehook__(dropped)


def run() -> int:
    """Prepare what is missing, start the processes, and wait until they have ended."""
    with only_one(VAR):
        return run_alone()


@contextmanager
def only_one(var: Path) -> Iterator[None]:
    """Hold the folder's lock. Raises CannotRunError if Callboard runs on it already.

    Two of them would take each other's tasks and send calls to each other's sandbox. The kernel releases the
    lock however the process ends.
    """
    var.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(var / "run.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            port = lock.read() or "its port"
            raise CannotRunError(
                f"it runs already on the data in {var}, at port {port}. Stop that one, or give this one a "
                "folder and ports of its own: CALLBOARD_VAR=var-2 PORT=8100 SANDBOX_PORT=8865 make run"
            ) from None
        lock.truncate(0)
        lock.write(os.environ.get("PORT") or "8000")
        lock.flush()
        yield


def run_alone() -> int:
    """The same, with the lock held."""
    addresses, port, sandbox_port, ours = prepare_environment()
    check_front_end()
    from config.local.database import prepare_database, read_clinic_zone
    from config.local.processes import Processes, build_commands
    from config.local.services import ServerWatch

    say("Preparing the database ...")
    prepare_database(with_demo=is_local(os.environ["ROBOTALKER_BASE_URL"]))

    zone = read_clinic_zone()
    commands = build_commands(port=port, sandbox_port=sandbox_port, var=VAR, zone=zone)
    processes = Processes(commands, when_started=Thread(target=announce, args=[addresses], daemon=True).start)
    watch = ServerWatch(VAR, ours, say=processes.say)
    watch.start()
    try:
        processes.loop()
    finally:
        watch.stop()
    if processes.stopped_by_hand:
        say("Stopped.")
        return 0
    say(
        f"{processes.ended_first} ended again and again, so everything was stopped. See its last lines above."
    )
    return 1


def prepare_environment() -> tuple[Addresses, int, int | None, list[str]]:
    """Check the ports, start the servers and set the environment for all processes.

    The last are the settings of the servers that were found or started here.
    """
    if not is_laptop():
        raise CannotRunError("these are settings for production. Set DEBUG=true to run it here.")
    port, sandbox_port = read_port("PORT", 8000), read_port("SANDBOX_PORT", 8765)
    check_port_free("PORT", port)
    elsewhere = os.environ.get("ROBOTALKER_BASE_URL", "")
    if not elsewhere:
        check_port_free("SANDBOX_PORT", sandbox_port)
    set_laptop_defaults(port=port, sandbox_port=sandbox_port)
    from config.local.services import ensure_services

    say("Starting PostgreSQL and Valkey ...")
    ours = ensure_services(VAR)
    sandbox = "" if elsewhere else os.environ["ROBOTALKER_BASE_URL"]
    addresses = Addresses(web=f"http://127.0.0.1:{port}", sandbox=sandbox, robotalker=elsewhere)
    return addresses, port, None if elsewhere else sandbox_port, ours


def read_port(name: str, default: int) -> int:
    """The port in this environment variable. Raises CannotRunError unless it is 1 to 65535."""
    value = os.environ.get(name) or str(default)
    if not value.isdecimal() or not 1 <= int(value) <= 65535:
        raise CannotRunError(f"{name}={value} is not a port. Use a number from 1 to 65535.")
    return int(value)


def check_port_free(name: str, port: int) -> None:
    """Raises CannotRunError with the variable to change if the port is in use."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            advice = f"Stop the program that uses it, or choose another port: {name}={port + 1} make run"
            raise CannotRunError(f"port {port} is in use. {advice}") from None


def check_front_end() -> None:
    """Build styles and icons, if anything they are made of has changed.

    Raises CannotRunError if the front-end packages aren't installed.
    """
    if not (BASE_DIR / "node_modules/purgecss").is_dir():
        raise CannotRunError("the front-end packages are missing. `make run` installs them.")
    build_front_end()


def is_local(url: str) -> bool:
    """Whether the URL is a sandbox's. The demo's people are never sent to another Robotalker."""
    return is_sandbox_address(url)


def announce(addresses: Addresses) -> None:
    """Say that everything is ready, or what doesn't respond."""
    missing = wait_until_ready(addresses)
    if missing:
        say(f"No response from {' and '.join(missing)} after a minute: the lines above may say why.")
    else:
        say(describe_ready(addresses))


def say(text: str) -> None:
    """Print for the person at the terminal."""
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
