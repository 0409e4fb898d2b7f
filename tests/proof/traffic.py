"""
Writers and readers of one campaign, any of which is killed at any moment: every answer must be that
of the raw parts of its moment, and nobody may wait for another.

    python -m tests.proof.traffic FOLDER --writers 4 --readers 4 --seconds 60 --kills 60

One process imports everything and forks the others, so that each lives for its work and not for its
imports. A reader keeps the parts that stand before and after its question, and asks the oracle over
them. Half of those that are killed are made to stand still first, until somebody else has answered:
if they held a lock, nobody would. At the end nothing that was added may be missing, and nothing be
there twice.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

from benchmarks.stores import folder_of, name_of_campaign
from cxtools.model import Event

CAMPAIGN = name_of_campaign()
#: What the campaign holds before anyone writes: most of it is never touched again.
EVENTS_AT_FIRST = 5_000
EVENTS_A_BATCH = 60
#: Writers that don't see each other yet give some of the same ids, to different events.
SHARED_IDS = 500
SHARE_OF_SHARED = 0.1
#: What a writer does besides, after a batch.
SHARE_OF_QUESTIONS = 0.3
SHARE_OF_COMPACTIONS = 0.05
#: How long a writer waits between batches at most, in times that the last one took: a machine that
#: is busy answers more slowly, too.
PAUSES = 12
#: So many parts may appear during a question; each set of them is a moment it may have seen.
MOST_NEW_PARTS = 5
#: A process that has not ended, or others that have not answered, by then wait for something.
PATIENCE_S = 180.0
PRELOADED = (
    "benchmarks.generate",
    "cxtools.bounce.own_rules",
    "cxtools.measures.answers",
    "duckdb",
    "pandas",
    "pyarrow.parquet",
    "tests.oracle.answers",
    "tests.oracle.events",
)


@dataclass(frozen=True)
class Ask:
    """A question, and how it is asked."""

    name: str
    by: tuple[str, ...] = ()
    as_of: str | timedelta | None = None


INSIDE = "2026-09-15T12:00:00Z"
ASKED = (
    Ask("funnel"),
    Ask("funnel", ("provider",)),
    Ask("funnel", ("day",), INSIDE),
    Ask("bounces"),
    Ask("reasons", (), timedelta(hours=20)),
    Ask("links"),
    Ask("timing"),
    Ask("curve", (), INSIDE),
    Ask("suspects"),
    Ask("jobs"),
    Ask("data_quality"),
)


@dataclass
class Outcome:
    """
    What came of it.

        answers  that were compared
        unclear  that were not, for too much changed meanwhile
        killed   processes, of which `frozen` stood still before
        added    events that writers were told to be stored
        wrong    everything that must not be
    """

    answers: int = 0
    unclear: int = 0
    killed: int = 0
    frozen: int = 0
    added: int = 0
    wrong: list[str] = field(default_factory=list)


class Street:
    """The folder that all processes share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parts = folder_of(folder)

    @property
    def is_closed(self) -> bool:
        return (self.folder / "closed").exists()

    def close(self) -> None:
        (self.folder / "closed").touch()

    def note(self, kind: str, row: dict[str, Any]) -> None:
        """Add a line to what this process says: whole, or not at all."""
        folder = self.folder / kind
        folder.mkdir(exist_ok=True)
        line = f"{json.dumps(row)}\n".encode()
        with (folder / f"{os.getpid()}.jsonl").open("ab", buffering=0) as file:
            file.write(line)

    def notes(self, kind: str) -> list[dict[str, Any]]:
        rows = []
        for file in (self.folder / kind).glob("*.jsonl"):
            rows += [json.loads(line) for line in file.read_text().splitlines()]
        return rows


def write(street: Street, seed: str) -> None:
    """Add batches of events; now and then ask, as whoever ends an ingest does, or merge parts."""
    from cxtools.events.store import EventStore
    from cxtools.measures.answers import answer
    from cxtools.measures.engine import Engine
    from tests.tables import RECEIVED

    rng = random.Random(seed)
    store = EventStore(street.folder / "events")
    for number in count():
        if street.is_closed:
            return
        events = batch(rng, f"{os.getpid()}-{number}")
        started_at = time.monotonic()
        received_at = RECEIVED + timedelta(minutes=rng.randrange(5))
        store.add(CAMPAIGN, events, source=f"writer {rng.randrange(3)}", received_at=received_at)
        took_s = time.monotonic() - started_at
        street.note("added", {"ids": [event.event_id for event in events]})
        if rng.random() < SHARE_OF_QUESTIONS:
            answer(Engine(store), "funnel", CAMPAIGN)
        if rng.random() < SHARE_OF_COMPACTIONS:
            compact(store)
        time.sleep(rng.uniform(0, PAUSES) * took_s)


