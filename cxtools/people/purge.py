"""
Retention: what is older than a home wants to keep people's data goes.

Of a campaign that ended before: its events, what was sent to whom, the bytes of its POSTs, the
bodies of its webhooks; and files that the inbox took in before. What stays holds no address: who
was in which campaign by key (so nobody is mailed twice), suppressions, counts, verdicts, pages and
the audit log.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxtools.events.replacements import repeat_when_replaced
from cxtools.ledger.states import UNFINISHED
from cxtools.people.documents import kept_documents
from cxtools.wording import quantity

if TYPE_CHECKING:
    from cxtools.connection import Connection


@dataclass(frozen=True)
class Purged:
    """
    What was purged, or would be.

        before     the moment that everything purged is older than (UTC)
        campaigns  name -> the moment of its last event or job (UTC)
        files      files of the inbox and rows set aside, below the home
        waiting    campaigns that are old, but not finished: they stay
    """

    before: str
    campaigns: dict[str, str]
    files: list[str]
    waiting: list[str]

    def to_dict(self) -> dict[str, Any]:
        """The document that `--json` prints."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [f"campaign {name}, last seen {at[:10]}" for name, at in self.campaigns.items()]
        lines += self.files
        lines += [f"stays, since it isn't finished: {name}" for name in self.waiting]
        number = f"{quantity(len(self.campaigns), 'campaign')}, {quantity(len(self.files), 'file')}"
        return "\n".join([*lines, f"older than {self.before[:10]}: {number}"])


def purge(client: Connection, before: datetime, *, dry_run: bool = False) -> Purged:
    """
    Delete people's data of campaigns that ended before a moment. Killed anywhere, the same again
    finishes.

    Raises:
        StoreError: something can't be read or written.
    """
    found = find_old(client, before)
    if dry_run:
        return found
    for name in found.campaigns:
        if client.has_ledger:
            client.ledger.purge(name)
        client.store.remove(name)
    for file in found.files:
        (client.settings.home / file).unlink(missing_ok=True)
    client.store.remove_unfinished()
    if client.has_ledger:
        client.ledger.scrub()
        client.ledger.audit_log.append_anchor()
    return found


def find_old(client: Connection, before: datetime) -> Purged:
    """What a purge would delete."""
    last_at = _last_moments(client)
    old = {name: at for name, at in sorted(last_at.items()) if at < before}
    unfinished = set(_unfinished(client))
    return Purged(
        before=before.isoformat(timespec="seconds"),
        campaigns={
            name: at.isoformat(timespec="seconds")
            for name, at in old.items()
            if name not in unfinished
        },
        files=[str(file.relative_to(client.settings.home)) for file in _old_files(client, before)],
        waiting=sorted(old.keys() & unfinished),
    )


def _unfinished(client: Connection) -> Iterator[str]:
    if client.has_ledger:
        for row in client.ledger.batches.rows(states=UNFINISHED):
            yield row.campaign


def _last_moments(client: Connection) -> dict[str, datetime]:
    """When something was last heard of each campaign that holds people's data."""
    last_at = dict(_last_events(client))
    if client.has_ledger:
        for name, at in client.ledger.last_moments().items():
            moment = datetime.fromtimestamp(at, UTC)
            last_at[name] = max(moment, last_at.get(name, moment))
    return last_at


@repeat_when_replaced
def _last_events(client: Connection) -> list[tuple[str, datetime]]:
    if not client.store.campaigns():
        return []
    query = """
        select campaign, epoch(max(coalesce(ts, received_at)))
        from received
        group by campaign
    """
    with client.store.connection() as connection:
        rows = connection.execute(query).fetchall()
    return [(str(name), datetime.fromtimestamp(at, UTC)) for name, at in rows]


def _old_files(client: Connection, before: datetime) -> Iterator[Path]:
    home = client.settings.home
    pages = home / "reports"
    for file in kept_documents(home):
        if not file.is_relative_to(pages) and file.stat().st_mtime < before.timestamp():
            yield file
