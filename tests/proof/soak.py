"""
The long proof: every kill point, kills during recovery, 10,000 schedules of faults, minutes of
writers and readers that are killed, 300 kill points of each deed of the event store: `make soak`.

What is done stands in the resume point, one JSON line a piece of work; run again, it goes on after
the last one. Each worker has a simulator and a sender of its own. The summary at the end is what
benchmarks/RELIABILITY.md quotes.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cxtools.webhooks import deliver
from tests.conftest import CRM_SECRET, Simulator
from tests.proof.ground import Ground
from tests.proof.layer_ground import NEWS
from tests.proof.layer_ground import Ground as LayerGround
from tests.proof.store_ground import DEEDS
from tests.proof.store_ground import Ground as StoreGround
from tests.proof.test_fault_schedules import DEADLINE_S, storms
from tests.proof.test_kill import MODES
from tests.proof.test_store_kill import sample

#: Two collections more than a send needs: the events settle, so the settling is under fire as well.
ROUNDS = 2
#: Points beyond the calls of the traced run: the next run may make more of them.
MARGIN = 60
CHUNK = 20
#: Kill points of who makes the messages layer, in each of the three ways.
LAYER_POINTS = 100

GROUND: list[Ground] = []


def start() -> None:
    """What each worker does first."""
    deliver.DEADLINE_S = DEADLINE_S
    GROUND.append(Ground(Simulator("--crm-secret", CRM_SECRET)))


def kill(kills: list[int], idempotent: bool, at_once: bool) -> dict[str, Any]:
    """One kill point, or two: the second during the recovery from the first."""
    return GROUND[0].prove(*kills, idempotent=idempotent, at_once=at_once, rounds=ROUNDS)._asdict()


def calls(idempotent: bool, at_once: bool) -> int:
    """How many system calls a run makes that isn't killed."""
    return len(GROUND[0].calls(idempotent=idempotent, at_once=at_once, rounds=ROUNDS))


def storm(seed: int, count: int) -> dict[str, Any]:
    """So many generated schedules; one that fails is told as hypothesis shrank it."""
    began, seen, wrong = time.monotonic(), Counter(schedules=count), []
    try:
        seen = storms(GROUND[0].simulator, seed, count)
    except AssertionError as error:
        wrong = [str(error)]
    return {"wrong": wrong, "seconds": round(time.monotonic() - began, 1), **seen}


@cache
def layer_ground() -> LayerGround:
    """The proving ground of the messages layer of this worker."""
    return LayerGround()


def layer_calls(name: str) -> int:
    """How many system calls who makes a layer makes."""
    return len(layer_ground().calls(name))


def kill_layer(name: str, point: int) -> dict[str, Any]:
    """One kill point of who makes a layer."""
    began = time.monotonic()
    wrong, killed = layer_ground().prove(name, point)
    return {"wrong": wrong, "killed": int(killed), "seconds": round(time.monotonic() - began, 2)}


@cache
def store_ground() -> StoreGround:
    """The proving ground of the event store of this worker."""
    return StoreGround()


def store_calls(deed: str) -> list[str]:
    """The system calls of a deed of the event store that nobody kills."""
    return store_ground().calls(deed)


def kill_store(deed: str, point: int) -> dict[str, Any]:
    """One kill point of a deed of the event store."""
    began = time.monotonic()
    wrong, at = store_ground().prove(deed, point)
    killed_at = [at] if at else []
    return {"wrong": wrong, "calls": killed_at, "seconds": round(time.monotonic() - began, 2)}


