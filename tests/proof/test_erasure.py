"""
Nobody finds a person who was erased: not in the ledger of either kind, the events, pages, notebooks or
files that came in; not after a backup was brought back, nor after a kill at any system call.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from cxtools.cli.program import app
from cxtools.connection import Connection
from cxtools.events.erasure import WRITTEN_S
from cxtools.events.importing import import_file
from cxtools.identity import recipient_key
from cxtools.measures import people
from cxtools.measures.people import Behind
from cxtools.people.forget import finish_earlier, forget, is_due
from cxtools.people.person import held_on
from tests.proof.erasure_ground import (
    ADDRESS,
    COUNTED_AHEAD,
    LOCAL_PART,
    OTHERS,
    ROOT,
    answers,
    client_of,
    count_for_explorer,
    counted_files,
    make_home,
    payloads,
    places,
    write_feed,
)
from tests.uncounted import environment_without_coverage

KEY = recipient_key(ADDRESS)
SEED = 7
POINTS = 6
#: The questions that are asked after each kill.
COUNTED = ("funnel", "data_quality")
TURNS = ("rename", "renameat", "renameat2", "unlink", "unlinkat", "fsync", "mkdir", "mkdirat")


def test_an_erased_person_is_found_nowhere_and_counts_stay(ledger_url: str, tmp_path: Path) -> None:
    """
    Neither in a cell nor in a file nor in a free page of the ledger; others stay who have the same
    local part elsewhere. The chain of the audit log is whole, and says that it happened.
    """
    home = tmp_path / "home"
    make_home(home, ledger_url)
    client = client_of(home, ledger_url)
    before = answers(client)
    stood = places(home, _file_of(ledger_url, home))
    forgotten = forget(client, f"Jane <{ADDRESS.title()}>", f"{ADDRESS} asked to")
    later = client_of(home, ledger_url)
    last = list(later.ledger.audit_log.entries())[-1]
    [cause] = later.ledger.suppressions.causes([KEY]).values()

    assert len(stood) > 20
    assert [] == places(home, _file_of(ledger_url, home))
    assert before == answers(later)
    assert () == later.ledger.audit_log.verify().faults
    assert ("person.erased", True) == (last.kind, "asked to" in last.body)
    assert ("erased", "erasure") == (cause.reason, cause.source)
    assert [None, None] == payloads(later.ledger)
    assert (1, 2, 1) == (forgotten.parts, forgotten.batches, forgotten.webhooks)
    for other in OTHERS:
        held = held_on(later, other)
        assert (4, 2, 1) == (len(held.events), len(held.planned), len(held.webhooks))


def test_what_a_killed_import_left_unfinished_is_erased_too(tmp_path: Path) -> None:
    """A hidden part that names the person goes, whole or cut short; one of others stays."""
    home = tmp_path / "home"
    make_home(home)
    client = client_of(home)
    store = client.engine.store
    [part, *_] = store.parts(store.campaigns()[0])
    folder = part.parent
    others = pq.read_table(part).filter(pc.equal(pc.field("email"), "nobody"))
    pq.write_table(others, folder / ".part-3-others.parquet.a.tmp")
    shutil.copy(part, folder / ".part-3-whole.parquet.b.tmp")
    cut = folder / ".part-3-cut.parquet.c.tmp"
    cut.write_bytes(part.read_bytes()[:-100])
    long_ago = cut.stat().st_mtime - 2 * WRITTEN_S
    os.utime(cut, (long_ago, long_ago))
    forget(client, ADDRESS, "asked to")

    assert [".part-3-others.parquet.a.tmp"] == [file.name for file in folder.glob(".*.tmp")]
    assert [] == places(home)


def test_people_behind_a_cause_are_right_after_an_erasure(tmp_path: Path) -> None:
    """
    What an explorer counted ahead goes with its layer: nobody finds the person in it, and whoever
    is behind the cause is behind it still, under the token; counted ahead again, or not.
    """
    home = tmp_path / "home"
    make_home(home)
    before = behind(client_of(home))
    files_before = counted_files(home)
    stood = [place for place in places(home) if "bounced-" in place]
    forget(client_of(home), ADDRESS, "asked to")
    files_after = counted_files(home)
    left = places(home)
    after = behind(client_of(home))
    count_for_explorer(client_of(home))
    others = before[before["email"] != ADDRESS]
    same = after[after["person"].isin(others["person"])]

    assert set(COUNTED_AHEAD) == files_before == counted_files(home)
    assert stood
    assert (set(), []) == (files_after, left)
    assert (5, 4, 5) == (len(before), len(others), len(after))
    assert others["email"].tolist() == same["email"].tolist()
    assert KEY not in set(after["person"])
    assert after.equals(behind(client_of(home)))
    assert [] == places(home)


def behind(client: Connection) -> pd.DataFrame:
    """The people whose mailbox isn't there, with whole addresses."""
    cause = Behind(category="invalid_recipient")
    return people.recipients(client.engine, "imported", cause, addresses=True)


