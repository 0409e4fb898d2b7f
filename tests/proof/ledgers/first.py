"""The ledger of cxtools 0.1.0 that stands in `first/`, put into a database of either kind."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cxtools.sending.campaign import Campaign
from cxtools.simulator.people import recipients, suppressed

FOLDER = Path(__file__).parent / "first"
#: its account's address; the simulator of a test has another one
ACCOUNT = "http://127.0.0.1:46435|simulator"
#: as in make_first.py
SEED = 7
SPEC: dict[str, Any] = {
    "subject": "Q3",
    "template_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
    "sender": "me@example.com",
}
PEOPLE = list(recipients(SEED, 100))
ADDRESSES = {person["email"] for person in PEOPLE}
SUPPRESSED = {PEOPLE[3]["email"], *suppressed(SEED, 100)}


def load(url: str, home: Path, *, account: str = ACCOUNT) -> None:
    """
    Make the ledger at *url*, and the files that stand beside it in *home*.

    *account* is who sends its campaigns.
    """
    engine = sa.create_engine(url)
    name = engine.url.get_backend_name()
    statements = (FOLDER / f"{name}.sql").read_text().split(";")
    with engine.begin() as tx:
        for statement in filter(str.strip, statements):
            tx.exec_driver_sql(statement)
        for table in reflected(tx).values():
            rows = stored_rows()[table.name]
            if rows:
                tx.execute(table.insert(), [typed(row, table, account) for row in rows])
    engine.dispose()
    shutil.copyfile(FOLDER / "audit-key", home / "audit-key")
    shutil.copyfile(FOLDER / "audit-anchors.txt", home / anchors_name(engine.url))


def campaigns() -> list[Campaign]:
    """Its campaigns as their user gives them again, q3 with a limit that lets all of it out."""
    rows = [*PEOPLE[:90], PEOPLE[0], {**PEOPLE[0], "email": "nobody"}]
    return [
        Campaign.from_list(rows, name="q3", limits={"daily": 1000}, **SPEC),
        Campaign.from_list(PEOPLE[90:], name="q4", **SPEC),
    ]


def reflected(tx: sa.Connection) -> dict[str, sa.Table[Any]]:
    """The tables that the database holds."""
    tables = sa.MetaData()
    tables.reflect(tx)
    return dict(tables.tables)


def stored_rows() -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = json.loads((FOLDER / "rows.json").read_text())
    return rows


def typed(row: dict[str, Any], table: sa.Table[Any], account: str) -> dict[str, Any]:
    """A row as the database takes it: bytes, truth values, and the account of the test."""
    values = {}
    for column, cell in row.items():
        value = cell
        if isinstance(cell, dict):
            value = base64.b64decode(cell["base64"])
        if isinstance(table.c[column].type, sa.Boolean) and cell is not None:
            value = bool(cell)
        if cell == ACCOUNT:
            value = account
        values[column] = value
    return values


def anchors_name(url: sa.URL) -> str:
    if url.get_backend_name() == "sqlite":
        return "audit-anchors.txt"
    return f"audit-anchors-{url.database}.txt"
