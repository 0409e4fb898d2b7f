"""Files that tests import, and what is stored of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cxtools.events.importing import import_file
from cxtools.events.store import EventStore
from cxtools.events.summary import Imported

NOW = datetime(2026, 10, 1, tzinfo=UTC)


@pytest.fixture
def target(tmp_path: Path) -> EventStore:
    """An empty store in a home of its own."""
    return EventStore(tmp_path / "home" / "events")


def import_content(
    target: EventStore, content: str | bytes | Sequence[Any], **options: Any
) -> Imported:
    """The content as a file, imported; a list becomes one JSON line per item."""
    path = target.root.parent.parent / "feed"
    lines = (
        content
        if isinstance(content, str | bytes)
        else "\n".join(json.dumps(item) for item in content)
    )
    path.write_bytes(lines if isinstance(lines, bytes) else lines.encode())
    return import_file(path, "c", target, now=NOW, **options)


def counts(done: Imported) -> tuple[int, int, int, int]:
    """Rows, new events, events left out, rejected rows."""
    return done.rows, done.added, done.duplicates, done.rejected


def query(target: EventStore, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
    """Columns of the stored events."""
    with target.connection() as connection:
        return connection.sql(f"select {columns} from events where {where} order by all").fetchall()  # noqa: S608


def files_in_home(target: EventStore) -> list[Path]:
    """All that the home of the store holds."""
    home = target.root.parent
    return sorted(home.rglob("*")) if home.exists() else []


TABLE = """Event Type,E-Mail,Message ID,Time,SMTP Code,URL
Delivered,Ann@one.example,m1,2026-09-14 09:00:00,,
opened,ann@one.example,m1,1789377000,,
click,ann@one.example,m1,1789377060000,,https://shop.example/
hard bounce,bob@two.example,m2,"Mon, 14 Sep 2026 11:00:00 +0200",5.1.1,
teleported,bob@two.example,m2,,,
"""


def sendgrid_row(number: int, word: str, **more: Any) -> dict[str, Any]:
    """A row of SendGrid's webhook."""
    return {
        "email": f"p{number}@one.example",
        "timestamp": 1789376400 + number,
        "event": word,
        "sg_event_id": f"e{number}",
        "sg_message_id": f"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.{number}",
        "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
        **more,
    }
