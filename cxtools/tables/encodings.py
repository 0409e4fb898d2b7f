"""
Text in whatever encoding: by a byte order mark, by the look of UTF-16, else UTF-8 or Windows-1252.

Windows-1252 is taken for a whole file or not at all. Ours because a library that guesses encodings
(charset-normalizer) takes a sample of a file, and the only odd byte may stand in its last row.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from cxtools.tables.containers import head_of

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
UTF_8 = "utf-8-sig"
WINDOWS = "cp1252"
#: The share of zeros among every second byte of UTF-16; Western names of columns have 100 %.
ZEROS = 0.6
BUFFER_BYTES = 1 << 20
#: Of a letter of Windows-1252, or of UTF-8, so many bytes at most are missing.
LONGEST_LETTER = 3

AS_WINDOWS = (
    "the text is not UTF-8: it was read as Windows-1252; if names look odd, save it as UTF-8"
)
#: Bytes that aren't UTF-8, as Python hands them through; those that Windows-1252 doesn't know.
FIRST_ODD = "\udc80"
LAST_ODD = "\udcff"
NOT_WINDOWS = set("\udc81\udc8d\udc8f\udc90\udc9d")


def open_text(file: IO[bytes], notes: list[str]) -> io.TextIOWrapper:
    """
    The text of a file; line ends stay as they are. A byte that isn't text becomes a lone surrogate,
    so that it costs its row and not the file.

    *notes* gets a sentence where the file was read as Windows-1252.
    """
    encoding = encoding_of(head_of(file))
    if encoding != UTF_8:
        return io.TextIOWrapper(file, encoding=encoding, newline="")
    utf_8 = io.BufferedReader(_InUtf8(file, notes), BUFFER_BYTES)
    return io.TextIOWrapper(utf_8, encoding=UTF_8, errors="surrogateescape", newline="")


def beginning_of(file: IO[bytes]) -> str:
    """The first letters of a text, without white space before them."""
    head = head_of(file)
    return head.decode(encoding_of(head), "replace").lstrip("\ufeff \t\r\n")


def encoding_of(head: bytes) -> str:
    """
    The encoding that a text seems to have by its first bytes.

    >>> encoding_of("event,email".encode("utf-16-le")), encoding_of(b"event,email")
    ('utf-16-le', 'utf-8-sig')
    """
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding
    zeros_in_even = _zeros(head[::2])
    zeros_in_odd = _zeros(head[1::2])
    if zeros_in_odd > ZEROS and not zeros_in_even:
        return "utf-16-le"
    if zeros_in_even > ZEROS and not zeros_in_odd:
        return "utf-16-be"
    return UTF_8


def _zeros(half: bytes) -> float:
    return half.count(0) / max(len(half), 1)


class _InUtf8(io.RawIOBase):
    """
    The bytes of a file that is UTF-8, or Windows-1252 written anew.

    Which it is is decided at the first byte that isn't UTF-8: by all bytes of the file.
    """

    def __init__(self, file: IO[bytes], notes: list[str]) -> None:
        self._file = file
        self._notes = notes
        self._letters = 0
        self._is_decided = False
        self._is_windows = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        with memoryview(buffer) as view:
            size = len(view) // LONGEST_LETTER - LONGEST_LETTER
            chunk = self._file.read(max(size, 1))
            if not chunk.isascii():
                chunk = self._in_utf_8(chunk)
            view[: len(chunk)] = chunk
            return len(chunk)

    def _in_utf_8(self, chunk: bytes) -> bytes:
        if not self._is_decided:
            chunk = self._whole_letters(chunk)
            self._look_at(chunk)
        if self._is_windows:
            return chunk.decode(WINDOWS).encode()
        return chunk

    def _whole_letters(self, chunk: bytes) -> bytes:
        """The chunk and the bytes that complete its last letter."""
        for _ in range(LONGEST_LETTER):
            last = chunk[-LONGEST_LETTER:]
            _, end = codecs.utf_8_decode(last, "replace", False)
            if end < len(last):
                chunk += self._file.read(1)
        return chunk

    def _look_at(self, chunk: bytes) -> None:
        try:
            self._letters += _foreign_letters(chunk.decode())
        except UnicodeDecodeError:
            self._is_decided = True
            self._is_windows = self._seems_windows(chunk)
            if self._is_windows:
                self._notes.append(AS_WINDOWS)

    def _seems_windows(self, chunk: bytes) -> bool:
        """Whether fewer letters of the whole file are UTF-8 than bytes are not."""
        letters = self._letters
        odd = 0
        for text in self._texts_from(chunk):
            odd_in_text = sum(FIRST_ODD <= letter <= LAST_ODD for letter in text)
            if not NOT_WINDOWS.isdisjoint(text):
                return False
            odd += odd_in_text
            letters += _foreign_letters(text) - odd_in_text
        return letters < odd

    def _texts_from(self, chunk: bytes) -> Iterator[str]:
        """The rest of the file from a chunk on; then it stands where it stood."""
        place = self._file.tell()
        decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        while chunk:
            yield decoder.decode(chunk)
            chunk = self._file.read(BUFFER_BYTES)
        yield decoder.decode(b"", final=True)
        self._file.seek(place)


def _foreign_letters(text: str) -> int:
    return len(text) - len(text.encode("ascii", "ignore"))
