"""The containers can't run here, so their commands are checked against what is installed."""

import re
import shlex
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from celery.bin.base import CLIContext
from celery.bin.celery import celery as celery_command
from django.conf import settings
from django.core.management import load_command_class
from django.urls import reverse
from environ import Env

from config.body_limit import READ_TO_ANSWER
from config.celery import app as celery_app
from config.local.postgres import PRIVATE
from config.local.processes import STOP_WITHIN, WORKER_QUEUES
from reminders.robotalker.events import MAX_EVENT_BYTES
from reminders.sandbox.command_line import add_options

ROOT = Path(__file__).resolve().parent.parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def read_command(service: str) -> list[str]:
    return shlex.split(SERVICES[service]["command"])


def test_every_process_has_a_container() -> None:
    ours = {name for name, service in SERVICES.items() if service.get("image") == "callboard"}
    assert ours == {"web", "door", "dispatcher", "worker", "applier", "beat", "migrate", "sandbox"}


def test_gunicorn_accepts_the_options_of_the_web_container() -> None:
    command = yaml.safe_load(re.findall(r"^CMD (.*)$", DOCKERFILE, re.MULTILINE)[-1])
    answer = subprocess.run([sys.executable, "-m", *command, "--check-config"], cwd=ROOT, check=False)
    assert answer.returncode == 0


@pytest.mark.parametrize(
    ("service", "command"), [*((name, "worker") for name in WORKER_QUEUES), ("beat", "beat")]
)
def test_celery_accepts_the_options_of_its_containers(service: str, command: str) -> None:
    assert read_command(service)[:4] == ["celery", "-A", "config", command]
    context = CLIContext(app=celery_app, no_color=True, workdir=None)
    celery_command.commands[command].make_context(command, read_command(service)[4:], obj=context)


def test_the_workers_take_the_same_queues_as_on_a_laptop() -> None:
    for name, queues in WORKER_QUEUES.items():
        options = read_command(name)
        assert options[options.index("-Q") + 1] == queues
        assert options[options.index("-n") + 1] == f"{name}@%h"
        assert f"--destination {name}@$$HOSTNAME" in SERVICES[name]["healthcheck"]["test"][1]


def test_a_worker_has_time_to_finish_its_submissions() -> None:
    submission = settings.ROBOTALKER_TOTAL_DEADLINE
    grace = [int(SERVICES[name]["stop_grace_period"].removesuffix("s")) for name in WORKER_QUEUES]
    assert submission < settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT < min(*grace, STOP_WITHIN)


def test_every_container_except_migrate_is_restarted() -> None:
    ends_for_good = {name for name, service in SERVICES.items() if service["restart"] != "unless-stopped"}
    assert ends_for_good == {"migrate"}


def test_the_logs_of_every_container_have_a_limit() -> None:
    for name, service in SERVICES.items():
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}, name


def test_the_log_of_postgresql_quotes_no_row_and_no_statement() -> None:
    """tests/config/test_canary.py shows what these settings leave out."""
    given = {one.replace("=", " = ") for one in read_command("postgres") if "=" in one}
    assert given == set(PRIVATE) - {"unix_socket_permissions = 0700"}


def test_the_health_check_of_beat_looks_at_the_file_that_beat_touches() -> None:
    options = read_command("beat")
    schedule = options[options.index("--schedule") + 1]
    assert f"{schedule}-alive" in SERVICES["beat"]["healthcheck"]["test"][1]


def test_migrations_run_before_the_other_containers_start() -> None:
    shell, option, script = read_command("migrate")
    assert (shell, option) == ("sh", "-c")
    steps = [shlex.split(step) for step in script.split("&&")]
    assert [step[:3] for step in steps] == [
        ["python", "manage.py", "migrate"],
        ["python", "manage.py", "setup_practice"],
        ["python", "manage.py", "rederive_times"],
    ]
    apps = ("django.core", "reminders", "reminders")
    for app, (_python, program, name, *options) in zip(apps, steps, strict=True):
        load_command_class(app, name).create_parser(program, name).parse_args(options)
    for service in ("web", "door", *WORKER_QUEUES, "beat"):
        waits_for = SERVICES[service]["depends_on"]["migrate"]["condition"]
        assert waits_for == "service_completed_successfully"


def test_the_sandbox_accepts_its_options_and_starts_only_with_its_profile() -> None:
    assert read_command("sandbox")[:3] == ["python", "-m", "reminders.sandbox"]
    parser = ArgumentParser()
    add_options(parser)
    assert parser.parse_args(read_command("sandbox")[3:]).port == 8765
    assert SERVICES["sandbox"]["profiles"] == ["sandbox"]


