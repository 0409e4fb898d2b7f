"""
One round: take the inbox in, erase again who came back, collect late events. Again, there is
nothing to do.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cxtools.connection import Connection
from cxtools.errors import StoreError
from cxtools.files import make_private_folder
from cxtools.people.forget import Forgotten, finish_earlier, is_due
from cxtools.refresh.inbox import FAILED, InboxFile, take_in, waiting_files
from cxtools.sending.collect import Collected

#: Whoever holds it is the one that refreshes this home.
LOCK = ".refresh.lock"


@dataclass(frozen=True)
class Refreshed:
    """
    What a round did: the events it collected (None: no campaign was asked for), the files it took,
    and where it found people who are erased.
    """

    collected: Collected | None
    files: tuple[InboxFile, ...]
    erased: Forgotten = field(default_factory=Forgotten)

    @property
    def failed(self) -> list[InboxFile]:
        """The files that could not be taken in."""
        return [file for file in self.files if file.state == FAILED]

    def document(self) -> dict[str, Any]:
        """The round as JSON knows it."""
        collected = asdict(self.collected) if self.collected else None
        return {
            "collected": collected,
            "inbox": [asdict(file) for file in self.files],
            "erased": self.erased.to_dict(),
        }

    def __str__(self) -> str:
        lines = [str(file) for file in self.files]
        if not self.erased.is_nothing:
            lines.append(f"erased people had come back; {self.erased.summary}")
        if self.collected and self.collected.added:
            lines.append(f"{self.collected.added:,} new events of {self.collected.jobs:,} jobs")
        return "\n".join(lines) or "nothing is due"


def refresh(client: Connection, now: float) -> Refreshed:
    """
    Take in what lies in the inbox, erase again those who came back by a backup, collect late
    events.

    Raises:
        StoreError: another refresh of this home is at work, or the store can't be written.
        ApiError, ContractError: events can't be had; the inbox was taken in.
    """
    home = client.settings.home
    make_private_folder(home)
    with _alone(home):
        files = tuple(_take_in(client, now))
        erased = finish_earlier(client)
        return Refreshed(_collect(client), files, erased)


def waiting(client: Connection, now: float) -> list[str]:
    """
    What a round would do, in words: files that it would take in, campaigns it would ask for, people
    to erase again.
    """
    home = client.settings.home
    files = [f"take in {file.relative_to(home)}" for file in waiting_files(home, now)]
    campaigns = [f"collect {name}" for name in _unsettled(client)]
    erasures = ["look for erased people in what is new"] if is_due(client) else []
    return [*files, *erasures, *campaigns]


def _take_in(client: Connection, now: float) -> Iterator[InboxFile]:
    home = client.settings.home
    suppresses = client.settings.suppress_imported
    yield from take_in(
        client.store,
        home,
        waiting_files(home, now),
        now=datetime.fromtimestamp(now, UTC),
        suppress=client.suppress_imported if suppresses else lambda _: 0,
    )


def _collect(client: Connection) -> Collected | None:
    """The late events of campaigns that have any to come; None where there is none."""
    if not _unsettled(client):
        return None
    return client.collect()


def _unsettled(client: Connection) -> list[str]:
    """This account's campaigns whose jobs may still have late events."""
    if not client.has_ledger or not client.ledger.plans.names():
        return []
    from cxtools.sending.collect import campaigns_with_late_events

    return campaigns_with_late_events(client.context)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One refresh of a home at a time; the lock ends with its process, however that ends."""
    handle = os.open(home / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                "another refresh of this home is at work",
                where=str(home),
                do="let it finish; the next call takes what it left",
            ) from None
        yield
    finally:
        os.close(handle)
