"""
Files that are written whole, private and durable.

A reader meets all of a file or none of it, also after a kill or a loss of power: a file is written
under a hidden name, fsynced and renamed, and the folder is fsynced, too. Unless asked otherwise,
only its owner can read it. What the disk refuses is raised as OSError; callers say what it means.
"""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO

from cxtools.errors import ConfigError

#: The content of a file: bytes, or a function that writes them.
Content = bytes | Callable[[IO[bytes]], object]

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700

#: The beginning of a URL, of which a path keeps one stroke; a drive of Windows has one letter.
SCHEME = re.compile(r"[A-Za-z][\w+.-]+:/")

#: The errors of a folder that can't be fsynced: no right to read it, or a system without that call.
CANT_SYNC = {errno.EACCES, errno.EPERM, errno.EINVAL, errno.ENOTSUP}


def check_is_local(path: Path) -> None:
    """
    Refuse a URL, which would be a folder called `s3:` here.

    Raises:
        ConfigError: it is one.

    >>> check_is_local(Path("reports"))
    >>> check_is_local(Path("s3://bucket/reports"))
    Traceback (most recent call last):
        ...
    cxtools.errors.ConfigError: a URL is not a place on this machine  [s3:/bucket/reports]
      -> name a local path; the tools of that store copy files to and from it
    """
    if SCHEME.match(str(path)):
        raise ConfigError(
            "a URL is not a place on this machine",
            where=str(path),
            do="name a local path; the tools of that store copy files to and from it",
        )


def write_whole(
    file: Path, content: Content, *, mode: int = PRIVATE_FILE, make_folder: bool = True
) -> Path:
    """
    Write a file that appears, or replaces the one of its name, all at once; return it.

    Its folder is made where there is none, unless *make_folder* is false: then that is an error, as
    what belongs to a folder has no place where somebody removed it. After an error nothing new is
    left in it. What is no file, as a pipe or a device, is written into and stays what it is.

    >>> file = write_whole(Path(tempfile.mkdtemp()) / "reports" / "page.html", b"<p>done</p>")
    >>> file.read_bytes(), oct(file.stat().st_mode & 0o777)
    (b'<p>done</p>', '0o600')
    """
    if file.exists() and not (file.is_file() or file.is_dir()):
        with file.open("wb") as device:
            _write_content(device, content)
        return file
    with Staging() as staging:
        staging.write(file, content, mode=mode, make_folder=make_folder)
        staging.publish()
    return file


class Staging:
    """
    Files that wait under hidden names until `publish` gives all of them their own.

    What is not published when the `with` block ends is removed.

    >>> folder = Path(tempfile.mkdtemp())
    >>> with Staging() as staging:
    ...     staging.write(folder / "one", b"1")
    ...     staging.write(folder / "two", b"2")
    ...     waiting = sorted(folder.glob("one")) + sorted(folder.glob("two"))
    ...     staging.publish()
    >>> waiting, sorted(file.name for file in folder.iterdir())
    ([], ['one', 'two'])
    """

    def __init__(self) -> None:
        self._final_names: dict[Path, Path] = {}

    def __enter__(self) -> Staging:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for hidden in self._final_names:
            hidden.unlink(missing_ok=True)

    @property
    def hidden_files(self) -> list[Path]:
        """What was written and is not published yet; whole and readable under these names."""
        return list(self._final_names)

    def write(
        self, file: Path, content: Content, *, mode: int = PRIVATE_FILE, make_folder: bool = True
    ) -> None:
        """Write the content of *file* under a hidden name beside it, and make it durable."""
        if make_folder:
            make_private_folder(file.parent)
        hidden = _write_hidden(file, content, mode)
        self._final_names[hidden] = file

    def publish(self) -> None:
        """Give each file its own name, and make the names durable."""
        for hidden, file in self._final_names.items():
            hidden.replace(file)
        for folder in {file.parent for file in self._final_names.values()}:
            sync_folder(folder)
            sync_folder(folder.parent)
        self._final_names.clear()


