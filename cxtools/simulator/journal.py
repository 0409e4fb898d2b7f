"""
The jobs that a world took, as lines of a file: a simulator that is started on the same file knows
them, and so does another one that serves beside it.

In the file a job's moment is Unix time, so that it means the same in every process.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import BinaryIO

from cxtools.simulator.jobs import Job
from cxtools.simulator.mail import Mail

#: The file holds addresses: nobody but its owner reads it.
PRIVATE = 0o600


class Journal:
    """
    A file of jobs, made where there is none, and how much of it was read.

    Raises:
        OSError: the system refuses the file.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._end = 0
        self._open().close()

    def read(self, mail: Mail, now: float) -> None:
        """Give *mail* the jobs that were written since the last time; *now* is the world's."""
        size = self.file.stat().st_size
        if size == self._end:
            return
        start = self._end if size > self._end else 0
        with self.file.open("rb") as file:
            file.seek(start)
            lines, newline, _ = file.read().rpartition(b"\n")
        self._end = start + len(lines + newline)
        began_at = time.time() - now
        for line in lines.splitlines():
            job = _job(line)
            if job is not None:
                job.accepted_at -= began_at
                mail.restore(job)

    def write(self, job: Job, now: float) -> None:
        """Add a job, in one piece; what a kill left of a line before it stays alone."""
        fields = vars(job) | {"accepted_at": job.accepted_at + time.time() - now}
        line = f"\n{json.dumps(fields)}\n"
        with self._open() as file:
            file.write(line.encode())

    def forget(self) -> None:
        """Empty the file: a new world begins."""
        os.truncate(self.file, 0)
        self._end = 0

    def _open(self) -> BinaryIO:
        handle = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE)
        return os.fdopen(handle, "wb")


def _job(line: bytes) -> Job | None:
    """The job of a line; None for an empty one, or one that isn't whole."""
    try:
        return Job(**json.loads(line))
    except (TypeError, ValueError):
        return None