def test_every_volume_is_declared_and_used() -> None:
    mounted = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    files = [volume for volume in mounted if volume.startswith("./")]
    assert all((ROOT / file.split(":")[0]).is_file() for file in files)
    mounted = [volume for volume in mounted if volume not in files]
    used = {re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", volume).split(":")[0] for volume in mounted}
    assert used == set(COMPOSE["volumes"])


def test_servers_have_a_health_check_and_ports_on_localhost_only() -> None:
    for name in ("web", "door", *WORKER_QUEUES, "beat", "postgres", "valkey"):
        assert "healthcheck" in SERVICES[name], name
    ports = {name: service.get("ports", []) for name, service in SERVICES.items()}
    assert ports.pop("caddy") == ["80:80", "443:443", "443:443/udp"]
    assert all(port.startswith("127.0.0.1:") for some in ports.values() for port in some)


def test_the_web_server_in_front_has_limits_and_sends_events_to_their_own_processes() -> None:
    caddyfile = (ROOT / "Caddyfile").read_text()
    for limit in ("read_header", "read_body", "write", "idle", "max_header_size", "max_size"):
        assert re.search(rf"^\s+{limit} \S+$", caddyfile, re.MULTILINE), limit
    assert re.findall(r"(?:handle (/\S+)|reverse_proxy (\S+)) \{", caddyfile) == [
        ("/hooks/*", ""),
        ("", "door:8000"),
        ("", "web:8000"),
    ]
    assert int(re.findall(r"max_size (\d+)MiB", caddyfile)[0]) * 1024**2 == READ_TO_ANSWER
    assert int(re.findall(r"max_size (\d+)KiB", caddyfile)[0]) * 1024 == MAX_EVENT_BYTES
    assert "PROXY_COUNT" in SERVICES["web"]["environment"]


def test_the_web_server_in_front_logs_no_address_that_is_a_secret() -> None:
    """Tried with Caddy 2.6 and a server behind it that was away: each request was one line of its log."""
    caddyfile = (ROOT / "Caddyfile").read_text()
    found = re.search(r'request>uri regexp "(.+)" "(.+)"', caddyfile)
    assert found
    assert "request>headers delete" in caddyfile
    for address in (
        reverse("robotalker_hook", args=["secret"]),
        reverse("ping", args=["secret"]),
        reverse("calendar_feed", args=["secret"]),
        reverse("new_password", args=["MQ", "secret"]),
    ):
        assert "secret" not in re.sub(found[1], found[2].replace("${1}", r"\1"), address)


def test_the_image_does_not_run_as_root() -> None:
    last_stage = DOCKERFILE.rpartition("FROM ")[2]
    assert re.search(r"^USER callboard$", last_stage, re.MULTILINE)


def test_a_container_of_ours_can_write_only_to_tmp_and_its_volumes_and_gain_no_rights() -> None:
    ours = {name: service for name, service in SERVICES.items() if service.get("image") == "callboard"}
    for name, service in ours.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert [place.split(":")[0] for place in service["tmpfs"]] == ["/tmp"], name  # noqa: S108
        assert "privileged" not in service, name
    for name, service in SERVICES.items():
        assert service["security_opt"] == ["no-new-privileges:true"], name
        mounts = [str(volume) for volume in service.get("volumes", [])]
        assert not [mount for mount in mounts if "docker.sock" in mount], name


# What docker compose knows of a service, as far as this file uses it; another word is a slip of the pen.
SERVICE: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["image", "restart"],
    "properties": {
        "image": {"type": "string"},
        "build": {"type": ["string", "object"]},
        "restart": {"enum": ["unless-stopped", "no", "always", "on-failure"]},
        "init": {"type": "boolean"},
        "read_only": {"type": "boolean"},
        "stop_grace_period": {"type": "string", "pattern": "^[0-9]+s$"},
        "command": {"type": ["string", "array"]},
        "entrypoint": {"type": ["string", "array"]},
        "env_file": {"type": ["string", "array"]},
        "environment": {"type": "object", "additionalProperties": {"type": ["string", "number"]}},
        "logging": {"type": "object"},
        "deploy": {"type": "object"},
        "configs": {"type": "array"},
        "networks": {"type": ["array", "object"]},
        "extra_hosts": {"type": ["array", "object"]},
        "shm_size": {"type": ["string", "number"]},
        "mem_limit": {"type": ["string", "number"]},
        "ulimits": {"type": "object"},
        "user": {"type": ["string", "number"]},
        "healthcheck": {
            "type": "object",
            "additionalProperties": False,
            "required": ["test"],
            "properties": {
                "test": {"type": ["array", "string"]},
                "interval": {"type": "string"},
                "timeout": {"type": "string"},
                "start_period": {"type": "string"},
                "start_interval": {"type": "string"},
                "retries": {"type": "integer"},
            },
        },
        "depends_on": {
            "type": ["object", "array"],
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "condition": {
                        "enum": ["service_started", "service_healthy", "service_completed_successfully"]
                    },
                    "restart": {"type": "boolean"},
                },
            },
        },
        **{
            name: {"type": "array", "items": {"type": ["string", "object"]}}
            for name in (
                "ports", "expose", "volumes", "tmpfs", "cap_drop", "cap_add", "security_opt", "profiles"
            )
        },
    },
}  # fmt: skip


def test_the_compose_file_has_only_words_that_docker_compose_knows() -> None:
    known = {"services", "volumes", "networks", "configs", "secrets", "name"}
    assert {name for name in COMPOSE if not name.startswith("x-")} <= known
    for name, service in SERVICES.items():
        jsonschema.validate(service, SERVICE)
        waits_for = service.get("depends_on", [])
        for other in waits_for:
            assert other in SERVICES, name
            if isinstance(waits_for, dict) and waits_for[other]["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other], name


def test_the_compose_file_contains_no_password() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    passwords = re.findall(r"(?:POSTGRES_|PG)PASSWORD: *(.+)", text)
    assert len(passwords) >= 2
    assert all(password.startswith("${POSTGRES_PASSWORD:?") for password in passwords)


def test_the_password_of_the_database_may_have_any_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a URL, / and ? would end it: PostgreSQL's library takes it from PGPASSWORD instead."""
    environment = SERVICES["web"]["environment"]
    assert environment["DATABASE_URL"] == "postgresql://callboard@postgres/callboard"
    monkeypatch.setenv("DATABASE_URL", environment["DATABASE_URL"])
    database = Env().db("DATABASE_URL")
    assert (database["HOST"], database["NAME"], database["PASSWORD"]) == ("postgres", "callboard", "")
