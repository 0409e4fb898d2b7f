"""
The audit log: whatever is done to it is found, whom it names can be forgotten, and no cell of an
export runs.
"""

from __future__ import annotations

import csv
import io
import json
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxtools.api.outcome import PostOutcome
from cxtools.identity import recipient_key
from cxtools.ledger import audit
from cxtools.ledger.audit import (
    GENESIS,
    Anchor,
    Entry,
    Record,
    Verification,
    count_claims,
    export_csv,
    verify_chain,
)
from cxtools.ledger.ledger import Ledger
from cxtools.ledger.outbox import Webhook
from cxtools.ledger.suppressions import Scan
from cxtools.model import Job, Recipient
from cxtools.text import canonical_json, safe_cell

TAMPERINGS = 10_000
ANN = recipient_key("ann@example.com")


def chain(
    count: int, *, at: float = 1_800_000_000.0, prev: str = GENESIS, start: int = 1
) -> list[Entry]:
    """A whole log of so many rows."""
    rows: list[Entry] = []
    for seq in range(start, start + count):
        row = Entry(
            seq,
            at + seq * 0.1,
            "cxtools",
            f"kind.{seq % 5}",
            canonical_json({"batch": f"b{seq % 7}", "n": seq}),
            prev,
        )
        rows.append(row := replace(row, hash=row.compute_hash()))
        prev = row.hash
    return rows


def recomputed(rows: list[Entry]) -> list[Entry]:
    """
    The same rows with numbers, links and hashes made to fit: what somebody does who knows how the
    log is made.
    """
    out: list[Entry] = []
    for seq, row in enumerate(rows, 1):
        placed = replace(row, seq=seq, prev=out[-1].hash if out else GENESIS)
        out.append(replace(placed, hash=placed.compute_hash()))
    return out


def _edited(row: Entry, dice: random.Random) -> Entry:
    name = dice.choice(["seq", "at", "actor", "kind", "body", "prev", "hash"])
    was = getattr(row, name)
    return replace(
        row,
        **{
            name: was + dice.choice([1, 7])
            if name in ("seq", "at")
            else was[:-1] + ("x" if was[-1:] != "x" else "y")
        },
    )


def edit(rows: list[Entry], dice: random.Random) -> list[Entry]:
    place = dice.randrange(len(rows))
    return [*rows[:place], _edited(rows[place], dice), *rows[place + 1 :]]


def delete(rows: list[Entry], dice: random.Random) -> list[Entry]:
    place = dice.randrange(len(rows))
    return rows[:place] + rows[place + dice.randint(1, 3) :]


def insert(rows: list[Entry], dice: random.Random) -> list[Entry]:
    place = dice.randrange(len(rows) + 1)
    return [
        *rows[:place],
        replace(dice.choice(rows), seq=place + 1, kind="put.in"),
        *(replace(row, seq=row.seq + 1) for row in rows[place:]),
    ]


def swap(rows: list[Entry], dice: random.Random) -> list[Entry]:
    one, two = sorted(dice.sample(range(len(rows)), 2))
    out = list(rows)
    out[one], out[two] = (
        replace(rows[two], seq=rows[one].seq),
        replace(rows[one], seq=rows[two].seq),
    )
    return out


def truncate(rows: list[Entry], dice: random.Random) -> list[Entry]:
    return rows[: dice.randrange(len(rows))]


def recompute(rows: list[Entry], dice: random.Random) -> list[Entry]:
    """
    Until it is another log: an edited link computed anew is the old one again, and a row put on
    at the end is what the next deed does.
    """
    while (out := recomputed(dice.choice([edit, delete, insert])(rows, dice)))[: len(rows)] == rows:
        continue
    return out


def old_backup(rows: list[Entry], dice: random.Random) -> list[Entry]:
    """The ledger of earlier, and what was done with it since."""
    kept = rows[: dice.randrange(1, len(rows))]
    return kept + chain(
        dice.randint(0, len(rows)), prev=kept[-1].hash, start=len(kept) + 1, at=1_800_009_000.0
    )


