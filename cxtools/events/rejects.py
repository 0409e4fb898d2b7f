"""Rows of a feed that can't be read, put aside for a person to look at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO


class Rejects:
    """
    Rows that can't be read, each with the reason.

    `count` is how many there are; `path` is where they stand once they are kept, None when there
    were none.
    """

    def __init__(self, spool: IO[bytes]) -> None:
        self._spool = spool
        self.count = 0
        self.path: Path | None = None

    def add(self, reason: str, row: str, line: int | None = None) -> None:
        """Put a row aside; *line* is its place in the file, if it has one."""
        entry: dict[str, object] = {} if line is None else {"line": line}
        entry["reason"] = reason
        entry["row"] = row
        text = json.dumps(entry)
        line_of_json = f"{text}\n".encode()
        self._spool.write(line_of_json)
        self.count += 1
