"""Where this process keeps what it makes of a store that it may only read; gone at its end."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path


@cache
def own_folder() -> Path:
    """The folder, which only its owner can enter."""
    folder = tempfile.mkdtemp(prefix="cxtools-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