WAYS = [edit, delete, insert, swap, truncate, recompute, old_backup]


def test_ten_thousand_tamperings_are_all_found() -> None:
    """
    G14: edited, deleted, inserted, swapped, truncated, computed anew, replaced by an older backup:
    the anchor of the last row finds it all.
    """
    dice = random.Random(20260914)
    missed: list[str] = []
    for number in range(TAMPERINGS):
        rows = chain(dice.randint(2, 14), at=dice.uniform(1e9, 2e9))
        anchors = [
            Anchor(row.seq, row.hash) for row in rows if row is rows[-1] or dice.random() < 0.2
        ]
        way = WAYS[number % len(WAYS)]
        found = verify_chain(way(rows, dice), anchors)
        missed += [way.__name__] if not found.faults or found.first_bad is None else []
        assert Verification(len(rows), rows[-1].hash) == verify_chain(rows, anchors)

    assert [] == missed


NAMED = [
    # what was done                                                       first bad row, and what is
    # said of it
    (
        "row 5 edited",
        lambda rows: [*rows[:4], replace(rows[4], body="{}"), *rows[5:]],
        5,
        "row 5 (kind.0) was changed after it was written",
    ),
    ("row 5 deleted", lambda rows: rows[:4] + rows[5:], 5, "row 5 is missing: row 6 follows row 4"),
    (
        "rows 5-7 deleted",
        lambda rows: rows[:4] + rows[7:],
        5,
        "rows 5 to 7 are missing: row 8 follows row 4",
    ),
    ("cut after row 12", lambda rows: rows[:12], 13, "rows 13 to 20 are missing"),
    ("all gone", lambda rows: [], 1, "rows 1 to 20 are missing"),
    (
        "computed anew at 15",
        lambda rows: recomputed([*rows[:14], replace(rows[14], kind="x"), *rows[15:]]),
        11,
        "among rows 11 to 15, at least one isn't what",
    ),
    ("older backup", lambda rows: rows[:8], 9, "replaced by an older backup"),
    (
        "backup, gone on",
        lambda rows: rows[:8] + chain(30, prev=rows[7].hash, start=9, at=9.0),
        6,
        "among rows 6 to 10, at least one isn't what",
    ),
]


@pytest.mark.parametrize(("case", "done", "row", "says"), NAMED, ids=[case[0] for case in NAMED])
def test_the_first_bad_row_is_named(
    case: str, done: Callable[[list[Entry]], list[Entry]], row: int, says: str
) -> None:
    """Twenty rows, every fifth anchored: the check says where it begins and what is missing."""
    rows = chain(20)
    found = verify_chain(
        done(rows), [Anchor(each.seq, each.hash) for each in rows if each.seq % 5 == 0]
    )

    assert row == found.first_bad
    assert any(says in fault for fault in found.faults), found.faults


@given(
    st.lists(
        st.tuples(st.integers(1, 30), st.text("0123456789abcdef", min_size=8, max_size=64)),
        max_size=5,
    ),
    st.integers(0, 12),
)
def test_a_false_anchor_never_passes(anchors: list[Anchor], count: int) -> None:
    """
    An anchor that isn't the beginning of its row's hash is a fault, whatever else stands there; the
    check itself never fails.
    """
    rows = chain(count)
    fit = all(seq <= count and rows[seq - 1].hash.startswith(hash_) for seq, hash_ in anchors)

    assert fit == (not verify_chain(rows, anchors).faults)


def test_rows_can_not_be_confused() -> None:
    """Text moved from one field to the next makes another hash: each has its length before it."""
    one, two = Entry(1, 1.0, "ab", "c", "{}", GENESIS), Entry(1, 1.0, "a", "bc", "{}", GENESIS)

    assert one.compute_hash() != two.compute_hash()


BODIES = ["no JSON", "[]", '"a text"', "7", '{"batch": ["a list"]}']


