"""
Kill -9 at any system call of who makes the layer of messages: whoever asks next is told what the
raw events tell.

Here a fair sample of the points, half of them where files are named, made durable or removed; `make
soak` takes 300.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from tests.proof.layer_ground import NEWS, Ground
from tests.proof.test_store_kill import sample

SEED = 7
POINTS = 4


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    """A proving ground; where the system forbids tracing, CI fails and others skip."""
    ground = Ground()
    if not ground.calls("tail"):
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("no ptrace")
    yield ground
    ground.close()


@pytest.mark.parametrize("name", NEWS)
def test_kill_9_at_any_system_call_leaves_no_half_of_a_layer(ground: Ground, name: str) -> None:
    """Made for the first time, with a tail, and written anew in the midst of another."""
    calls = ground.calls(name)
    proofs = {
        (point, calls[point - 1]): ground.prove(name, point)
        for point in sample(calls, POINTS, random.Random(SEED))
    }

    assert {} == {point: wrong for point, (wrong, _) in proofs.items() if wrong}
    assert sum(killed for _, killed in proofs.values()) >= POINTS * 3 // 4
