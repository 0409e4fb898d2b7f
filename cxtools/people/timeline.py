"""One person's time line: when what was sent to them, and what became of it, in all campaigns."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from cxtools.measures.table import Table
from cxtools.people.person import events_of, key_and_address, planned_for, suppression_of
from cxtools.text import mask_addresses, mask_name, parse_moment

if TYPE_CHECKING:
    from cxtools.connection import Connection

COLUMNS = ["at", "campaign", "what", "detail", "job"]


def timeline(client: Connection, person: str, *, addresses: bool = False) -> Table:
    """
    One row per event, plan and suppression of a person, in their order; what has no moment is last.

    *person* is an address, or the key that `recipients` gives, whose address is looked for in all
    events.

    Raises:
        ConfigError: that is neither.
        StoreError: the ledger or the events can't be read.
    """
    key, email = key_and_address(client, person)
    return timeline_of(client, key, email, addresses=addresses)


def timeline_of(client: Connection, key: str, email: str, *, addresses: bool = False) -> Table:
    """
    The same of a person whose key and address are known; "" for an address that nobody holds.

    Raises:
        StoreError: the ledger or the events can't be read.
    """
    rows: list[tuple[Any, ...]] = []
    if client.has_ledger:
        rows += _plans(client, key)
        rows += _suppressions(client, key)
    if email:
        rows += _events(client, email)
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["at"] = pd.to_datetime(table["at"], utc=True)
    if not addresses:
        table["detail"] = [mask_name(mask_addresses(detail), email) for detail in table["detail"]]
    return Table(table.sort_values("at", kind="stable", na_position="last", ignore_index=True))


def _plans(client: Connection, key: str) -> Iterator[tuple[Any, ...]]:
    for plan in planned_for(client, key):
        detail = f"wave {plan['wave']}, batch {plan['batch']}: {plan['state']}"
        if plan["left_out"]:
            detail = f"left out: {plan['left_out']}"
        at = parse_moment(plan["submitted_at"])
        yield (at, plan["campaign"], "planned", detail, plan["job_id"] or "")


def _suppressions(client: Connection, key: str) -> Iterator[tuple[Any, ...]]:
    suppressed = suppression_of(client, key)
    if suppressed:
        at = parse_moment(suppressed["since"])
        detail = f"{suppressed['reason']} ({suppressed['source']})"
        yield (at, suppressed["campaign"], "suppressed", detail, "")
    erased_at = client.ledger.erasures.erased_at(key)
    if erased_at is not None:
        yield (datetime.fromtimestamp(erased_at, UTC), "", "erased", "", "")


def _events(client: Connection, email: str) -> Iterator[tuple[Any, ...]]:
    for event in events_of(client, email):
        words = (event["bounce_code"], event["bounce_text"], event["link_url"])
        detail = " ".join(filter(None, words))
        yield (event["ts"], event["campaign"], event["kind"], detail, event["job_id"])
