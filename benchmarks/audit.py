"""
How fast is an audit log verified, and written?

    .venv/bin/python benchmarks/audit.py [--rows 200000]

"chain" is the check alone, over rows in memory; "ledger" is `audit verify` as users run it, rows
read from SQLite and anchors from their file; "written" are rows that reach the disk one transaction
each, as the smallest deeds write them. CPU seconds, since both checks are bound by it, and seconds
by the clock; both are this machine's.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from cxtools.ledger import audit
from cxtools.ledger.ledger import Ledger
from cxtools.ledger.schema import audit_entry, audit_head

BODY = (
    '{"batch":"0123456789abcdef0123456789abcdef","events":4123,"state":"settling","suppressed":12}'
)
WRITTEN = 300


def main() -> None:
    line = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    line.add_argument("--rows", type=int, default=200_000)
    rows = chain(line.parse_args().rows)
    print(f"{'':>8} {'rows':>9} {'CPU s':>8} {'rows/CPU s':>10} {'wall s':>8} {'rows/s':>8}")
    timed(
        "chain",
        len(rows),
        lambda: audit.verify_chain(rows, [audit.Anchor(rows[-1].seq, rows[-1].hash)]),
    )
    with tempfile.TemporaryDirectory() as folder:
        ledger, fresh = (
            Ledger(f"sqlite:///{Path(folder) / name}", now=time.time)
            for name in ("ledger.sqlite", "fresh.sqlite")
        )
        fill(ledger, rows)
        timed("ledger", len(rows), ledger.audit_log.verify)
        timed("written", WRITTEN, lambda: write(fresh))


def chain(count: int) -> list[audit.Entry]:
    rows: list[audit.Entry] = []
    for seq in range(1, count + 1):
        row = audit.Entry(
            seq,
            1.8e9 + seq,
            "cxtools",
            "events.scanned",
            BODY,
            rows[-1].hash if rows else audit.GENESIS,
        )
        rows.append(replace(row, hash=row.compute_hash()))
    return rows


def fill(ledger: Ledger, rows: list[audit.Entry]) -> None:
    with ledger.writing() as tx:
        tx.execute(audit_entry.insert(), [asdict(row) for row in rows])
        tx.execute(audit_head.update().values(seq=rows[-1].seq, hash=rows[-1].hash))
    ledger.audit_log.append_anchor()


def write(ledger: Ledger) -> audit.Verification:
    for _ in range(WRITTEN):
        with ledger.writing() as tx:
            ledger.audit_log.add(tx, "batch.measured")
    return ledger.audit_log.verify()


def timed(name: str, rows: int, work: Callable[[], audit.Verification]) -> None:
    began = time.perf_counter()
    cpu_began = time.process_time()
    verification = work()
    wall_s = time.perf_counter() - began
    cpu_s = time.process_time() - cpu_began
    assert not verification.faults, verification.faults
    print(
        f"{name:>8} {rows:>9,} {cpu_s:>8.2f} {rows / cpu_s:>10,.0f} {wall_s:>8.2f} {rows / wall_s:>8,.0f}"
    )


if __name__ == "__main__":
    main()
