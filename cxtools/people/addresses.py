"""
The addresses behind keys. The ledger names people by keys; where one of its plans or the event
store still holds an address, it is found there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cxtools.events import parts
from cxtools.events.replacements import repeat_when_replaced
from cxtools.identity import recipient_key

if TYPE_CHECKING:
    from cxtools.connection import Connection
    from cxtools.events.store import EventStore

#: Addresses that are fetched at once.
PORTION = 100_000


def addresses_of(client: Connection, keys: Collection[str]) -> dict[str, str]:
    """The addresses of these people, by key; who isn't held anywhere is left out."""
    found = addresses_in_plans(client, keys)
    missing = set(keys) - found.keys()
    if missing:
        found |= _in_events(client.store, missing)
    return found


def addresses_in_plans(client: Connection, keys: Collection[str]) -> dict[str, str]:
    """The same, of those only who stand in a plan of the ledger."""
    found: dict[str, str] = {}
    if not client.has_ledger:
        return found
    for batch_id in client.ledger.batches.of_people(keys):
        for person in client.ledger.batches.candidates(batch_id):
            if person.key in keys:
                found[person.key] = person.email
    return found


def addresses_in_parts(files: Iterable[Path], keys: Collection[str]) -> dict[str, str]:
    """The same, of those only who stand in these parts."""
    found: dict[str, str] = {}
    for file in files:
        for email in parts.emails(file):
            key = recipient_key(email)
            if key in keys:
                found[key] = email
    return found


@repeat_when_replaced
def _in_events(store: EventStore, keys: Collection[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    if not store.campaigns():
        return found
    for email in _emails(store):
        key = recipient_key(email)
        if key in keys:
            found[key] = email
    return found


def _emails(store: EventStore) -> Iterator[str]:
    """Each address of the store's events, once."""
    with store.connection() as connection:
        rows = connection.execute("select distinct email from received where email <> ''")
        while portion := rows.fetchmany(PORTION):
            for (email,) in portion:
                yield email