def compact(store: Any) -> None:
    """Merge the parts, unless another process does so."""
    from cxtools.errors import StoreError

    try:
        store.compact(CAMPAIGN)
    except StoreError as error:
        if "another process merges" not in str(error):
            raise


def batch(rng: random.Random, name: str) -> list[Event]:
    """Events without any rule about a few people, some of them under ids that others give, too."""
    from tests.oracle.events import random_events

    events = []
    for event in random_events(rng, EVENTS_A_BATCH):
        own = f"{name}-{event.event_id}"
        shared = f"shared-{rng.randrange(SHARED_IDS)}"
        is_shared = rng.random() < SHARE_OF_SHARED
        events.append(replace(event, event_id=shared if is_shared else own))
    return events


def read(street: Street, seed: str) -> None:
    """Ask, and compare with the oracle over the parts of that moment."""
    from cxtools.events.store import EventStore
    from cxtools.measures.answers import answer
    from cxtools.measures.engine import Engine

    rng = random.Random(seed)
    store = EventStore(street.folder / "events")
    kept = street.folder / "kept" / str(os.getpid())
    for number in count():
        if street.is_closed:
            return
        asked = rng.choice(ASKED)
        before = keep_parts(store, kept / f"{number}-before")
        table = answer(Engine(store), asked.name, CAMPAIGN, by=asked.by, as_of=asked.as_of)
        after = keep_parts(store, kept / f"{number}-after")
        street.note("answers", judge(asked, table, moments(before, after), kept / "moment"))
        shutil.rmtree(kept)


def keep_parts(store: Any, folder: Path) -> list[Path]:
    """The parts of this moment under second names, so that they stay readable."""
    folder.mkdir(parents=True)
    while True:
        kept = []
        try:
            for part in store.parts(CAMPAIGN):
                link = folder / part.name
                if not link.exists():
                    os.link(part, link)
                kept.append(link)
        except FileNotFoundError:
            continue  # merged into another since it was listed
        return kept


def moments(before: list[Path], after: list[Path]) -> list[list[Path]]:
    """
    Every set of parts that a question between the two may have seen; none when too many came, or
    came and were merged.
    """
    known = frozenset[str]().union(*map(origins, before))
    new = [part for part in after if not origins(part) <= known]
    if len(new) > MOST_NEW_PARTS or any(len(origins(part)) > 1 for part in new):
        return []
    subsets: list[list[Path]] = [[]]
    for part in new:
        subsets += [[*subset, part] for subset in subsets]
    return [[*before, *subset] for subset in subsets]


def origins(part: Path) -> frozenset[str]:
    """The names under which the rows of a part were first written."""
    from cxtools.events.parts import merged_from

    return frozenset(merged_from(part) or [part.name])


def judge(asked: Ask, table: Any, choices: list[list[Path]], folder: Path) -> dict[str, Any]:
    """Whether an answer is that of one of the moments; what differs from the first, if none."""
    differences = []
    for parts in choices:
        difference = compare(asked, table, parts, folder)
        if not difference:
            return {"asked": str(asked), "wrong": "", "unclear": False}
        differences.append(difference)
    wrong = f"{asked}: {differences[0]}" if differences else ""
    return {"asked": str(asked), "wrong": wrong, "unclear": not differences}


def compare(asked: Ask, table: Any, parts: list[Path], folder: Path) -> str:
    """How an answer differs from what the oracle says of these parts; "" when it doesn't."""
    import pandas as pd

    from cxtools.events.store import EventStore
    from tests.oracle.answers import Oracle

    shutil.rmtree(folder, ignore_errors=True)
    own = folder_of(folder)
    own.mkdir(parents=True)
    for part in parts:
        os.link(part, own / part.name)
    oracle = Oracle(EventStore(folder / "events"))
    [[truth]] = oracle.answers([asked.name], CAMPAIGN, bys=[asked.by], as_of=asked.as_of)
    try:
        pd.testing.assert_frame_equal(pd.DataFrame(table), truth, rtol=1e-12)
    except AssertionError as error:
        return f"{len(parts)} parts: {error}"
    return ""


ROLES: dict[str, Callable[[Street, str], None]] = {"write": write, "read": read}