def traffic(seed: int) -> dict[str, Any]:
    """A minute of writers and readers of one campaign, sixty of which are killed."""
    began = time.monotonic()
    with TemporaryDirectory(prefix="cxtools-proof-") as folder:
        command = [sys.executable, "-m", "tests.proof.traffic", folder, "--seed", str(seed)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    seen = json.loads(ended.stdout) if ended.stdout else {"wrong": [ended.stderr]}
    return {**seen, "seconds": round(time.monotonic() - began, 1)}


def plan(
    arguments: argparse.Namespace, pool: ProcessPoolExecutor
) -> Iterator[tuple[str, Callable[..., dict[str, Any]], tuple[Any, ...]]]:
    """
    All pieces of work, each with the name under which the resume point knows it, in an order that
    the seed shuffles.
    """
    rng = random.Random(arguments.seed)
    for mode in MODES:
        last = (
            pool.submit(calls, *mode).result() + MARGIN
            if {"kills", "pairs"} & set(arguments.parts)
            else 0
        )
        if "kills" in arguments.parts:
            yield from (
                (f"kill {mode} {point}", kill, ([point], *mode)) for point in range(1, last + 1)
            )
        if "pairs" in arguments.parts:
            pairs = [
                [rng.randrange(1, last), rng.randrange(1, last // 2)]
                for _ in range(arguments.pairs // len(MODES))
            ]
            yield from ((f"pair {mode} {pair}", kill, (pair, *mode)) for pair in pairs)
    yield from plan_store(arguments, pool, rng)
    yield from plan_layer(arguments, pool, rng)
    if "schedules" in arguments.parts:
        for part in range(arguments.schedules // CHUNK):
            yield f"storm {part}", storm, (arguments.seed * 1_000_003 + part, CHUNK)


def plan_store(
    arguments: argparse.Namespace,
    pool: ProcessPoolExecutor,
    rng: random.Random,
) -> Iterator[tuple[str, Callable[..., dict[str, Any]], tuple[Any, ...]]]:
    """The pieces of work about the event store."""
    if "store" in arguments.parts:
        for deed in DEEDS:
            made = pool.submit(store_calls, deed).result()
            for point in sample(made, arguments.store_points, rng):
                yield f"store {deed} {point}", kill_store, (deed, point)


def plan_layer(
    arguments: argparse.Namespace,
    pool: ProcessPoolExecutor,
    rng: random.Random,
) -> Iterator[tuple[str, Callable[..., dict[str, Any]], tuple[Any, ...]]]:
    """The pieces of work about the layer of messages."""
    if "layer" in arguments.parts:
        for case in NEWS:
            last = pool.submit(layer_calls, case).result()
            for point in rng.sample(range(1, last + 1), min(LAYER_POINTS, last)):
                yield f"layer {case} {point}", kill_layer, (case, point)
    if "traffic" in arguments.parts:
        for part in range(arguments.minutes_of_traffic):
            yield f"traffic {part}", traffic, (arguments.seed + part,)


def main() -> int:
    line = argparse.ArgumentParser(description=__doc__)
    line.add_argument("--seed", type=int, default=7)
    line.add_argument("--resume", type=Path, help="the resume point (reports/soak/seed-N.jsonl)")
    line.add_argument(
        "--parts", nargs="+", default=["kills", "pairs", "schedules", "store", "layer", "traffic"]
    )
    line.add_argument("--store-points", type=int, default=300)
    line.add_argument("--minutes-of-traffic", type=int, default=10)
    line.add_argument("--pairs", type=int, default=500)
    line.add_argument("--schedules", type=int, default=10_000)
    line.add_argument("--workers", type=int, default=2)
    line.add_argument(
        "--minutes",
        type=float,
        default=float("inf"),
        help="stop after so long; the resume point goes on",
    )
    arguments = line.parse_args()
    file = arguments.resume or Path(f"reports/soak/seed-{arguments.seed}.jsonl")
    file.parent.mkdir(parents=True, exist_ok=True)
    done = (
        {row["piece"]: row for row in map(json.loads, file.read_text().splitlines())}
        if file.exists()
        else {}
    )
    ends_at = time.monotonic() + arguments.minutes * 60
    with ProcessPoolExecutor(arguments.workers, initializer=start) as pool:
        pieces = [piece for piece in plan(arguments, pool) if piece[0] not in done]
        random.Random(arguments.seed).shuffle(pieces)
        with file.open("a") as out:
            for piece, row in results(pool, pieces, ends_at):
                done[piece] = {"piece": piece, **row}
                out.write(json.dumps(done[piece]) + "\n")
                out.flush()
                if row["wrong"]:
                    print(f"{piece}: {'; '.join(row['wrong'])}", file=sys.stderr)
    left = len(pieces) - sum(piece in done for piece, *_ in pieces)
    print(summary(list(done.values()), left, str(file)))
    return 1 if any(row["wrong"] for row in done.values()) else 0


def results(
    pool: ProcessPoolExecutor, pieces: list[Any], ends_at: float
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each piece with what became of it; no new ones when the time is up."""
    running: dict[Any, str] = {}
    waiting = iter(pieces)
    while True:
        while len(running) < 8 and time.monotonic() < ends_at:
            piece = next(waiting, None)
            if piece is None:
                break
            running[pool.submit(piece[1], *piece[2])] = piece[0]
        if not running:
            return
        future = next(as_completed(running))
        yield running.pop(future), future.result()


def part_of(piece: str) -> str:
    """The line of the table that a piece of work belongs to."""
    if piece.startswith("store"):
        deed = piece.removeprefix("store ").rpartition(" ")[0]
        return f"one kill of the event store, {deed}"
    if piece.startswith("layer"):
        return "one kill of who makes the messages layer"
    if piece.startswith("traffic"):
        return "writers and readers of one campaign"
    for idempotent, at_once in MODES:
        if f"({idempotent}, {at_once})" in piece:
            what = "two kills" if piece.startswith("pair") else "one kill"
            return f"{what}, {'keys known' if idempotent else 'no keys'}, batches {'at once' if at_once else 'one by one'}"
    return "schedules of faults"


def summary(rows: list[dict[str, Any]], left: int, file: str) -> str:
    """The table of benchmarks/RELIABILITY.md."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[part_of(row["piece"])].append(row)
    lines = [
        "| part | runs | kills | unknown batches | of these never sent, people | violations | seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, group in sorted(groups.items()):
        cells = (
            sum(row.get("schedules", 1) for row in group),
            sum(len(row.get("calls", ())) + row.get("killed", 0) for row in group),
            sum(row.get("unknown", 0) for row in group),
            sum(row.get("never_sent", 0) for row in group),
            sum(len(row["wrong"]) for row in group),
            round(sum(row["seconds"] for row in group)),
        )
        lines.append(f"| {name} | " + " | ".join(f"{cell:,}" for cell in cells) + " |")
    at = Counter(name for row in rows for name in row.get("calls", ()))
    struck, calm = (sum(row.get(key, 0) for row in rows) for key in ("struck", "calm"))
    lines += [
        "",
        f"the schedules' faults struck {struck:,} times; in {calm:,} schedules none did",
        "killed at: " + ", ".join(f"{count:,} {name}" for name, count in at.most_common()),
        f"left: {left:,} pieces; resume point: {file}",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
