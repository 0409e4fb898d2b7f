"""
The proving ground of the messages layer: a process makes it, is killed, and whoever asks next must
be told what the raw events tell.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd

from cxtools.events.store import EventStore
from cxtools.measures.answers import answer
from cxtools.measures.engine import Engine
from tests.oracle.answers import Oracle
from tests.oracle.events import odd_events, random_events
from tests.tables import RECEIVED
from tests.uncounted import environment_without_coverage

ROOT = Path(__file__).parents[2]
CAMPAIGN = "c"
#: Questions that read each relation of the layer.
ASKED = ("funnel", "bounces", "reasons", "links", "suspects", "jobs", "data_quality")
EVENTS = 600
#: What comes after the layer was made, by case: nothing was made before; few events, which become
#: its tail; so many that all messages are written anew.
NEWS = {"first": 0, "tail": 8, "midst": 400}


class Ground:
    """A store for each case, and one process that forks those who ask, and kills them."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="cxtools-layer-"))
        self.killer = subprocess.Popen(
            [sys.executable, "-m", "tests.proof.store_killer"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment_without_coverage(),
        )
        self.truths: dict[str, list[pd.DataFrame]] = {}
        for name, news in NEWS.items():
            root = self.folder / name
            _prepare(root, news)
            [self.truths[name]] = Oracle(EventStore(root)).answers(ASKED, CAMPAIGN)

    def calls(self, name: str) -> list[str]:
        """The system calls of who makes the layer; empty where tracing is forbidden."""
        root = self._store(name)
        trace: list[str] = self._run(root, 0)["trace"]
        shutil.rmtree(root.parent)
        return trace

    def prove(self, name: str, kill_at: int) -> tuple[list[str], bool]:
        """Kill who makes the layer, and ask: what is wrong, and whether it was killed at all."""
        root = self._store(name)
        ran = self._run(root, kill_at)
        wrong = self._differences(root, name)
        again = self._run(root, None)
        if again["code"]:
            wrong.append(f"who asks again ends with {again['code']}")
        shutil.rmtree(root.parent)
        return wrong, bool(ran["killed"])

    def close(self) -> None:
        assert self.killer.stdin
        self.killer.stdin.close()
        self.killer.wait()
        shutil.rmtree(self.folder)

    def _store(self, name: str) -> Path:
        root = Path(tempfile.mkdtemp(dir=self.folder)) / "events"
        shutil.copytree(self.folder / name, root)
        return root

    def _run(self, root: Path, kill_at: int | None) -> dict[str, Any]:
        """One who asks: see `killer.traced`."""
        request: dict[str, Any] = {
            "deed": "ask",
            "root": str(root),
            "options": {},
            "kill_at": kill_at,
        }
        assert self.killer.stdin
        assert self.killer.stdout
        self.killer.stdin.write(f"{json.dumps(request)}\n")
        self.killer.stdin.flush()
        said: dict[str, Any] = json.loads(self.killer.stdout.readline())
        return said

    def _differences(self, root: Path, name: str) -> list[str]:
        """Which answers differ from what the raw events tell."""
        engine = Engine(EventStore(root))
        wrong = []
        for question, truth in zip(ASKED, self.truths[name], strict=True):
            table = pd.DataFrame(answer(engine, question, CAMPAIGN))
            try:
                pd.testing.assert_frame_equal(table, truth, rtol=1e-12)
            except AssertionError as error:
                wrong.append(f"{question}: {error}")
        return wrong


def _prepare(root: Path, news: int) -> None:
    """A store with a layer of all its events but so many; without a layer if that is none."""
    store = EventStore(root)
    happened = [*odd_events(), *random_events(Random(1), EVENTS)]
    store.add(CAMPAIGN, happened, source="test", received_at=RECEIVED)
    if not news:
        return
    answer(Engine(store), "funnel", CAMPAIGN)
    later = random_events(Random(2), news)
    renamed = [replace(event, event_id=f"later-{event.event_id}") for event in later]
    store.add(CAMPAIGN, renamed, source="test", received_at=RECEIVED)
