"""One question, one contestant, one process: what it cost, and whether its answer is the right one."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.answers import Row, difference
from benchmarks.processes import Cost, measure
from benchmarks.stores import ROOT

TIMEOUT_S = 3600.0


@dataclass(frozen=True)
class Contestant:
    """
    Who answers questions.

    name       as the table says it
    module     of `benchmarks.contestants`
    questions  that it can answer
    python     the interpreter of its environment
    packages   folders that come first on PYTHONPATH
    """

    name: str
    module: str
    questions: Sequence[str]
    python: str = sys.executable
    packages: Sequence[Path] = ()


@dataclass(frozen=True)
class Result:
    """
    A line of the table.

    events     in the campaign
    asked_cpu_s, asked_wall_s  without the start of Python and its imports; None for a command
    """

    events: int
    question: str
    contestant: str
    cost: Cost
    asked_cpu_s: float | None = None
    asked_wall_s: float | None = None
    error: str = ""

    def as_json(self) -> str:
        return json.dumps(asdict(self))


class Contest:
    """Questions about one campaign of a store; the first right answer is what the others must say."""

    def __init__(self, home: Path, campaign: str, events: int) -> None:
        self.home = home
        self.campaign = campaign
        self.events = events
        self._answers: dict[str, Sequence[Row]] = {}
        self._work = home / "work"
        self.answer_file = self._work / "answer.json"
        self._spill = home / "spill"
        for folder in (self._work, self._spill):
            folder.mkdir(exist_ok=True)

    def ask(self, question: str, contestant: Contestant) -> Result:
        """One process of the contestant's, compared with who was asked this before."""
        self.answer_file.unlink(missing_ok=True)
        module = f"benchmarks.contestants.{contestant.module}"
        command = [contestant.python, "-m", module, question]
        command += [str(self.home), self.campaign, str(self.answer_file)]
        cost = self._measured(command, contestant.packages)
        if cost.error:
            return Result(self.events, question, contestant.name, cost, error=cost.error)
        document = json.loads(self.answer_file.read_text())
        return Result(
            self.events,
            question,
            contestant.name,
            cost,
            asked_cpu_s=document["cpu_s"],
            asked_wall_s=document["wall_s"],
            error=self._judge(question, document["rows"]),
        )

    def run(self, name: str, command: Sequence[str]) -> Result:
        """A command as a person types it, on this store."""
        cost = self._measured(command, ())
        return Result(self.events, name, "command", cost, error=cost.error)

    def _measured(self, command: Sequence[str], packages: Sequence[Path]) -> Cost:
        return measure(
            command,
            folder=self._work,
            environ=self._environ(packages),
            spills=[self._spill, self.home / "events" / "_spill"],
            timeout_s=TIMEOUT_S,
        )

    def _environ(self, packages: Sequence[Path]) -> Mapping[str, str]:
        """
        Python keeps what it compiles, as it does for everybody: a machine that forbids it compiles
        cxtools anew in each process.
        """
        paths = [str(path) for path in (*packages, ROOT)]
        ours = {
            "CXTOOLS_HOME": str(self.home),
            "PYTHONPATH": os.pathsep.join(paths),
            "TMPDIR": str(self._spill),
            "PYTHONDONTWRITEBYTECODE": "",
        }
        return {**os.environ, **ours}

    def _judge(self, question: str, rows: list[dict[str, Any]]) -> str:
        """What is wrong with an answer; the first one stands for right."""
        right = self._answers.setdefault(question, rows)
        return difference(question, right, rows)
