"""A share of `python -m tests.proof.trends`: planted incidents are found, and nothing else is said."""

from __future__ import annotations

import pytest

from tests.proof import logs
from tests.proof.trends import METRICS, prove, prove_stored


@pytest.mark.parametrize("seed", [13])
def test_incidents_are_found_and_peace_is_left_alone(seed: int) -> None:
    """Of 25 histories with one at least 24 are right; of 25 without at most two are told of."""
    found = prove(25, seed)
    none = found.pop("none")

    assert set(METRICS) == set(found)
    assert sum(count["found"] for count in found.values()) >= 24
    assert none["blamed"] <= 2


def test_an_incident_in_a_store_is_found_by_the_same_path() -> None:
    """Every event of sixty campaigns through the store, its layers and the questions."""
    found = prove_stored(1, 13, recipients=600)["provider block"]

    assert {"of": 1, "found": 1, "blamed": 0} == found


@pytest.mark.parametrize("seed", [13])
def test_logs_of_many_kinds_are_read_aright(seed: int) -> None:
    """Of 30 logs with one bad week at least 27 have it found; at most two are told of else."""
    found = logs.prove(30, seed)
    whole = logs.total(found)

    assert set(logs.LOGS) == set(found)
    assert whole["found"] >= 27
    assert whole["blamed besides"] <= 2
    assert whole["false alarms"] <= 2