def _file_of(ledger_url: str, home: Path) -> str:
    """What the plain script opens: a file, or the address of a server."""
    return ledger_url.removeprefix("sqlite:///") or str(home / "ledger.sqlite")


def test_what_comes_back_is_erased_again(tmp_path: Path) -> None:
    """
    The same file adds nothing; in a new campaign it comes in erased. A backup that was brought back
    is erased by the next round, and the one after that has nothing to do.
    """
    home = tmp_path / "home"
    make_home(home)
    shutil.copytree(home, tmp_path / "backup")
    forget(client_of(home), ADDRESS, "asked to")
    file = write_feed(tmp_path / "feed.jsonl")
    now = datetime(2026, 9, 20, tzinfo=UTC)
    same = import_file(file, "imported", client_of(home).store, now=now)
    other = import_file(file, "other", client_of(home).store, now=now)
    after_imports = [place for place in places(home) if "_rejected" not in place]
    finish_earlier(client_of(home))
    after_round = places(home)
    erasures = (home / "erasures.txt").read_text()
    shutil.rmtree(home)
    shutil.copytree(tmp_path / "backup", home)
    (home / "erasures.txt").write_text(erasures)
    brought_back = len(places(home))
    again = finish_earlier(client_of(home))

    assert (0, 17) == (same.campaigns["imported"].new, other.campaigns["other"].new)
    assert ([], []) == (after_imports, after_round)
    assert brought_back > 20
    assert not again.is_nothing
    assert [] == places(home)
    assert not is_due(client_of(home))
    assert finish_earlier(client_of(home)).is_nothing
    assert client_of(home).ledger.suppressions.find([KEY]) == {KEY: "erased"}


def test_the_commands_tell_what_is_held_and_erase_it(tmp_path: Path) -> None:
    """`person` shows all of it, `forget` names the user's own files, `purge` keeps what is young."""
    home = tmp_path / "home"
    make_home(home)
    own = home / "list.csv"
    own.write_text(f"email\n{ADDRESS}\n")
    run = CliRunner(env={"CXTOOLS_HOME": str(home)})
    held = json.loads(run.invoke(app, ["person", ADDRESS, "--json"]).stdout)
    forgotten = run.invoke(app, ["forget", ADDRESS, "--reason", "asked to"])
    after = json.loads(run.invoke(app, ["person", ADDRESS, "--json"]).stdout)
    purged = run.invoke(app, ["purge", "--older-than", "9999d", "--dry-run", "--json"])
    refused = [
        run.invoke(app, ["forget", ADDRESS, "--reason", " "]).exit_code,
        run.invoke(app, ["forget", "nobody", "--reason", "x"]).exit_code,
        run.invoke(app, ["purge", "--older-than", "soon"]).exit_code,
    ]

    assert (5, 2, 1) == (len(held["events"]), len(held["planned"]), len(held["webhooks"]))
    assert held["suppressed"]["reason"] == "invalid_recipient"
    assert "list.csv" in held["files"]
    assert "still named in files of yours: list.csv" in forgotten.stdout
    assert ADDRESS in own.read_text()
    assert ([], [], ["list.csv"]) == (after["events"], after["webhooks"], after["files"])
    assert after["erased_at"] is not None
    assert {} == json.loads(purged.stdout)["campaigns"]
    assert [True, True, True] == [code != 0 for code in refused]


