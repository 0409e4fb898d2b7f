"""
Reports on the disk: their folder, the notebook that is being run, pages. What the disk refuses is
raised as StoreError.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cxtools.errors import StoreError
from cxtools.files import PRIVATE_FOLDER, make_private, make_private_folder, write_whole

#: The mode of a page in a folder that is open to all.
OPEN_FILE = 0o644


def open_folder(out: Path, home: Path) -> Path:
    """
    The folder for pages, made where there is none. Below CXTOOLS_HOME it is its owner's; one that
    somebody named keeps its mode.

    Raises:
        StoreError: it can't be made.
    """
    with _refusals(out):
        if out.resolve().is_relative_to(home.resolve()):
            make_private_folder(out)
            out.chmod(PRIVATE_FOLDER)
        out.mkdir(parents=True, exist_ok=True)
    return out


def open_output(file: Path) -> None:
    """
    Make an empty and private file for papermill, which writes into the file that it finds: a
    notebook that is being run, or has failed, can hold data of people.

    Raises:
        StoreError: it can't be made.
    """
    with _refusals(file):
        file.unlink(missing_ok=True)
        make_private(file)


def write_text(file: Path, text: str) -> Path:
    """
    Write a file whole or not at all: a reader never meets half a page. Who can read its folder can
    read it, and only its owner can write it.

    Raises:
        StoreError: the disk refuses it; nothing is left of it.
    """
    with _refusals(file):
        mode = file.parent.stat().st_mode & OPEN_FILE
        return write_whole(file, text.encode(), mode=mode)


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
