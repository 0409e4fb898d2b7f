"""The folder of a process's Spark: what it spills, and what it says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cxtools.events.own_folder import folder_of_process
from cxtools.files import make_private_folder

#: How the folder of a process is named.
PREFIX = "spark-of-"
#: The file descriptor of what a process says as errors.
STDERR = 2


def own_folder(spill: Path) -> Path:
    """A folder for the Spark of this process: Spark that is killed leaves gigabytes behind."""
    make_private_folder(spill)
    return folder_of_process(spill, PREFIX)


@contextmanager
def errors_into(file: Path) -> Iterator[None]:
    """
    What this process says as errors, and those that it starts for as long as they live, goes into a
    file: Java and Spark greet with warnings that tell nobody anything.
    """
    before = os.dup(STDERR)
    with file.open("ab") as log:
        os.dup2(log.fileno(), STDERR)
    try:
        yield
    finally:
        os.dup2(before, STDERR)
        os.close(before)