@contextmanager
def hidden_until_whole(file: Path, *, make_folder: bool = True) -> Iterator[Path]:
    """
    A hidden, private and empty file for someone else to write; when the block ends well it is made
    durable and becomes *file*, else it is removed. Without *make_folder* a folder that isn't there
    is an error.

    >>> file = Path(tempfile.mkdtemp()) / "copy"
    >>> with hidden_until_whole(file) as hidden:
    ...     _ = hidden.write_bytes(b"written by a program")
    >>> file.read_bytes(), [path.name for path in file.parent.iterdir()]
    (b'written by a program', ['copy'])
    """
    if make_folder:
        make_private_folder(file.parent)
    hidden = _write_hidden(file, b"", PRIVATE_FILE)
    try:
        yield hidden
        with hidden.open("rb") as written:
            os.fsync(written.fileno())
        hidden.replace(file)
        sync_folder(file.parent)
    finally:
        hidden.unlink(missing_ok=True)


def create_once(file: Path, content: bytes) -> bytes:
    """
    The content of *file*, which is made of *content* where there is none.

    Of several processes that make it at the same time one is first, and all return what it wrote.
    """
    if not file.exists():
        hidden = _write_hidden(file, content, PRIVATE_FILE)
        try:
            with suppress(FileExistsError):
                os.link(hidden, file)
        finally:
            hidden.unlink()
    return file.read_bytes()


def append_line(file: Path, line: str) -> None:
    """
    Append a line and make it durable; a line that a crash cut off is ended first.

    >>> file = Path(tempfile.mkdtemp()) / "anchors.txt"
    >>> _ = file.write_text("1 whole\\n2 cut of")
    >>> append_line(file, "3 whole")
    >>> file.read_text()
    '1 whole\\n2 cut of\\n3 whole\\n'
    """
    make_private_folder(file.parent)
    handle = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, PRIVATE_FILE)
    with open(handle, "r+b") as appended:
        size = appended.seek(0, os.SEEK_END)
        if size and os.pread(handle, 1, size - 1) != b"\n":
            appended.write(b"\n")
        appended.write(f"{line}\n".encode())
        appended.flush()
        os.fsync(handle)


def erase(file: Path) -> None:
    """Remove a file for good: its content is overwritten first, where the disk does so in place."""
    if not file.exists():
        return
    with file.open("r+b") as erased:
        erased.write(b"0" * file.stat().st_size)
        erased.flush()
        os.fsync(erased.fileno())
    file.unlink()


def make_private(file: Path) -> None:
    """
    Make a file, and its folder, that only the owner can read, where there is none; an existing one
    keeps its mode.
    """
    make_private_folder(file.parent)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, PRIVATE_FILE))


def make_private_folder(folder: Path) -> None:
    """
    Make a folder that only its owner can enter, and the missing ones above it in the same way;
    those that exist keep their mode.

    Raises:
        ConfigError: it is a URL.

    >>> above = Path(tempfile.mkdtemp()) / "home"
    >>> make_private_folder(above / "events")
    >>> oct(above.stat().st_mode & 0o777), oct((above / "events").stat().st_mode & 0o777)
    ('0o700', '0o700')
    """
    check_is_local(folder)
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    folder.mkdir(exist_ok=True)  # where a file has its name, that is the error


def _write_hidden(file: Path, content: Content, mode: int) -> Path:
    """A hidden, fsynced file beside *file*; no file when that fails."""
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".tmp", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as hidden:
            if mode != PRIVATE_FILE:
                os.fchmod(handle, mode)
            _write_content(hidden, content)
            hidden.flush()
            os.fsync(handle)
    except BaseException:
        os.unlink(name)
        raise
    return Path(name)


def _write_content(file: IO[bytes], content: Content) -> None:
    if isinstance(content, bytes):
        file.write(content)
    else:
        content(file)


def sync_folder(folder: Path) -> None:
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as refused:
        if refused.errno not in CANT_SYNC:
            raise
