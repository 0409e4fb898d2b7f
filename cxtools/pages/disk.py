"""
Reports on the disk: their folder, the notebook that is being run, pages. What the disk refuses is
raised as StoreError.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from cxtools.errors import StoreError
from cxtools.files import (
    PRIVATE_FOLDER,
    Staging,
    check_is_local,
    make_private_folder,
    write_whole,
)

#: The mode of a page in a folder that is open to all.
OPEN_FILE = 0o644
#: The end of the name of a notebook that is being run.
PARTIAL = ".partial.ipynb"


def open_folder(out: Path, home: Path) -> Path:
    """
    The folder for pages, made where there is none. Below CXTOOLS_HOME it is its owner's; one that
    somebody named keeps its mode.

    Raises:
        ConfigError: it is a URL.
        StoreError: it can't be made.
    """
    check_is_local(out)
    with _refusals(out):
        if out.resolve().is_relative_to(home.resolve()):
            make_private_folder(out)
            out.chmod(PRIVATE_FOLDER)
        out.mkdir(parents=True, exist_ok=True)
    return out


def make_folder(folder: Path) -> None:
    """
    Make a folder, where there is none.

    Raises:
        StoreError: it can't be made.
    """
    with _refusals(folder):
        folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def working_notebook(folder: Path, stem: str) -> Iterator[Path]:
    """
    An empty and private file of this run's own for papermill, which writes into the file that it
    finds; removed when the `with` block ends. A notebook that is being run can hold data of people.

    What killed runs left behind in the folder is removed, too: nobody holds the lock on it.

    Raises:
        StoreError: it can't be made.
    """
    with _refusals(folder), one_at_a_time(folder):
        for abandoned in folder.glob(f"*{PARTIAL}"):
            _remove_if_abandoned(abandoned)
        handle, name = tempfile.mkstemp(prefix=f"{stem}.", suffix=PARTIAL, dir=folder)
        fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
        os.close(handle)


def _remove_if_abandoned(file: Path) -> None:
    with suppress(BlockingIOError, FileNotFoundError), file.open("rb") as partial:
        fcntl.flock(partial, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.unlink()


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Of several processes only one is in this block for a folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def write_report(texts: Mapping[Path, str]) -> None:
    """
    Write the files of one report, all in one folder: together, so that page and notebook are always
    of the same run.

    Raises:
        StoreError: as `write_text`.
    """
    [folder] = {file.parent for file in texts}
    with _refusals(folder), Staging() as staging:
        for file, text in texts.items():
            with _refusals(file):
                staging.write(file, text.encode(), mode=_mode(folder))
        with one_at_a_time(folder):
            staging.publish()


def write_text(file: Path, text: str) -> Path:
    """
    Write a file whole or not at all: a reader never meets half a page. Who can read its folder can
    read it, and only its owner can write it.

    Raises:
        StoreError: the disk refuses it; nothing is left of it.
    """
    return write_bytes(file, text.encode())


def write_bytes(file: Path, content: bytes) -> Path:
    """The same for what isn't text."""
    with _refusals(file):
        return write_whole(file, content, mode=_mode(file.parent))


def _mode(folder: Path) -> int:
    return folder.stat().st_mode & OPEN_FILE


def cant_write(file: Path, why: str) -> StoreError:
    """What is said where the disk refuses a file of a report."""
    return StoreError(
        f"the report can't be written: {why}",
        where=str(file),
        do="free some disk space, or name another folder with --out; then run it again",
    )


@contextmanager
def _refusals(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as refused:
        raise cant_write(file, refused.strerror or str(refused)) from refused
