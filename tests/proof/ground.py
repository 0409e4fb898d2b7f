"""
The proving ground: a simulator, a sender that can be killed, and the look at both sides that
`invariants` judges.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from cxtools.connection import Connection
from cxtools.ledger.schema import attempt, outbox, quota, slot
from cxtools.measures.outcomes import outcomes
from cxtools.sending.status import status
from cxtools.settings import load_settings
from cxtools.simulated import SIMULATOR_ACCOUNT
from tests.conftest import Simulator
from tests.proof.invariants import KINDS, Facts, Hook, violations
from tests.uncounted import environment_without_coverage

NAME = "q3"
SPEC: dict[str, Any] = {
    "subject": "Q3",
    "template_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
    "sender": "me@example.com",
}
PEOPLE = [f"p{number}@acme-01.example" for number in range(21)]
SUPPRESSED = PEOPLE[9:10]
BATCH = 7
DAY_S = 86400.0


def connection(url: str, home: Path, **given: Any) -> Connection:
    """A connection to the simulator at *url*, batches of seven."""
    facts = {
        "crm_webhook_url": f"{url}/_sim/crm",
        "event_horizon_s": 0,
        "patience_s": 20,
        "batch_size": BATCH,
        **SIMULATOR_ACCOUNT,
        **given,
    }
    return Connection(load_settings(environ={}, home=home, env_url=url, **facts), quiet=True)


def facts(client: Connection, name: str = NAME) -> Facts:
    """What ledger and store say by now."""
    ledger = client.ledger
    with ledger.reading() as tx:
        slots: dict[str, dict[str, str]] = {}
        for row in tx.execute(sa.select(slot)):
            slots.setdefault(row.batch_id, {})[row.rcpt_key] = row.outcome
        counts = sa.select(attempt.c.batch_id, sa.func.count()).group_by(attempt.c.batch_id)
        attempts = {batch_id: count for batch_id, count in tx.execute(counts)}  # noqa: C416  # rows
        hooks = [
            Hook(*row)
            for row in tx.execute(sa.select(outbox.c.id, outbox.c.batch_id, outbox.c.state))
        ]
        used = int(
            tx.execute(sa.select(sa.func.coalesce(sa.func.sum(quota.c.used), 0))).scalar_one()
        )
    trail: Counter[tuple[str, str]] = Counter()
    for entry in ledger.audit_log.entries():
        body = json.loads(entry.body)
        trail[entry.kind, body.get("id") or body.get("batch", "")] += 1
    return Facts(
        ledger.batches.rows(name),
        slots,
        attempts,
        hooks,
        trail,
        ledger.audit_log.verify().faults,
        used,
        _events(client, name),
        status(ledger, client.engine, name, client.settings).to_dict(),
        damage(client.settings.home),
        people(client, name),
    )


def _events(client: Connection, name: str) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    if name in client.store.campaigns():
        with client.store.connection([name]) as events:
            for job_id, kind, count in events.execute(
                "select job_id, kind, count(*) from events group by all"
            ).fetchall():
                if kind in KINDS:
                    counts.setdefault(job_id, {})[kind] = count
    return counts


def people(client: Connection, name: str) -> dict[str, dict[str, list[str]]]:
    """Who must stand in the lists of each job's webhook, by the events in the store."""
    jobs = outcomes(
        client.engine, name, [row.job_id for row in client.ledger.batches.rows(name) if row.job_id]
    )
    lists: dict[str, Callable[[Any], bool]] = {
        "permanentFailures": lambda row: row["kind"] == "hard",
        "retryCandidates": lambda row: row["retry"] in ("now", "later"),
        "engagement": lambda row: bool(row["opened_at"] or row["clicks"]),
    }
    return {
        job_id: {
            name: sorted(row["email"] for row in rows if belongs(row))
            for name, belongs in lists.items()
        }
        for job_id, rows in jobs.items()
    }


def damage(home: Path) -> list[str]:
    """What is broken in the stores: the database's own check, and every Parquet file read whole."""
    import pyarrow.parquet as pq

    with sqlite3.connect(home / "ledger.sqlite") as database:
        found = [text for (text,) in database.execute("pragma integrity_check") if text != "ok"]
    for part in home.glob("events/campaign=*/part-*.parquet"):
        try:
            pq.read_table(part)
        except Exception as broken:
            found.append(f"{part.name} can't be read: {broken}")
    return found