class Supervisor:
    """Who starts, freezes and kills them."""

    def __init__(self, street: Street, rng: random.Random) -> None:
        self.street = street
        self.rng = rng
        self.outcome = Outcome()
        self._roles: dict[int, str] = {}
        self._born = count()

    def start(self, role: str) -> None:
        """Another process of this role."""
        seed = f"{self.rng.random()} {next(self._born)}"
        pid = os.fork()
        if pid == 0:
            _be(role, self.street, seed)
        self._roles[pid] = role

    def strike(self) -> None:
        """Kill one of them, half of the times after it stood still; another takes its place."""
        pid = self.rng.choice(sorted(self._roles))
        if self.rng.random() < 0.5:
            self._freeze(pid)
        os.kill(pid, signal.SIGKILL)
        self.outcome.killed += 1
        self._bury(pid)

    def end(self) -> None:
        """Let all come to their end; one that doesn't waits for something."""
        self.street.close()
        deadline = time.monotonic() + PATIENCE_S
        while self._roles and time.monotonic() < deadline:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid:
                self._judge_end(self._roles.pop(pid), status)
            else:
                time.sleep(0.02)
        for pid, role in self._roles.items():
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            self.outcome.wrong.append(f"who is to {role} never came to an end")

    def answers(self) -> int:
        """How many answers were compared by now."""
        return sum(not row["unclear"] for row in self.street.notes("answers"))

    def _freeze(self, pid: int) -> None:
        """Stop a process wherever it is, until another one has answered."""
        os.kill(pid, signal.SIGSTOP)
        self.outcome.frozen += 1
        answers = self.answers()
        deadline = time.monotonic() + PATIENCE_S
        while self.answers() == answers:
            if time.monotonic() > deadline:
                role = self._roles[pid]
                self.outcome.wrong.append(f"nobody answers while who is to {role} stands still")
                return
            time.sleep(0.02)

    def _bury(self, pid: int) -> None:
        role = self._roles.pop(pid)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSIGNALED(status):
            self._judge_end(role, status)
        self.start(role)

    def _judge_end(self, role: str, status: int) -> None:
        code = os.waitstatus_to_exitcode(status)
        if code:
            self.outcome.wrong.append(f"who was to {role} ended with {code}")


def _be(role: str, street: Street, seed: str) -> NoReturn:
    code = 1
    try:
        ROLES[role](street, seed)
        code = 0
    except BaseException:
        reason = traceback.format_exc()
        street.note("errors", {"wrong": f"{role}: {reason}"})
    finally:
        os._exit(code)


def run(
    folder: Path,
    *,
    writers: int,
    readers: int,
    seconds: float,
    kills: int,
    answers: int,
    seed: int,
) -> Outcome:
    """Let them work for so long, and longer if so many answers were not compared by then."""
    from benchmarks.generate import write_campaign

    street = Street(folder)
    write_campaign(street.parts, EVENTS_AT_FIRST, seed=seed)
    supervisor = Supervisor(street, random.Random(seed))
    for _ in range(writers):
        supervisor.start("write")
    for _ in range(readers):
        supervisor.start("read")
    started_at = time.monotonic()
    for number in range(kills):
        due = started_at + seconds * (number + supervisor.rng.random()) / kills
        time.sleep(max(0.0, due - time.monotonic()))
        supervisor.strike()
    deadline = time.monotonic() + PATIENCE_S
    while supervisor.answers() < answers and time.monotonic() < deadline:
        time.sleep(0.05)
    supervisor.end()
    outcome = supervisor.outcome
    _judge_answers(street, outcome)
    _judge_store(street, outcome)
    return outcome


def _judge_answers(street: Street, outcome: Outcome) -> None:
    for row in street.notes("answers"):
        outcome.answers += not row["unclear"]
        outcome.unclear += row["unclear"]
    rows = [*street.notes("answers"), *street.notes("errors")]
    outcome.wrong += [row["wrong"] for row in rows if row["wrong"]]


def _judge_store(street: Street, outcome: Outcome) -> None:
    """Whatever writers were told is there, once; and the last answer is right, too."""
    from cxtools.events.store import EventStore

    store = EventStore(street.folder / "events")
    with store.connection([CAMPAIGN]) as connection:
        stored = Counter(
            event_id for [event_id] in connection.execute("select event_id from events").fetchall()
        )
    added = {event_id for row in street.notes("added") for event_id in row["ids"]}
    outcome.added = len(added)
    lost = added.difference(stored)
    doubled = [event_id for event_id, times in stored.items() if times > 1]
    if lost:
        outcome.wrong.append(f"{len(lost)} events that were added are lost, as {min(lost)}")
    if doubled:
        outcome.wrong.append(f"{len(doubled)} events are there twice, as {min(doubled)}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--answers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7)
    options = vars(parser.parse_args())
    for name in PRELOADED:
        importlib.import_module(name)
    outcome = run(**options)
    print(json.dumps(vars(outcome)))
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
