"""
The proving ground of erasures: a home in which people stand wherever a home can hold them, and the look
for one of them that uses nothing of cxtools.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cxtools.connection import Connection
from cxtools.events.importing import import_file
from cxtools.ledger.ledger import Ledger
from cxtools.ledger.outbox import Webhook
from cxtools.ledger.schema import batch
from cxtools.measures.answers import answer
from cxtools.model import Recipient
from cxtools.settings import load_settings

ROOT = Path(__file__).parents[2]
LOCAL_PART = "jane.roe.77"
ADDRESS = f"{LOCAL_PART}@acme-01.example"
#: The same local part elsewhere is somebody else, and so is a longer one.
OTHERS = ["jane.roe.77@acme-02.example", "jane.roe.777@acme-01.example", "bob@acme-01.example"]
#: All spellings that are looked for.
SPELLINGS = [ADDRESS, ADDRESS.replace("@", "%40"), ADDRESS.replace("@", "=")]
CAMPAIGNS = ("imported", "spring")
QUESTIONS = ("funnel", "bounces", "jobs", "data_quality", "timing", "suspects")
SPEC = {"name": "spring", "limits": {"daily": None}}


def client_of(home: Path, ledger: str = "") -> Connection:
    return Connection(load_settings(environ={}, home=home, ledger=ledger), quiet=True)


def feed() -> list[dict[str, Any]]:
    """What a platform tells of everybody: without ids of events, with names, links and refusals."""
    rows: list[dict[str, Any]] = []
    for number, address in enumerate([ADDRESS.title(), *OTHERS]):
        local = address.partition("@")[0]
        facts = {
            "jobId": "j1",
            "messageId": f"m{number}",
            "emailAddress": address,
            "firstName": "Jane",
            "ip": "192.0.2.77",
        }
        rows += [
            {**facts, "eventType": "delivery", "timestamp": "2026-09-14T08:00:00Z"},
            {**facts, "eventType": "open", "timestamp": "2026-09-14T09:00:00Z"},
            {
                **facts,
                "eventType": "click",
                "timestamp": "2026-09-14T09:01:00Z",
                "linkUrl": f"https://x.example/?to={address.replace('@', '%40')}",
            },
            {
                **facts,
                "eventType": "bounce",
                "timestamp": "2026-09-14T10:00:00Z",
                "bounceCode": "5.1.1",
                "bounceDescription": f"no such user {local}: <{address}>",
            },
        ]
    forwarded = {
        "jobId": "j1",
        "messageId": "m9",
        "emailAddress": "carl@acme-01.example",
        "eventType": "bounce",
        "timestamp": "2026-09-14T10:00:00Z",
        "bounceCode": "5.1.1",
        "bounceDescription": f"forwarded to {ADDRESS}, who is unknown",
    }
    return [*rows, forwarded, {"emailAddress": ADDRESS, "odd": True}]


def write_feed(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in feed()))
    return file


def make_home(home: Path, ledger: str = "") -> None:
    """Events, plans, POSTs, webhooks, pages, notebooks, the inbox, rows that were set aside."""
    client = client_of(home, ledger)
    file = write_feed(home / "inbox" / "done" / "imported" / "feed.jsonl")
    import_file(file, "imported", client.store, now=datetime(2026, 9, 15, tzinfo=UTC))
    packed = gzip.compress(file.read_bytes())
    (home / "inbox" / "done" / "imported" / "feed.jsonl.gz").write_bytes(packed)
    client.suppress_imported(["imported"])
    plan(client.ledger)
    reports = home / "reports"
    reports.mkdir()
    (reports / "own.html").write_text(f"<td>{ADDRESS}</td><td>{LOCAL_PART}</td>")
    (reports / "own.ipynb").write_text(json.dumps({"cells": [{"text": [ADDRESS]}]}, indent=1))
    (home / "my-list.csv").write_text(f"email\n{OTHERS[2]}\n")
    for question in QUESTIONS:
        answer(client.engine, question)  # makes the layers of messages
    count_for_explorer(client)


#: What the files are called that an explorer makes beside a layer.
COUNTED_AHEAD = (
    "bounced-",
    "cells-",
    "domain-cells-",
    "ended-cells-",
    "segment-cells-",
    "segments-",
)


def count_for_explorer(client: Connection) -> None:
    """What an explorer counts ahead, and keeps in files beside the layers."""
    client.engine.find_bounced(None)
    client.engine.count_ended(None)
    for by in ([], ["domain"], ["history"]):
        client.engine.count_cells(None, by=by)


def counted_files(home: Path) -> set[str]:
    """Which of these a home has."""
    names = [file.name for file in (home / "events").rglob("*.parquet")]
    return {kind for kind in COUNTED_AHEAD if any(name.startswith(kind) for name in names)}


def plan(ledger: Ledger) -> None:
    """A campaign whose batch went out, and one that waits; what the CRM was told, and is told."""
    people = [
        Recipient(address, {"firstName": "Jane", "friend": ADDRESS}, ("vip",))
        for address in [ADDRESS, *OTHERS]
    ]
    for number, name in enumerate(("spring", "summer")):
        ledger.plans.write(
            name, digest=name, spec=SPEC | {"name": name}, planned=people, batch_size=10 + number
        )
    entries = [{"email": address, "reason": f"no {address}"} for address in [ADDRESS, *OTHERS]]
    body = json.dumps({"event": "told", "data": {"permanentFailures": entries}}).encode()
    [row] = ledger.batches.rows("spring")
    with ledger.writing() as tx:
        ledger.outbox.enqueue(tx, "spring", row.id, Webhook("msg_1", "told", body))
        payload = json.dumps([person.to_api() for person in people]).encode()
        of_row = batch.update().filter_by(id=row.id)
        tx.execute(of_row.values(payload=payload, detail=f"refused {ADDRESS}", state="rejected"))
    ledger.audit_log.append_anchor()


def answers(client: Connection, questions: Sequence[str] = QUESTIONS) -> dict[str, str]:
    """What is counted, as CSV, by question."""
    told = {}
    for question in questions:
        told[question] = answer(client.engine, question).to_csv(index=False)
    told["by provider"] = answer(client.engine, "funnel", by="provider").to_csv(index=False)
    return told


def places(home: Path, ledger: str = "") -> list[str]:
    """Where the person still stands, by a script of its own."""
    where = ledger.replace("+psycopg", "") or str(home / "ledger.sqlite")
    found = subprocess.run(
        [sys.executable, ROOT / "tests/proof/find_person.py", home, where, *SPELLINGS],
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout.splitlines()


def payloads(ledger: Ledger) -> list[bytes | None]:
    return [payload for (payload,) in ledger.rows(sa.select(batch.c.payload))]