class Killed(NamedTuple):
    """
    What became of one kill point. `calls` are the names of the system calls at which the sender
    died, the first one first.
    """

    kills: tuple[int, ...]
    calls: tuple[str, ...]
    ended: bool
    unknown: int
    never_sent: int
    wrong: list[str]
    seconds: float


class Ground:
    """One simulator and one sender; every `prove` starts with a new world and an empty home."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self._sender = subprocess.Popen(
            [sys.executable, "-m", "tests.proof.killer"],
            cwd=Path(__file__).parents[2],
            env=environment_without_coverage(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        self._sender.communicate(timeout=30)

    def sent(self, **request: Any) -> dict[str, Any]:
        """One run of the sender: {"killed", "code", "at", "trace"}, see killer.traced."""
        assert self._sender.stdin
        assert self._sender.stdout
        self._sender.stdin.write(json.dumps({"url": self.simulator.url, **request}) + "\n")
        self._sender.stdin.flush()
        line = self._sender.stdout.readline()
        assert line, "the sender's parent process is gone"
        return dict(json.loads(line))

    def calls(self, **mode: Any) -> list[str]:
        """
        The names of all counted system calls of a run that isn't killed; empty where the system
        forbids tracing.
        """
        self.simulator.reset(speed="inf")
        with tempfile.TemporaryDirectory(prefix="cxtools-proof-") as home:
            return list(self.sent(kill_at=0, home=home, **mode)["trace"])

    def prove(self, *kills: int, idempotent: bool, at_once: bool, rounds: int = 0) -> Killed:
        """
        Send, collect so many *rounds* more, die at each of the points *kills* (the second counts
        from the restart), run again to the end, and judge.

        Without keys on the server's side the unknown outcomes are judged as they stand, then
        settled by the truth, as an operator would who asks for it: then everyone must have got
        exactly one mail.
        """
        began = time.monotonic()
        self.simulator.reset(speed="inf", idempotency_window_s=3600 if idempotent else 0)
        self.simulator.suppress(SUPPRESSED)
        home = Path(tempfile.mkdtemp(prefix="cxtools-proof-"))
        run = {"home": str(home), "idempotent": idempotent, "at_once": at_once, "rounds": rounds}
        try:
            died = [self.sent(kill_at=kill, **run) for kill in kills]
            client = connection(self.simulator.url, home)
            wrong = self._continued(client, run)
            lost = [row for row in client.ledger.batches.rows(NAME) if row.state == "unknown"]
            never_sent = self._settled(client, lost)
            wrong += [
                f"with a server that knows keys, batch {row.id} is unknown"
                for row in lost
                if idempotent
            ]
            wrong += self._continued(client, run) if lost else []
            mailed = sorted(
                address
                for job in self.simulator.truth()["jobs"].values()
                for address in job["recipients"]
            )
            wrong += (
                []
                if mailed == sorted(set(PEOPLE) - set(SUPPRESSED))
                else ["not everyone got exactly one mail"]
            )
        finally:
            shutil.rmtree(home)
        calls = tuple(each["at"] for each in died if each["killed"])
        return Killed(
            kills,
            calls,
            len(calls) < len(kills),
            len(lost),
            never_sent,
            wrong,
            round(time.monotonic() - began, 2),
        )

    def _continued(self, client: Connection, run: dict[str, Any]) -> list[str]:
        """
        Run on until nothing is left to do for a machine, and judge; an error of the sender is a
        violation too.
        """
        ended = self.sent(kill_at=None, **run)
        if any(row.state == "pending" for row in client.ledger.outbox.webhooks()):
            ended = self.sent(
                kill_at=None, ahead_s=DAY_S, **run
            )  # a webhook that a dead process had taken is free after its lease
        wrong = [f"the restarted sender ended with {ended['code']}"] if ended["code"] else []
        return wrong + violations(
            facts(client), self.simulator.truth(), self.simulator.received(raw=True)
        )

    def _settled(self, client: Connection, unknown: list[Any]) -> int:
        """Tell the ledger the truth about unknown batches; how many people were never mailed."""
        jobs = {
            job["idempotency_key"]: job_id for job_id, job in self.simulator.truth()["jobs"].items()
        }
        for row in unknown:
            word = {"job_id": jobs[row.id]} if row.id in jobs else {"reason": "the server says so"}
            client.ledger.unknown.reconcile(row.id, quarantine_s=0, **word)
        return sum(row.recipients for row in unknown if row.id not in jobs)
