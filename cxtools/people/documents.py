"""
Files of a home in which people are named: pages and notebooks, files that the inbox took in, rows
that were put aside. Those that cxtools keeps are written anew; those of the user are only named.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import IO

from cxtools.erasures import Erasures
from cxtools.files import write_whole
from cxtools.refresh.inbox import DONE, FAILED, INBOX

#: Folders of a home whose files cxtools keeps.
OURS = (
    "reports",
    f"{INBOX}/{DONE}",
    f"{INBOX}/{FAILED}",
    "events/_rejected",
)
#: Folders and files that hold no documents: the store, what questions spill, ledger, audit log.
ELSEWHERE = ("events", "spill")
LEDGER = ("ledger.sqlite*", "ledger-version-*", "audit-*", "erasures*", ".*")
#: What each line of is one row, and so of one person.
ROWS = (INBOX, "events/_rejected")
#: The beginnings of files in UTF-16, as Excel writes texts.
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
#: The beginnings of packed files -> how they are unpacked and packed.
PACKED: dict[bytes, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    b"\x1f\x8b": (gzip.decompress, gzip.compress),
    b"BZh": (bz2.decompress, bz2.compress),
    b"\xfd7zXZ": (lzma.decompress, lzma.compress),
}
ZIP = b"PK\x03\x04"
PARQUET = b"PAR1"
PDF = b"%PDF"

Clean = Callable[[str], str]


def kept_documents(home: Path) -> Iterator[Path]:
    """The documents that cxtools keeps in a home."""
    for name in OURS:
        yield from _files_in(home / name)


def own_documents(home: Path) -> Iterator[Path]:
    """The user's own files in a home: lists, specs, exports."""
    kept = set(kept_documents(home))
    for path in sorted(home.iterdir()) if home.exists() else []:
        if path.name in ELSEWHERE or any(path.match(pattern) for pattern in LEDGER):
            continue
        for file in _files_in(path) if path.is_dir() else [path]:
            if file not in kept:
                yield file


def _files_in(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path


def clean_document(file: Path, home: Path, erasures: Erasures) -> bool:
    """
    Write a document anew without those who are erased; whether it named any. A printed page that
    lies beside a page which named somebody is removed, since it can't be changed.
    """
    cleaned = cleaned_content(file, home, erasures)
    if cleaned is None:
        return False
    write_whole(file, cleaned)
    if file.suffix == ".html":
        file.with_suffix(".pdf").unlink(missing_ok=True)
    return True


def cleaned_content(file: Path, home: Path, erasures: Erasures) -> bytes | None:
    """What a document is to hold; None where it names nobody, or can't be read."""
    is_rows = any(file.is_relative_to(home / name) for name in ROWS)
    clean = _clean_row(erasures) if is_rows else erasures.clean_page
    content = file.read_bytes()
    cleaned = _cleaned(content, clean)
    return None if cleaned == content else cleaned


def _clean_row(erasures: Erasures) -> Clean:
    """A line of a table or of JSON: what it says is of the one person whom it names."""

    def clean(line: str) -> str:
        cleaned = erasures.clean_line(line)
        people = erasures.people_in(line) if cleaned != line else []
        if len(people) == 1:
            return people[0].clean_own(cleaned)
        return cleaned

    return clean


def _cleaned(content: bytes, clean: Clean) -> bytes:
    """Content without those who are erased: the same bytes where it names none of them."""
    for begin, (unpack, pack) in PACKED.items():
        if content.startswith(begin):
            return _clean_packed(content, unpack, pack, clean)
    if content.startswith(ZIP):
        return _clean_zip(content, clean)
    if content.startswith(PARQUET):
        return _clean_parquet(content, clean)
    if content.startswith(PDF):
        return content
    if content.startswith(UTF_16):
        text = content.decode("utf-16", errors="replace")
        cleaned = _clean_lines(text, clean)
        return content if cleaned == text else cleaned.encode("utf-16")
    text = content.decode(errors="surrogateescape")
    cleaned = _clean_lines(text, clean)
    return content if cleaned == text else cleaned.encode(errors="surrogateescape")


def _clean_lines(text: str, clean: Clean) -> str:
    return "".join(_clean_line(line, clean) for line in text.splitlines(keepends=True))


def _clean_line(line: str, clean: Clean) -> str:
    bare = line.rstrip("\r\n")
    return clean(bare) + line[len(bare) :]


def _clean_packed(
    content: bytes,
    unpack: Callable[[bytes], bytes],
    pack: Callable[[bytes], bytes],
    clean: Clean,
) -> bytes:
    try:
        inside = unpack(content)
    except (OSError, EOFError, zlib.error, lzma.LZMAError):
        return content
    cleaned = _cleaned(inside, clean)
    return content if cleaned == inside else pack(cleaned)


def _clean_zip(content: bytes, clean: Clean) -> bytes:
    """Each file of an archive, or of a workbook, which is one."""
    written = BytesIO()
    is_changed = False
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive, _new_zip(written) as copy:
            for entry in archive.infolist():
                inside = archive.read(entry)
                cleaned = _cleaned(inside, clean)
                is_changed |= cleaned != inside
                copy.writestr(entry, cleaned)
    except (zipfile.BadZipFile, RuntimeError):
        return content
    return written.getvalue() if is_changed else content


def _new_zip(file: IO[bytes]) -> zipfile.ZipFile:
    return zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED)


def _clean_parquet(content: bytes, clean: Clean) -> bytes:
    """The texts of a table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(BytesIO(content))
    except pa.ArrowException:
        return content
    cleaned = table
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            texts = [clean(text) if text else text for text in table[place].to_pylist()]
            cleaned = cleaned.set_column(place, field, pa.array(texts, field.type))
    if cleaned.equals(table):
        return content
    written = BytesIO()
    pq.write_table(cleaned, written)
    return written.getvalue()
