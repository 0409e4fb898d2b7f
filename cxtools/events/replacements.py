"""
Replacements: which parts of a campaign count while others are merged into new ones.

Whoever merges parts writes down which parts the new one replaces before it appears, in a record
beside them, `_replacement-<name of the part>.json`. As soon as the new part stands, those that it
replaces don't count any more, whether they are still there or not: at no moment is a row missing or
there twice. The record stays for an hour, for whoever began to list the folder before.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from cxtools.errors import PartsReplaced, StoreError
from cxtools.files import write_whole

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

#: The names of parts of every version.
PARTS = "part-*.parquet"
#: The names of records.
RECORDS = "_replacement-*.json"
#: Seconds after which nobody can still be listing the folder as it was.
KEPT_S = 3600.0
#: Files that were not finished, and seconds after which nobody can still be writing them.
HIDDEN = ".*.tmp"
HIDDEN_S = 86400.0
#: How often a folder that changes is listed before what it shows is taken as it is.
LISTINGS = 20
#: How often a question is asked whose parts are replaced while it reads them.
QUESTIONS = 5


@dataclass(frozen=True)
class Replacement:
    """A part, and the parts whose rows it holds: all of theirs and no others."""

    part: str
    replaces: tuple[str, ...]


def parts_that_count(folder: Path) -> list[Path]:
    """
    The parts of a folder that hold its rows, each row once; none when there is no folder.

    A listing can miss both a part that appears while it runs and those that it replaces, which then
    vanish. The records, which are read after it, tell: then the folder is listed again.
    """
    names = _names(folder)
    replacements = records(folder)
    for _ in range(LISTINGS):
        if is_complete(names, replacements):
            break
        before = names
        names = _names(folder)
        replacements = records(folder)
        if names == before:  # parts were taken away by hand
            break
    count = names - replaced(names, replacements)
    return [folder / name for name in sorted(count)]


@contextmanager
def reading(files: Sequence[Path]) -> Iterator[None]:
    """
    A block that reads parts.

    Raises:
        PartsReplaced: the block failed, and parts are gone that were listed.
    """
    try:
        yield
    except (StoreError, OSError) as error:
        gone = [file for file in files if not file.exists()]
        if not gone:
            raise
        raise PartsReplaced(
            "the events were merged into other files while they were read",
            where=str(gone[0].parent),
            do="ask again",
        ) from error


def repeat_when_replaced(question: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """
    The same function, which lists the parts by itself; asked again when they were replaced
    meanwhile.
    """

    @wraps(question)
    def ask(*args: Arguments.args, **options: Arguments.kwargs) -> Answer:
        for _ in range(QUESTIONS - 1):
            with suppress(PartsReplaced):
                return question(*args, **options)
        return question(*args, **options)

    return ask


def record(folder: Path, replacement: Replacement) -> Path:
    """Write down, durably, what a part replaces that will appear."""
    document = {
        "part": replacement.part,
        "replaces": list(replacement.replaces),
    }
    content = json.dumps(document).encode()
    return write_whole(_file(folder, replacement), content)


def is_unfinished(folder: Path) -> bool:
    """Whether parts stand that don't count any more."""
    names = _names(folder)
    return not names.isdisjoint(replaced(names, records(folder)))


def finish(folder: Path) -> None:
    """
    Remove what a compaction, which may have been killed, left behind: parts that don't count,
    records that nobody needs, hidden files. Only for whoever compacts the folder, alone.
    """
    names = _names(folder)
    replacements = records(folder)
    present = _with_replaced(names, replacements)
    for name in replaced(names, replacements):
        (folder / name).unlink(missing_ok=True)
    now = _clock(folder)
    for replacement in replacements:
        file = _file(folder, replacement)
        if replacement.part not in present or _age(file, now) > KEPT_S:
            file.unlink(missing_ok=True)
    remove_abandoned(folder)


def remove_abandoned(folder: Path) -> None:
    """Remove hidden files of processes that were killed: those that nobody can be writing still."""
    for file, age_s in ages_of_hidden_files(folder).items():
        if age_s > HIDDEN_S:
            file.unlink(missing_ok=True)


def ages_of_hidden_files(folder: Path) -> dict[Path, float]:
    """
    The files of processes that were killed, or that still write, and the seconds since each was
    written, by the clock of their disk.
    """
    hidden = list(folder.glob(HIDDEN))
    if not hidden:
        return {}
    now = _clock(folder)
    return {file: _age(file, now) for file in hidden}


def _file(folder: Path, replacement: Replacement) -> Path:
    return folder / RECORDS.replace("*", Path(replacement.part).stem)


def _clock(folder: Path) -> float:
    """What time the folder's disk has, which may be another machine's."""
    with tempfile.TemporaryFile(dir=folder) as file:
        return os.fstat(file.fileno()).st_mtime


def _age(file: Path, now: float) -> float:
    """Seconds since a file was written; 0 when it is gone."""
    return now - file.stat().st_mtime if file.exists() else 0


def records(folder: Path) -> list[Replacement]:
    """What is written down in a folder."""
    replacements = []
    for file in sorted(folder.glob(RECORDS)):
        with suppress(FileNotFoundError):  # swept since it was listed
            replacements.append(read(file))
    return replacements


def read(file: Path) -> Replacement:
    """One record."""
    document = json.loads(file.read_bytes())
    return Replacement(document["part"], tuple(document["replaces"]))


def replaced(names: Collection[str], replacements: Sequence[Replacement]) -> set[str]:
    """
    The parts that don't count, since the rows of each are in another that stands.

    >>> merged = Replacement("part-3-m", ("part-3-a", "part-3-b"))
    >>> sorted(replaced({"part-3-a", "part-3-m"}, [merged]))
    ['part-3-a', 'part-3-b']
    >>> replaced({"part-3-a", "part-3-b"}, [merged])
    set()
    """
    present = _with_replaced(names, replacements)
    gone: set[str] = set()
    for replacement in replacements:
        if replacement.part in present:
            gone.update(replacement.replaces)
    return gone


def is_complete(names: Collection[str], replacements: Sequence[Replacement]) -> bool:
    """
    Whether each replacement's rows are there: in the new part, or in all that it replaces.

    >>> merged = Replacement("part-3-m", ("part-3-a", "part-3-b"))
    >>> is_complete({"part-3-a"}, [merged]), is_complete({"part-3-m"}, [merged])
    (False, True)
    """
    present = _with_replaced(names, replacements)
    return all(
        replacement.part in present or present.issuperset(replacement.replaces)
        for replacement in replacements
    )


def _with_replaced(names: Iterable[str], replacements: Sequence[Replacement]) -> set[str]:
    """The parts, those which they replace, those which these replace, and so on."""
    present = set(names)
    waiting = list(replacements)
    while True:
        ready = [replacement for replacement in waiting if replacement.part in present]
        if not ready:
            return present
        for replacement in ready:
            present.update(replacement.replaces)
            waiting.remove(replacement)


def _names(folder: Path) -> set[str]:
    return {file.name for file in folder.glob(PARTS)}
