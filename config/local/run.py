"""`make run`: everything on one laptop, with one Ctrl-C to stop it all."""

import os
import signal
import socket
import sys
from threading import Thread
from typing import NoReturn

from config.local.environment import BASE_DIR, VAR, is_laptop, set_laptop_defaults
from config.local.errors import LocalServiceError
from config.local.readiness import Addresses, describe_ready, wait_until_ready
from reminders.rules.sandbox_hosts import is_sandbox_address


class CannotRunError(Exception):
    """Why it can't start here, in one line that says what to do."""


def main() -> int:
    """Run it all; 0 when a person stopped it, 1 when it could not start or something broke."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGHUP, _stop)  # the terminal was closed
    try:
        return run()
    except (CannotRunError, LocalServiceError) as error:
        print(f"\nCallboard can't start: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 0


def _stop(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def run() -> int:
    """Prepare what is missing, start the processes, and stay until they are stopped."""
    addresses, port, sandbox_port = prepare_environment()
    check_front_end()
    from config.local.database import prepare_database
    from config.local.processes import Processes, build_commands

    say("Preparing the database ...")
    prepare_database(with_demo=is_local(os.environ["ROBOTALKER_BASE_URL"]))

    commands = build_commands(port=port, sandbox_port=sandbox_port, var=VAR)
    processes = Processes(commands, when_started=Thread(target=announce, args=[addresses], daemon=True).start)
    processes.loop()
    if processes.stopped_by_hand:
        say("Stopped.")
        return 0
    say(f"{processes.ended_first} ended by itself, so all was stopped. Its last lines above say why.")
    return 1


def prepare_environment() -> tuple[Addresses, int, int | None]:
    """Check the ports, start the servers and set what all processes share."""
    if not is_laptop():
        raise CannotRunError("the settings are those of a production. Set DEBUG=true to try it here.")
    port, sandbox_port = read_port("PORT", 8000), read_port("SANDBOX_PORT", 8765)
    check_port_free("PORT", port)
    elsewhere = os.environ.get("ROBOTALKER_BASE_URL", "")
    if not elsewhere:
        check_port_free("SANDBOX_PORT", sandbox_port)
    set_laptop_defaults(port=port, sandbox_port=sandbox_port)
    from config.local.services import ensure_services

    say("Starting PostgreSQL and Valkey ...")
    ensure_services(VAR)
    sandbox = "" if elsewhere else os.environ["ROBOTALKER_BASE_URL"]
    addresses = Addresses(web=f"http://127.0.0.1:{port}", sandbox=sandbox, robotalker=elsewhere)
    return addresses, port, None if elsewhere else sandbox_port


def read_port(name: str, default: int) -> int:
    """The port in this environment variable. Raises CannotRunError unless it is 1 to 65535."""
    value = os.environ.get(name) or str(default)
    if not value.isdecimal() or not 1 <= int(value) <= 65535:
        raise CannotRunError(f"{name}={value} is no port. Use a number from 1 to 65535.")
    return int(value)


def check_port_free(name: str, port: int) -> None:
    """Raise CannotRunError, naming the variable that moves it, if somebody listens there."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            advice = f"Stop what uses it, or choose another one: {name}={port + 1} make run"
            raise CannotRunError(f"port {port} is in use. {advice}") from None


def check_front_end() -> None:
    """Raise CannotRunError if the front-end packages are not there."""
    if not (BASE_DIR / "node_modules/@tabler/core/dist").is_dir():
        raise CannotRunError("the front-end packages are missing. `make run` installs them.")


def is_local(url: str) -> bool:
    """Whether this is the sandbox of a laptop. Elsewhere, made-up people are never called."""
    return is_sandbox_address(url)


def announce(addresses: Addresses) -> None:
    """Say that it is ready, or what keeps it from being so."""
    silent = wait_until_ready(addresses)
    if silent:
        say(f"No answer from {' and '.join(silent)} after a minute: the lines above may say why.")
    else:
        say(describe_ready(addresses))


def say(text: str) -> None:
    """Print for the person at the terminal."""
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
