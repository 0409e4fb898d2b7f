"""
Kill -9 at any system call of an add and of a compaction: no event is lost or there twice, and the
same deed again completes it.

Here a fair sample of the points, half of them where files are named, made durable or removed; `make
soak` takes 300 of each deed.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from tests.proof.store_ground import DEEDS, Ground

SEED = 7
POINTS = 16
#: The calls by which files appear, become durable and go.
TURNS = ("rename", "renameat", "renameat2", "unlink", "unlinkat", "fsync", "mkdir", "mkdirat")


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    """A proving ground; where the system forbids tracing, CI fails and others skip."""
    ground = Ground()
    if not ground.calls("compact"):
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("no ptrace")
    yield ground
    ground.close()


def sample(calls: list[str], count: int, rng: random.Random) -> list[int]:
    """Kill points, from 1: half of them turns, or all there are, the rest others, evenly spread."""
    points = range(1, len(calls) + 1)
    turns = [point for point in points if calls[point - 1] in TURNS]
    others = [point for point in points if calls[point - 1] not in TURNS]
    chosen = spread(turns, count // 2, rng)
    return chosen + spread(others, count - len(chosen), rng)


def spread(points: list[int], count: int, rng: random.Random) -> list[int]:
    """One by chance of each of so many equal stretches; all points where there are no more."""
    count = min(count, len(points))
    return [
        points[rng.randrange(part * len(points) // count, (part + 1) * len(points) // count)]
        for part in range(count)
    ]


@pytest.mark.parametrize("name", DEEDS)
def test_kill_9_at_any_system_call_loses_no_event_and_doubles_none(
    ground: Ground, name: str
) -> None:
    """What was stored is there, each event once, right after the kill and when it is done again."""
    calls = ground.calls(name)
    proofs = {
        (point, calls[point - 1]): ground.prove(name, point)
        for point in sample(calls, POINTS, random.Random(SEED))
    }

    assert {} == {point: wrong for point, (wrong, _) in proofs.items() if wrong}
    assert sum(at != "" for _, at in proofs.values()) >= POINTS * 3 // 4