def test_purge_deletes_people_and_keeps_counts_of_the_ledger(tmp_path: Path) -> None:
    """
    Of campaigns that ended: events, plans, webhooks that are delivered. What is unfinished stays;
    the audit log is whole and says so.
    """
    home = tmp_path / "home"
    make_home(home)
    client = client_of(home)
    client.ledger.outbox.forget("msg_1")
    run = CliRunner(env={"CXTOOLS_HOME": str(home)})
    os.utime(home / "ledger.sqlite")
    counts = client.ledger.batches.counts("spring")
    _age(client)
    shown = json.loads(
        run.invoke(app, ["purge", "--older-than", "1d", "--dry-run", "--json"]).stdout
    )
    purged = json.loads(run.invoke(app, ["purge", "--older-than", "1d", "--json"]).stdout)
    later = client_of(home)
    kinds = [entry.kind for entry in later.ledger.audit_log.entries()]
    held = held_on(later, ADDRESS)

    assert {"imported", "spring"} == set(shown["campaigns"]) == set(purged["campaigns"])
    assert ["summer"] == purged["waiting"]
    assert [] == later.store.campaigns()
    assert ([], ["summer"]) == (
        held.events,
        [plan["campaign"] for plan in held.planned if plan["sent"]],
    )
    assert [] == held.webhooks
    assert counts == later.ledger.batches.counts("spring")
    assert () == later.ledger.audit_log.verify().faults
    assert "campaign.purged" in kinds


def _age(client: Any) -> None:
    """Let what the ledger holds be of long ago."""
    from cxtools.ledger.schema import campaign

    with client.ledger.writing() as tx:
        tx.execute(campaign.update().values(created_at=1_700_000_000.0))


class Ground:
    """One process that forks erasures and kills them, and a home to begin with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        make_home(folder / "home")
        self.answers = answers(client_of(folder / "home"), COUNTED)
        self.killer = subprocess.Popen(
            [sys.executable, "-m", "tests.proof.erasure_killer"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment_without_coverage(),
        )

    def run(self, home: Path, kill_at: int | None) -> dict[str, Any]:
        request = {"home": str(home), "address": ADDRESS, "kill_at": kill_at}
        assert self.killer.stdin
        assert self.killer.stdout
        self.killer.stdin.write(json.dumps(request) + "\n")
        self.killer.stdin.flush()
        ran: dict[str, Any] = json.loads(self.killer.stdout.readline())
        return ran

    def copy(self, name: str) -> Path:
        home = self.folder / name
        shutil.copytree(self.folder / "home", home)
        return home

    def prove(self, kill_at: int) -> list[str]:
        """
        Kill an erasure, count, and let the next round finish it, or, where nobody had written down
        yet that it began, the same command.
        """
        home = self.copy(f"killed-at-{kill_at}")
        ran = self.run(home, kill_at)
        wrong = []
        if answers(client_of(home), COUNTED) != self.answers:
            wrong.append("counts changed by the kill")
        if (home / "erasures.txt").exists():
            finish_earlier(client_of(home))
        else:
            self.run(home, None)
        wrong += places(home)
        client = client_of(home)
        if answers(client, COUNTED) != self.answers:
            wrong.append("counts changed")
        if client.ledger.suppressions.find([KEY]) != {KEY: "erased"}:
            wrong.append("not suppressed")
        wrong += client.ledger.audit_log.verify().faults
        if is_due(client):
            wrong.append("never done")
        shutil.rmtree(home)
        return [f"{ran['at']}: {each}" for each in wrong]

    def close(self) -> None:
        assert self.killer.stdin
        self.killer.stdin.close()
        self.killer.wait()


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    ground = Ground(tmp_path_factory.mktemp("erasure"))
    yield ground
    ground.close()


def test_kill_9_at_any_system_call_is_finished_by_the_next_round(ground: Ground) -> None:
    """Right after the kill every count is what it was; after the next round nobody finds her."""
    calls = ground.run(ground.copy("traced"), 0)["trace"]
    if not calls:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("no ptrace")
    turns = [point for point, call in enumerate(calls, 1) if call in TURNS]
    others = [point for point, call in enumerate(calls, 1) if call not in TURNS]
    rng = random.Random(SEED)
    points = rng.sample(turns, POINTS // 2) + rng.sample(others, POINTS // 2)
    wrong = {point: ground.prove(point) for point in points}

    assert {} == {point: faults for point, faults in wrong.items() if faults}
    assert LOCAL_PART not in json.dumps(ground.answers)