@pytest.mark.parametrize("body", BODIES)
def test_whatever_a_body_became_the_check_ends_with_its_row(body: str) -> None:
    """A body that is not an object any more is the fault of its row, not of the check."""
    [row] = chain(1)
    changed = replace(row, kind="submit.intent", body=body)
    claims: Counter[Record] = Counter()
    found = verify_chain(count_claims([changed], claims))

    assert 1 == found.first_bad
    assert claims.total() <= 1


# --- in the ledger ---


@pytest.fixture
def ledger(home: Path) -> Ledger:
    return Ledger(f"sqlite:///{home / 'ledger.sqlite'}", now=lambda: 1_800_000_000.0)


def work(ledger: Ledger, name: str = "q3") -> None:
    """A campaign of three, of whom one is left out and one bounces."""
    people = [
        Recipient("ann@example.com"),
        Recipient("bob@example.com"),
        Recipient("cid@example.com"),
    ]
    ledger.plans.write(
        name,
        digest="d",
        spec={"name": name, "limits": {"daily": None}},
        planned=people,
        batch_size=3,
    )
    [row] = ledger.batches.rows(name)
    claimed = ledger.posts.claim(
        row.id,
        b"{}",
        recipients=2,
        excluded={ANN: "suppressed: unsubscribe"},
        lease_s=60,
        account="a",
        limit=None,
    )
    assert claimed
    ledger.posts.record_outcome(claimed, PostOutcome("accepted", job_id=f"j-{name}", status=202))
    ledger.jobs.record_end(row.id, Job(f"j-{name}", "completed"))
    ledger.jobs.record_scan(
        row.id,
        Scan(4, {recipient_key("bob@example.com"): "invalid_recipient"}),
        horizon_s=0,
        write_webhook=lambda version, anchor: Webhook(f"msg_{name}", "email_job_completed", b"{}"),
    )
    ledger.audit_log.append_anchor()


def test_people_are_named_by_pseudonyms_only(ledger: Ledger, home: Path) -> None:
    """Whom a row is about can be found with the address and the key, and not without either."""
    work(ledger)
    text = "".join(audit.export_json(ledger.audit_log.entries()))
    about_ann = [entry.kind for entry in ledger.audit_log.entries(ANN)]
    about_bob = [
        json.loads(entry.body)["people"]
        for entry in ledger.audit_log.entries(recipient_key("bob@example.com"))
    ]

    assert ["submit.intent"] == about_ann
    assert [["invalid_recipient"]] == [list(people.values()) for people in about_bob]
    assert [] == list(ledger.audit_log.entries(recipient_key("cid@example.com")))
    assert not any(word in text for word in ("ann@", "bob@", ANN, recipient_key("bob@example.com")))
    assert 0o600 == stat.S_IMODE((home / "audit-key").stat().st_mode)


def test_addresses_can_be_forgotten_and_the_chain_still_holds(ledger: Ledger, home: Path) -> None:
    """
    Erasing the key makes every earlier pseudonym untraceable; the log verifies, and names people
    by a new key from then on.
    """
    work(ledger)
    old = (home / "audit-key").read_bytes()
    ledger.audit_log.forget_addresses()
    gone = not (home / "audit-key").exists()
    work(ledger, "q4")

    assert gone
    assert old not in b"".join(file.read_bytes() for file in home.iterdir())
    assert () == ledger.audit_log.verify().faults
    assert 1 == len(list(ledger.audit_log.entries(ANN)))
    assert "addresses.forgotten" in [entry.kind for entry in ledger.audit_log.entries()]


MAKES_A_KEY = "import sys; from pathlib import Path; from cxtools.ledger.audit_log import create_key; print(create_key(Path(sys.argv[1])).decode())"


def test_processes_that_make_the_key_at_once_get_the_same(home: Path) -> None:
    """Whoever is first; nobody reads half a key, and nothing else is left behind."""
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", MAKES_A_KEY, str(home / "audit-key")],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    keys = {maker.communicate(timeout=60)[0] for maker in makers}

    assert (1, 65) == (len(keys), len(keys.pop()))
    assert ["audit-key"] == [file.name for file in home.iterdir()]


