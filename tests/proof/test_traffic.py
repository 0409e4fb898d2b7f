"""
Several processes write and read one campaign and are killed meanwhile; a minute of it in `make
soak`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.uncounted import environment_without_coverage

ROOT = Path(__file__).parents[2]
ANSWERS = 8
KILLS = 5


def test_every_answer_is_that_of_the_parts_of_its_moment(tmp_path: Path) -> None:
    """
    Whoever is killed, and wherever: no answer is stale or half, nobody waits for another, and what
    was added is there once.
    """
    outcome = traffic(tmp_path, seconds=4, kills=KILLS, answers=ANSWERS, seed=7)

    assert [] == outcome["wrong"]
    assert outcome["killed"] == KILLS
    assert outcome["frozen"] > 0
    assert outcome["answers"] >= ANSWERS
    assert outcome["added"] > 0


def traffic(folder: Path, **numbers: float) -> dict[str, Any]:
    """What came of two writers and two readers."""
    command = [sys.executable, "-m", "tests.proof.traffic", str(folder)]
    for name, number in {"writers": 2, "readers": 2, **numbers}.items():
        command += [f"--{name}", str(number)]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env=environment_without_coverage(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout, ended.stderr
    return dict(json.loads(ended.stdout))
