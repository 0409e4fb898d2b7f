"""
Kill -9 at any system call of a three-batch run: nobody is mailed twice, nothing is lost, no store
is damaged.

Here a fair sample of the points, half of them where the network is spoken to; `make soak` takes
them all.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pytest

from tests.conftest import CRM_SECRET, Simulator
from tests.proof.ground import Ground, Killed
from tests.uncounted import environment_without_coverage

SEED = 7
NETWORK = ("connect", "sendto", "recvfrom", "sendmsg", "recvmsg", "shutdown")
MODES = [
    # the server knows keys, batches side by side
    (False, False),
    (False, True),
    (True, False),
    (True, True),
]
POINTS, PAIRS = 38, 5
#: So many more are tried where by chance none of the points was in the middle of a POST.
MOST_MORE = 60


@pytest.fixture(scope="module")
def ground(start_simulator: Callable[..., Simulator]) -> Iterator[Ground]:
    """A proving ground; where the system forbids tracing, CI fails and others skip."""
    ground = Ground(start_simulator(environment_without_coverage(), crm_secret=CRM_SECRET))
    if not ground.calls(idempotent=False, at_once=False, rounds=0):
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("no ptrace")
    yield ground
    ground.close()


def sample(calls: list[str], count: int, rng: random.Random) -> list[int]:
    """
    Kill points, from 1: one by chance of each of *count* equal stretches, half over network calls,
    half over the others.
    """
    points = range(1, len(calls) + 1)
    near = [point for point in points if calls[point - 1] in NETWORK]
    far = [point for point in points if calls[point - 1] not in NETWORK]
    half = count // 2
    return [
        of[rng.randrange(part * len(of) // half, (part + 1) * len(of) // half)]
        for of in (near, far)
        for part in range(half)
    ]


@pytest.mark.parametrize(("idempotent", "at_once"), MODES)
def test_kill_9_at_any_system_call_loses_nothing_and_repeats_nothing(
    ground: Ground, idempotent: bool, at_once: bool
) -> None:
    """
    After the same command again all invariants hold, and nearly every point was a kill, some of
    them in the middle of a POST.
    """
    calls = ground.calls(idempotent=idempotent, at_once=at_once, rounds=0)
    prove = partial(ground.prove, idempotent=idempotent, at_once=at_once)
    rng = random.Random(SEED)
    proofs = [prove(point) for point in sample(calls, POINTS, rng)]
    if not idempotent:
        proofs += in_a_post(proofs, calls, prove, rng)

    assert {} == {(proof.kills, proof.calls): proof.wrong for proof in proofs if proof.wrong}
    assert sum(proof.ended for proof in proofs) <= len(proofs) // 8
    assert idempotent == (not any(proof.unknown for proof in proofs))


def in_a_post(
    proofs: Sequence[Killed],
    calls: list[str],
    prove: Callable[[int], Killed],
    rng: random.Random,
) -> list[Killed]:
    """More points where the network is spoken to, until one was in the middle of a POST."""
    more: list[Killed] = []
    near = [point for point, call in enumerate(calls, start=1) if call in NETWORK]
    rng.shuffle(near)
    for point in near[:MOST_MORE]:
        if any(proof.unknown for proof in [*proofs, *more]):
            break
        more.append(prove(point))
    return more


@pytest.mark.parametrize(("idempotent", "at_once"), MODES)
def test_kill_9_again_during_the_recovery(ground: Ground, idempotent: bool, at_once: bool) -> None:
    """A run that is killed while it continues a killed one is no worse off."""
    rng, calls = (
        random.Random(SEED),
        len(ground.calls(idempotent=idempotent, at_once=at_once, rounds=0)),
    )
    pairs = [(rng.randrange(1, calls), rng.randrange(1, 500)) for _ in range(PAIRS)]
    proofs: list[Killed] = [
        ground.prove(*pair, idempotent=idempotent, at_once=at_once) for pair in pairs
    ]

    assert {} == {(proof.kills, proof.calls): proof.wrong for proof in proofs if proof.wrong}
