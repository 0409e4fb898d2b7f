"""
The inbox: files of events that are put there are taken into the store, each once.

    inbox/NAME/FILE     as the home's preset NAME says, if it has one; of the campaign NAME, unless
                        the preset names the column of campaigns
    inbox/FILE          as the home's preset "inbox" says, which must name that column
    inbox/done/…        where a file goes when it is in
    inbox/failed/…      where it goes when it can't be read or most of it wasn't understood; why is
                        told beside it, in FILE.why.txt

A file is moved when its events are stored. Killed in between, it is read again, and adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

from cxtools.errors import ConfigError
from cxtools.events.importing import PRESETS, import_files
from cxtools.events.instructions import Instructions
from cxtools.events.store import EventStore
from cxtools.events.summary import Imported
from cxtools.files import make_private_folder, write_whole

INBOX = "inbox"
DONE = "done"
FAILED = "failed"
#: The preset of files that lie in no folder.
LOOSE = "inbox"
#: A file that changed so many seconds ago or less may still be written.
QUIET_S = 10.0
#: Endings under which programs write what isn't whole yet.
UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".filepart")
WHY = ".why.txt"


@dataclass(frozen=True)
class InboxFile:
    """What became of one file: its name below the inbox, its campaigns and events, or why not."""

    name: str
    state: str
    campaigns: tuple[str, ...] = ()
    new: int = 0
    reason: str = ""

    def __str__(self) -> str:
        if self.state == FAILED:
            return f"{INBOX}/{self.name}: {self.reason}"
        return f"{INBOX}/{self.name}: {self.new:,} new events of {', '.join(self.campaigns)}"


def waiting_files(home: Path, now: float) -> list[Path]:
    """
    The files that can be taken in, the oldest first; hidden ones, ones with an ending of what isn't
    whole, and ones that have just changed wait.
    """
    inbox = home / INBOX
    found = [*inbox.glob("*"), *inbox.glob("*/*")]
    files = [file for file in found if file.is_file() and _is_whole(file, now)]
    own = [file for file in files if file.parent.name not in (DONE, FAILED) or file.parent == inbox]
    return sorted(own, key=lambda file: (file.stat().st_mtime, str(file)))


def _is_whole(file: Path, now: float) -> bool:
    if file.name.startswith(".") or file.name.lower().endswith(UNFINISHED):
        return False
    return now - file.stat().st_mtime > QUIET_S


def take_in(
    store: EventStore,
    home: Path,
    files: Iterable[Path],
    *,
    now: datetime,
    suppress: Callable[[Iterable[str]], int],
) -> Iterator[InboxFile]:
    """
    Take files in, one after the other, and move each to where it belongs; *suppress* is told the
    campaigns of each.

    Raises:
        StoreError: the store can't be written; the file stays where it is.
    """
    inbox = home / INBOX
    for file in files:
        name = str(file.relative_to(inbox))
        try:
            read = _read(store, home, file, now)
        except ConfigError as error:
            taken = InboxFile(name, FAILED, reason=str(error))
        else:
            suppress(read.campaigns)
            taken = _file_of(name, read)
        _move(inbox, file, taken)
        yield taken


def _read(store: EventStore, home: Path, file: Path, now: datetime) -> Imported:
    told, campaign = instructions_for(file, home)
    return import_files([file], store, told, campaign=campaign, now=now)


def instructions_for(file: Path, home: Path) -> tuple[Instructions, str]:
    """
    How a file of the inbox is read, and its campaign, "" where its rows name it.

    Raises:
        ConfigError: nobody says which campaign it is of.
    """
    is_loose = file.parent == home / INBOX
    name = LOOSE if is_loose else file.parent.name
    has_preset = (home / PRESETS / f"{name}.toml").exists()
    told = Instructions(format=name) if has_preset else Instructions()
    if has_preset and told.checked(home / PRESETS).campaign_from:
        return told, ""
    if is_loose:
        raise ConfigError(
            "nobody says which campaign the events belong to",
            where=f"{INBOX}/{file.name}",
            do=(
                f"put the file into {INBOX}/CAMPAIGN, or write a preset {PRESETS}/{LOOSE}.toml "
                "with campaign_from = the column of campaigns"
            ),
        )
    return told, name


def _file_of(name: str, read: Imported) -> InboxFile:
    campaigns = tuple(read.campaigns)
    new = sum(each.new for each in read.campaigns.values())
    if read.is_understood:
        return InboxFile(name, DONE, campaigns, new)
    return InboxFile(name, FAILED, campaigns, new, f"most rows were not understood\n{read}")


def _move(inbox: Path, file: Path, taken: InboxFile) -> None:
    """Move a file to done or failed; one that is there already keeps its name."""
    folder = inbox / taken.state / file.parent.relative_to(inbox)
    make_private_folder(inbox / taken.state)
    folder.mkdir(parents=True, exist_ok=True)
    target = _free_name(folder, file.name)
    if taken.reason:
        write_whole(target.with_name(f"{target.name}{WHY}"), f"{taken.reason}\n".encode())
    file.replace(target)


def _free_name(folder: Path, name: str) -> Path:
    """The name, or the name with the first number that is free: report.csv, report.2.csv."""
    path = folder / name
    if not path.exists():
        return path
    for number in count(2):
        numbered = path.with_name(f"{path.stem}.{number}{path.suffix}")
        if not numbered.exists():
            return numbered
    raise AssertionError("numbers don't end")
