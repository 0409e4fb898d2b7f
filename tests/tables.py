"""Tables as tests draw them: text in, events or rows out."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cxtools.events.store import EventStore
from cxtools.identity import event_identity
from cxtools.measures.answers import answer
from cxtools.measures.engine import Engine
from cxtools.measures.table import Table
from cxtools.model import Event
from cxtools.text import parse_moment

RECEIVED = datetime(2026, 10, 1, tzinfo=UTC)
MACHINE = {"yes": True, "no": False, "": None}


def rows(text: str) -> list[dict[str, str]]:
    """One dict per line below the header; a line of dashes is decoration."""
    lines = [
        [cell.strip() for cell in line.split("|")]
        for line in text.strip().splitlines()
        if line.strip("-+ ")
    ]
    return [dict(zip(lines[0], cells, strict=True)) for cells in lines[1:]]


def events(text: str) -> list[Event]:
    """
    Columns: to (recipient id; with "@" the address only), kind, and optionally at (day of September
    2026 and time, "14 09:05:30", or "+90", seconds after the 14th 09:00), code, text, class, url, msg
    ("-" for none), job, email, id, word (the vendor's), machine (yes, no, or empty: not said).
    """
    return [_event(row) for row in rows(text)]


def store(text: str, campaign: str = "c", into: EventStore | None = None) -> EventStore:
    """A store in a new folder (or *into*), holding the table's events."""
    target = into or EventStore(Path(tempfile.mkdtemp()) / "events")
    target.add(campaign, events(text), source="test", received_at=RECEIVED)
    return target


def ask(question: str, target: EventStore, *args: Any, **options: Any) -> Table:
    """The answer of a store to one of the questions, by the rules that ship."""
    return answer(Engine(target), question, *args, **options)


def _event(row: dict[str, str]) -> Event:
    to, ts = row["to"], _moment(row.get("at", ""))
    message, link, code = _message(row), row.get("url", ""), row.get("code", "")
    email = row.get("email") or (to if "@" in to else f"{to}@gmail.example")
    identity = event_identity(row.get("job", "j1"), message, to, row["kind"], str(ts), link, code)
    return Event(
        row.get("id") or identity,
        row["kind"],
        row.get("word") or row["kind"],
        job_id=row.get("job", "j1"),
        message_id=message,
        email=email,
        recipient_id="" if "@" in to else to,
        ts=ts,
        bounce_code=code,
        bounce_text=row.get("text", ""),
        bounce_class=row.get("class", ""),
        link_url=link,
        by_machine=MACHINE[row.get("machine", "")],
    )


def _message(row: dict[str, str]) -> str:
    name = row.get("msg") or f"m-{row['to']}"
    return "" if name == "-" else name


def _moment(text: str) -> datetime | None:
    if text.startswith("+") or text.startswith("-"):
        return datetime(2026, 9, 14, 9, tzinfo=UTC) + timedelta(seconds=float(text))
    return parse_moment(f"2026-09-{text.replace(' ', 'T')}Z") if text else None
