"""
What a file really is, whatever its ending says, and what was packed into it.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, cast

from cxtools.errors import ConfigError
from cxtools.files import check_is_local

#: How much of a file is looked at to tell what it is.
HEAD_BYTES = 4096
#: A ZIP in a gzip is opened, and so on, but not for ever.
MOST_LAYERS = 4

ZIP = b"PK\x03\x04"
EMPTY_ZIP = b"PK\x05\x06"
#: Excel's form before 2007, and the shell of a workbook with a password.
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
PARQUET = b"PAR1"
#: Members of a ZIP that make it a workbook.
WORKBOOKS = {"xl/workbook.xml", "xl/workbook.bin", "content.xml"}
#: What macOS puts into each ZIP.
NOT_CONTENT = ("__MACOSX/", ".DS_Store")
HAS_PASSWORD = 0x1
#: Members that an error names.
NAMES_SHOWN = 5

#: First bytes -> how they are unpacked.
PACKED: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
AS_CSV = "export it as CSV, JSON or an Excel workbook"
UNPACK = "unpack it, and name the file that was in it"
#: First bytes, in lower case -> what that is, and what to do.
REFUSED: dict[bytes, tuple[str, str]] = {
    b"\x28\xb5\x2f\xfd": ("is packed by Zstandard", UNPACK),
    b"7z\xbc\xaf\x27\x1c": ("is a 7-Zip archive", UNPACK),
    b"rar!": ("is a RAR archive", UNPACK),
    b"%pdf": ("is a PDF", AS_CSV),
    b"sqlite format 3": ("is an SQLite database", AS_CSV),
    b"obj\x01": ("is an Avro file", AS_CSV),
    b"arrow1": ("is an Arrow file", "write it as Parquet or CSV"),
    b"{\\rtf": ("is a text document (RTF)", AS_CSV),
    b"\x89png": ("is a picture", AS_CSV),
    b"<?xml": ("is XML", f"{AS_CSV}; where Excel opens it, save it there as .xlsx"),
    b"<html": ("is a web page", f"perhaps a sign-in page was saved instead: {AS_CSV}"),
    b"<!doctype html": ("is a web page", f"perhaps a sign-in page was saved instead: {AS_CSV}"),
}
#: The first bytes of ORC, which a word of a table may be in lower case.
ORC = b"ORC"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

#: What opening or reading a file may raise but for ConfigError.
READING_ERRORS = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    NotImplementedError,
    UnicodeError,
    csv.Error,
)


@dataclass(frozen=True)
class Content:
    """
    The content of a file, unpacked.

        file    its bytes; can be read from the start again
        kind    what they are
        notes   sentences about how it was read, which its user should know
    """

    file: IO[bytes]
    kind: Literal["workbook", "parquet", "text"]
    notes: list[str] = field(default_factory=list)


@contextmanager
def open_content(path: Path) -> Iterator[Content]:
    """
    The content of a file, for a `with` block.

    Raises:
        ConfigError: it is something that can't be read, a ZIP of several files, or a URL.
        one of READING_ERRORS: it can't be opened, or is damaged.
    """
    check_is_local(path)
    with ExitStack() as stack:
        file: IO[bytes] = stack.enter_context(path.open("rb"))
        for _ in range(MOST_LAYERS):
            unpacked = _unpacked(file, path)
            if unpacked is None:
                break
            file = stack.enter_context(unpacked)
        yield Content(file, _kind(file, path))


def reason_of(error: BaseException) -> str:
    """Why a file can't be read, in a few words."""
    if isinstance(error, zipfile.BadZipFile):
        return "it is a ZIP or an Excel workbook, and damaged"
    if isinstance(error, NotImplementedError):
        return "it is a ZIP of a newer form; pack it as a common one, or unpack it"
    if isinstance(error, io.UnsupportedOperation):
        return "it is a pipe, and files are read more than once: write it to a file, and name that"
    return getattr(error, "strerror", None) or str(error)


def _unpacked(file: IO[bytes], path: Path) -> IO[bytes] | None:
    """What was packed into a file; None where nothing was."""
    head = head_of(file)
    for beginning, unpack in PACKED.items():
        if head.startswith(beginning):
            return cast(IO[bytes], unpack(file))
    if head.startswith((ZIP, EMPTY_ZIP)):
        archive = zipfile.ZipFile(file)
        if WORKBOOKS.isdisjoint(archive.namelist()):
            return archive.open(_only_member(archive, path))
    return None


def _only_member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    members = [member for member in archive.infolist() if _is_content(member)]
    if len(members) != 1:
        raise ConfigError(
            f"{path.name} is a ZIP of {len(members)} files",
            where=str(path),
            do=f"unpack it, and name its files one by one{_named(members)}",
        )
    [member] = members
    if member.flag_bits & HAS_PASSWORD:
        raise ConfigError(
            f"{path.name} is a ZIP with a password",
            where=str(path),
            do=UNPACK,
        )
    return member


def _is_content(member: zipfile.ZipInfo) -> bool:
    name = member.filename
    return not (member.is_dir() or name.startswith(NOT_CONTENT) or name.endswith(NOT_CONTENT))


def _named(members: Sequence[zipfile.ZipInfo]) -> str:
    names = [member.filename for member in members[:NAMES_SHOWN]]
    if len(members) > NAMES_SHOWN:
        names.append("…")
    return f" ({', '.join(names)})" if names else ""


def _kind(file: IO[bytes], path: Path) -> Literal["workbook", "parquet", "text"]:
    head = head_of(file)
    if head.startswith((ZIP, OLE)):
        return "workbook"
    if head.startswith(PARQUET):
        return "parquet"
    if head.startswith(ORC):
        raise ConfigError(f"{path.name} is an ORC file", where=str(path), do=AS_CSV)
    beginning = head.removeprefix(BYTE_ORDER_MARK).lstrip().lower()
    for signature, (what, advice) in REFUSED.items():
        if beginning.startswith(signature):
            raise ConfigError(f"{path.name} {what}", where=str(path), do=advice)
    return "text"


def head_of(file: IO[bytes]) -> bytes:
    """The first bytes of a file; then it stands at its start."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    file.seek(0)
    return head