def test_an_operators_word_is_written_without_addresses(ledger: Ledger) -> None:
    """
    The reason given to `reconcile` is free text: addresses in it are masked, line breaks and
    controls taken out.
    """
    work(ledger)
    ledger.plans.write(
        "q4", digest="d", spec={"name": "q4"}, planned=[Recipient("dan@example.com")], batch_size=1
    )
    [row] = ledger.batches.rows("q4")
    claimed = ledger.posts.claim(
        row.id, b"{}", recipients=1, excluded={}, lease_s=60, account="a", limit=None
    )
    assert claimed
    ledger.posts.record_outcome(claimed, PostOutcome("unknown"))
    ledger.unknown.reconcile(row.id, reason="dan@example.com says\nno", quarantine_s=0)
    [entry] = [entry for entry in ledger.audit_log.entries() if entry.kind == "batch.reconciled"]

    assert "***@example.com says no" == json.loads(entry.body)["reason"]


def change(home: Path, statement: str) -> None:
    with sqlite3.connect(home / "ledger.sqlite") as database:
        database.execute(statement)
    database.close()


def test_an_older_backup_of_the_whole_ledger_is_found(ledger: Ledger, home: Path) -> None:
    """
    The file was put back as it was: chain and head fit each other, but not the anchors, which are
    newer.
    """
    work(ledger)
    shutil.copy(home / "ledger.sqlite", home / "backup")
    rows = ledger.audit_log.verify().rows
    work(ledger, "q4")
    shutil.copy(home / "backup", home / "ledger.sqlite")
    found = Ledger(f"sqlite:///{home / 'ledger.sqlite'}", now=lambda: 0.0).audit_log.verify()

    assert (rows, rows + 1) == (found.rows, found.first_bad)
    assert "older backup" in found.faults[0]


LEDGER_CHANGES = [
    # statement                                                                first bad row
    ("UPDATE audit SET body = '{}' WHERE seq = 2", 2),
    ("DELETE FROM audit WHERE seq = 3", 3),
    ("DELETE FROM audit WHERE seq > 3", 3),
    ("DELETE FROM audit", 0),
    ("UPDATE audit_head SET hash = 'x'", 6),
]


@pytest.mark.parametrize(("statement", "row"), LEDGER_CHANGES)
def test_a_change_in_the_database_is_found_without_anchors(
    ledger: Ledger, home: Path, statement: str, row: int
) -> None:
    """
    Also with the anchor file gone: the chain, and the head that the ledger keeps, find what isn't
    done with care.
    """
    work(ledger)
    (home / "audit-anchors.txt").unlink()
    change(home, statement)

    assert row == ledger.audit_log.verify().first_bad


def test_a_report_or_a_webhook_is_an_anchor_too(ledger: Ledger) -> None:
    """Its row and the beginning of its hash are enough to check against."""
    work(ledger)
    seq, hash_ = ledger.audit_log.head()

    assert () == ledger.audit_log.verify([Anchor(seq, hash_[:16])]).faults
    assert (
        1
        == len(ledger.audit_log.verify([Anchor(seq + 5, hash_[:16])]).faults)
        == len(ledger.audit_log.verify([Anchor(seq, "0" * 16)]).faults)
    )


# --- exports ---


@given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=5))
def test_an_export_reads_back_and_no_cell_runs(texts: list[str]) -> None:
    """
    Whatever is in the rows: the CSV has them all, cell by cell, none of them beginning as a
    formula.
    """
    rows = [
        Entry(number, 0.5, "cxtools", text, canonical_json({"reason": text}), GENESIS, "h")
        for number, text in enumerate(texts, 1)
    ]
    cells = list(csv.reader(io.StringIO("".join(export_csv(rows)), newline="")))

    assert [["time", "seq", "at", "actor", "kind", "body", "prev", "hash"]] == cells[:1]
    assert [("1970-01-01T00:00:00+00:00", safe_cell(text)) for text in texts] == [
        (row[0], row[4]) for row in cells[1:]
    ]
    assert [] == [
        cell for row in cells for cell in row if cell.strip()[:1] and cell.strip()[0] in "=+-@|"
    ]
