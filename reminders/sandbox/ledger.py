"""The ledger: one line of JSON for each accepted call or text, on disk before the response is sent."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from reminders.sandbox.clock import current_time, format_precise
from reminders.sandbox.records import Call, TextMessage

Entry = dict[str, Any]


class Ledger:
    """An append-only file. Requests that wait at the same time share one fsync.

    An existing file is read and continued, so the ledger survives a restart of the sandbox. It has names and
    numbers of patients, so only this user may read it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.entries: list[Entry] = read_entries(path)
        path.touch(mode=0o600)
        path.chmod(0o600)
        self._file = path.open("ab")
        self._waiting: list[tuple[list[Entry], asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def append(self, entries: list[Entry]) -> None:
        """Return when these entries are on disk."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entries, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_waiting())
        await done

    async def _write_waiting(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            entries = [entry for some, _ in group for entry in some]
            try:
                await asyncio.to_thread(self._write, entries)
            except OSError as error:
                finish_group([done for _, done in group], error)
            else:
                self.entries.extend(entries)
                finish_group([done for _, done in group])

    def _write(self, entries: list[Entry]) -> None:
        self._file.write("".join(json.dumps(entry) + "\n" for entry in entries).encode())
        self._file.flush()
        os.fsync(self._file.fileno())

    async def clear(self) -> None:
        """Delete all entries, in the file too."""
        if self._writer is not None:
            await self._writer
        self.entries = []
        self._file.truncate(0)

    def close(self) -> None:
        self._file.close()


def finish_group(waiting: list[asyncio.Future[None]], error: OSError | None = None) -> None:
    """End the wait of a group's requests, with an error if it couldn't be written."""
    for done in waiting:
        if done.done():
            continue
        if error:
            done.set_exception(error)
        else:
            done.set_result(None)


def read_entries(path: Path) -> list[Entry]:
    """The entries of a ledger file. A last line cut off by a crash was never acknowledged and is removed."""
    if not path.exists():
        return []
    data = path.read_bytes()
    whole, _, rest = data.rpartition(b"\n")
    if rest:
        with path.open("r+b") as file:
            file.truncate(len(data) - len(rest))
    return [json.loads(line) for line in whole.splitlines()]


def make_call_entry(call: Call, fault: str | None) -> Entry:
    """The entry of an accepted call; ``fault`` is the fault applied to its response."""
    return {
        "at": format_precise(current_time()),
        "kind": "campaign_call" if call.campaign_id else "call",
        "id": call.id,
        "campaign_id": call.campaign_id,
        "to": call.to,
        "from": call.sender,
        "message": call.message,
        "webhook_url": call.webhook_url,
        "opted_out_at_acceptance": call.opted_out_at_acceptance,
        "fault": fault,
    }


def make_sms_entry(sms: TextMessage, fault: str | None) -> Entry:
    """The entry of an accepted text message; ``kind`` is ``sms`` or ``bulk_sms``."""
    return {
        "at": format_precise(current_time()),
        "kind": "bulk_sms" if sms.batch_id else "sms",
        "id": sms.id,
        "batch_id": sms.batch_id,
        "campaign_id": None,
        "to": sms.to,
        "from": sms.sender,
        "message": sms.message,
        "webhook_url": sms.webhook_url,
        "opted_out_at_acceptance": sms.opted_out_at_acceptance,
        "fault": fault,
    }
