"""
A folder of this process, gone at its end.

What a killed process leaves is large, or personal: it is removed by whoever makes such a folder
next. A process holds its folder locked as long as it lives, so that all can tell.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from cxtools.files import PRIVATE_FILE

#: How the folder for what is derived is named, and the file that the process holds locked.
PREFIX = "cxtools-"
OWNER = "owner"


def own_folder() -> Path:
    """
    Where this process keeps what it makes of a store that it may only read; a new one where
    somebody swept the temporary folder.
    """
    folder = _made_folder()
    if not folder.exists():
        _made_folder.cache_clear()
        folder = _made_folder()
    return folder


@cache
def _made_folder() -> Path:
    return folder_of_process(Path(tempfile.gettempdir()), PREFIX)


def folder_of_process(parent: Path, prefix: str) -> Path:
    """
    A new folder that only its owner can enter; those of processes that were killed are removed.

    >>> parent = Path(tempfile.mkdtemp())
    >>> folder = folder_of_process(parent, "spark-")
    >>> folder_of_process(parent, "spark-") != folder, folder.exists()
    (True, True)
    """
    for owner in parent.glob(f"{prefix}*/{OWNER}"):
        if _has_no_process(owner):
            shutil.rmtree(owner.parent, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
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
    except (BlockingIOError, PermissionError):
        return False
    except FileNotFoundError:  # gone with its process since it was listed
        return False
    return True
