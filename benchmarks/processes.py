"""What one command costs: CPU seconds, wall, peak of memory, peak of what it spills."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: How often the spill folders are looked at.
LOOK_S = 0.05
MB = 1_000_000
KB_OF_MB = 1024


@dataclass(frozen=True)
class Cost:
    """
    What a command took, all of its processes together.

    memory_mb  of its largest process
    spill_mb   the most that its spill folders held at one time
    error      the end of what it said, when it failed; "" when it didn't
    """

    cpu_s: float
    wall_s: float
    memory_mb: float
    spill_mb: float
    error: str


def measure(
    command: Sequence[str],
    *,
    folder: Path,
    environ: Mapping[str, str],
    spills: Sequence[Path],
    timeout_s: float,
) -> Cost:
    """Run a command in *folder* to its end, or kill it when its time is up."""
    log = folder / "log.txt"
    started_at = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environ),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        spilled = 0
        status = 0
        ended = 0
        while not ended:
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            spilled = max(spilled, sum(size_of(spill) for spill in spills))
            late = time.monotonic() - started_at > timeout_s
            if not ended and late:
                os.killpg(process.pid, signal.SIGKILL)
            if not ended:
                time.sleep(LOOK_S)
    wall_s = time.monotonic() - started_at
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(
        cpu_s=usage.ru_utime + usage.ru_stime,
        wall_s=wall_s,
        memory_mb=usage.ru_maxrss / KB_OF_MB,
        spill_mb=spilled / MB,
        error=_error(process.returncode, log),
    )


def size_of(folder: Path) -> int:
    """The bytes of the files below a folder; those that vanish meanwhile count nothing."""
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                size += os.lstat(os.path.join(parent, name)).st_size
            except FileNotFoundError:
                continue
    return size


def _error(code: int, log: Path) -> str:
    if not code:
        return ""
    said = log.read_text("utf-8", "replace").strip().splitlines()
    last = said[-1] if said else "it said nothing"
    return f"ended with {code}: {last}"
