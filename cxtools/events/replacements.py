"""
Replacements: which parts of a campaign count while others are merged into new ones.

Whoever merges parts writes down which parts the new one replaces before it appears, in a record
beside them, `_replacement-<name of the part>.json`. As soon as the new part stands, those that it
replaces don't count any more, whether they are still there or not: at no moment is a row missing or
there twice. The record stays for an hour, for whoever began to list the folder before.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cxtools.files import write_whole

#: The names of parts of every version.
PARTS = "part-*.parquet"
#: The names of records.
RECORDS = "_replacement-*.json"
#: Seconds after which nobody can still be listing the folder as it was.
KEPT_S = 3600.0
#: How often a folder that changes is listed before what it shows is taken as it is.
LISTINGS = 20


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


def record(folder: Path, replacement: Replacement) -> Path:
    """Write down, durably, what a part replaces that will appear."""
    document = {
        "part": replacement.part,
        "replaces": list(replacement.replaces),
    }
    file = folder / RECORDS.replace("*", Path(replacement.part).stem)
    return write_whole(file, json.dumps(document).encode())


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
