"""
Where the files of a generated store stand. Light, so that the process which measures others stays
small: Linux counts the memory of who starts a process as that process's own.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def generate(home: Path, *options: str) -> None:
    """Make a store by benchmarks.generate, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.generate", str(home), *options]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def folder_of(home: Path, number: int = 0) -> Path:
    """Where the parts of the campaign of this number stand."""
    return home / "events" / f"campaign={name_of_campaign(number)}"


def name_of_campaign(number: int = 0) -> str:
    """
    Names sort as their numbers do.

    >>> name_of_campaign(7)
    'large-007'
    """
    return f"large-{number:03}"


def layers(home: Path) -> Path:
    """The folder of everything that is derived from parts, so that it may be removed."""
    return home / "events" / "_messages"


def drop_layers(home: Path) -> None:
    """Remove it: whoever asks next makes it again."""
    shutil.rmtree(layers(home), ignore_errors=True)


def drop_totals(home: Path) -> None:
    """Remove the totals that questions kept beside the messages."""
    for file in layers(home).glob("*/*/states-*.parquet"):
        file.unlink()
