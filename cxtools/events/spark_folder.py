"""
The folder of a process's Spark: what it spills, and what it says.

Spark in a process that is killed leaves gigabytes behind. A process holds its folder locked as long
as it lives, so whoever starts Spark next knows which folders have no owner any more.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cxtools.files import PRIVATE_FILE, make_private_folder

#: How the folder of a process is named, and the file in it that the process holds locked.
PREFIX = "spark-of-"
OWNER = "owner"
#: The file descriptor of what a process says as errors.
STDERR = 2


def own_folder(spill: Path) -> Path:
    """
    A folder for the Spark of this process, gone at its end; those of processes that were killed are
    removed.

    >>> spill = Path(tempfile.mkdtemp())
    >>> folder = own_folder(spill)
    >>> own_folder(spill) != folder, folder.exists()
    (True, True)
    """
    make_private_folder(spill)
    for owner in spill.glob(f"{PREFIX}*/{OWNER}"):
        if _has_no_process(owner):
            shutil.rmtree(owner.parent, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=spill))
    _own(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _own(folder: Path) -> None:
    """Hold the folder until this process ends, however that ends: the file is never closed."""
    hidden = folder / f".{OWNER}"
    handle = os.open(hidden, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    fcntl.flock(handle, fcntl.LOCK_EX)
    hidden.rename(folder / OWNER)  # nobody sees it before it is locked


def _has_no_process(owner: Path) -> bool:
    try:
        with owner.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except FileNotFoundError:  # gone with its process since it was listed
        return False
    return True


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
