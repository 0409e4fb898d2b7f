"""
How a contestant answers: one question in, the rows and their cost out, as one JSON file.

    python -m benchmarks.contestants.NAME QUESTION HOME CAMPAIGN ANSWER.json

This module imports nothing but the standard library: contestants have environments of their own.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

Rows = list[dict[str, Any]]
#: What a contestant does with the folder of a store and the name of a campaign.
Answer = Callable[[Path, str], Rows]


def main(answers: Mapping[str, Answer]) -> None:
    """Answer the question of the command line; its cost leaves the start of Python out."""
    question, home, campaign, file = sys.argv[1:]
    cpu_before = cpu_s()
    started_at = time.monotonic()
    rows = answers[question](Path(home), campaign)
    document = {
        "rows": rows,
        "cpu_s": cpu_s() - cpu_before,
        "wall_s": time.monotonic() - started_at,
    }
    Path(file).write_text(json.dumps(document, default=as_json))


def cpu_s() -> float:
    """The CPU seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def as_json(value: Any) -> Any:
    """What JSON has no word for: moments, and numbers of other libraries."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value.item()


def parts_of(home: Path, campaign: str) -> list[str]:
    """The files of the campaign's raw events."""
    folder = home / "events" / f"campaign={campaign}"
    return sorted(str(file) for file in folder.glob("part-*.parquet"))
