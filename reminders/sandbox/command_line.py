"""The options of the sandbox, the same for ``manage.py robotalker_sandbox`` and ``python -m``."""

import argparse
import json
import os
from pathlib import Path
from typing import Any

from reminders.sandbox.sandbox import Settings

DEFAULT_PORT = 8100
DEFAULT_LEDGER = "var/robotalker-sandbox-ledger.jsonl"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare every option of the sandbox."""
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--ledger", type=Path, default=Path(DEFAULT_LEDGER), help="file for accepted requests"
    )
    parser.add_argument(
        "--api-key",
        default=os.environ.get("ROBOTALKER_API_KEY") or "sandbox-key",
        help="the API key that clients must send; default: ROBOTALKER_API_KEY, else sandbox-key",
    )
    parser.add_argument("--speed", type=float, default=1.0, help="plays calls this many times faster")
    parser.add_argument("--seed", type=int, default=1, help="seed for the scenarios of numbers without one")
    parser.add_argument(
        "--ring-seconds", type=float, default=25.0, help="how long a phone rings for a person to answer"
    )
    parser.add_argument("--zone", default="", help="time zone of the page of phones; default: the browser's")
    parser.add_argument(
        "--region",
        default=os.environ.get("PHONE_REGION") or "US",
        help="the country as which that page writes times; default: PHONE_REGION, else US",
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--attended",
        action="store_true",
        default=True,
        help="phones ring until a person answers or the ringing time is over (the default)",
    )
    mode.add_argument(
        "--unattended", dest="attended", action="store_false", help="scenarios play without a person"
    )
    parser.add_argument("--faults", type=json.loads, default=[], help="JSON list of fault rules")


def read_settings(options: dict[str, Any]) -> Settings:
    """Settings from parsed options."""
    return Settings(
        ledger_path=options["ledger"],
        api_key=options["api_key"],
        host=options["host"],
        port=options["port"],
        behaviour={name: options[name] for name in ("speed", "seed", "attended", "ring_seconds")},
        faults=options["faults"],
        zone=options["zone"],
        region=options["region"],
    )
