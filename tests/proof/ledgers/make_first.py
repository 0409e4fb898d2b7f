"""
Makes `first/`: a ledger as cxtools 0.1.0 left it, which the tests upgrade.

Run in a checkout of 0.1.0 (commit 55c6fe5), with that checkout's own code:

    git worktree add ../first 55c6fe5
    PYTHONPATH=../first python tests/proof/ledgers/make_first.py tests/proof/ledgers/first

Campaign q3 stopped in its middle: of five batches two were sent and are told to the CRM, the answer
to the third POST was lost, two wait for the next day's quota. Campaign q4 is planned, and nothing
of it was sent. Written are the tables as 0.1.0 makes them on SQLite and on PostgreSQL, their rows
(bytes as {"base64": …}), and the files beside the ledger. The people are the simulator's; their
addresses exist nowhere.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import sqlite3
import sys
import tempfile
import urllib.request
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex, CreateTable

from cxtools.settings import load_settings
from cxtools.simulator.people import recipients, suppressed

SEED = 7
SPEC: dict[str, Any] = {
    "subject": "Q3",
    "template_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
    "sender": "me@example.com",
}
PEOPLE = list(recipients(SEED, 100))
SUPPRESSED = [PEOPLE[3]["email"], *suppressed(SEED, 100)]


def main(out: Path) -> None:
    os.environ["LOGNAME"] = "ops"
    socket.gethostname = lambda: "mailer"
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        work(home)
        (out / "rows.json").write_text(json.dumps(rows_of(home / "ledger.sqlite"), indent=1) + "\n")
        for name in ("audit-anchors.txt", "audit-key"):
            shutil.copyfile(home / name, out / name)
    for dialect in (sqlite.dialect(), postgresql.dialect()):  # type: ignore[no-untyped-call]  # sqlalchemy has no types for these two
        (out / f"{dialect.name}.sql").write_text("\n".join(statements(dialect)) + "\n")


def work(home: Path) -> None:
    """What a user of 0.1.0 did."""
    # names that 0.1.0 has and this version has not
    connection = import_module("cxtools.connection")
    campaign = import_module("cxtools.campaigns.recipients").Campaign
    send = import_module("cxtools.campaigns.send")
    url = connection.start_simulator(
        "--speed", "inf", "--crm-secret", connection.SIMULATOR["crm_webhook_secret"]
    )
    control(url, "suppress", {"addresses": SUPPRESSED})
    facts: dict[str, Any] = {
        "crm_webhook_url": f"{url}/_sim/crm",
        "event_horizon_s": 0,
        "batch_size": 20,
    }
    settings = load_settings(environ={}, home=home, env_url=url, **facts, **connection.SIMULATOR)
    client = connection.Connection(settings, quiet=True)
    rows = [*PEOPLE[:90], PEOPLE[0], {**PEOPLE[0], "email": "nobody"}]
    q3 = campaign.from_list(rows, name="q3", limits={"daily": 60}, **SPEC)
    control(url, "faults", {"name": "post_502_after_accept", "after": 2})
    client.send(q3, skip_invalid=True)
    for _ in range(3):
        client.collect("q3")
    control(url, "faults", {"name": None})
    send.plan(client.desk, campaign.from_list(PEOPLE[90:], name="q4", **SPEC))
    print(client.status("q3"), client.status("q4"), client.ledger.trail.verify(), sep="\n")


def control(url: str, path: str, body: dict[str, object]) -> None:
    body_text = json.dumps(body).encode()
    urllib.request.urlopen(f"{url}/_sim/{path}", body_text, timeout=60)  # noqa: S310 - our own simulator


def rows_of(file: Path) -> dict[str, list[dict[str, object]]]:
    """The rows of each table, column by column."""
    tables = import_module("cxtools.campaigns.tables")
    with sqlite3.connect(file) as database:
        rows = {}
        for table in tables.TABLES.sorted_tables:
            cursor = database.execute(f"select * from {table.name} order by rowid")  # noqa: S608
            columns = [column[0] for column in cursor.description]
            rows[table.name] = [
                {column: plain(cell) for column, cell in zip(columns, cells, strict=True)}
                for cells in cursor
            ]
    return rows


def plain(cell: object) -> object:
    if isinstance(cell, bytes):
        return {"base64": base64.b64encode(cell).decode()}
    return cell


def statements(dialect: Dialect) -> list[str]:
    """The statements by which 0.1.0 makes its tables."""
    tables = import_module("cxtools.campaigns.tables")
    made: list[CreateTable | CreateIndex] = []
    for table in tables.TABLES.sorted_tables:
        made += [CreateTable(table), *map(CreateIndex, sorted(table.indexes, key=str))]
    return [f"{str(each.compile(dialect=dialect)).strip()};" for each in made]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
