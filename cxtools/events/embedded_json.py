"""
Rows that stand as JSON inside of other lines: behind the words of a log, in a column of a table.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from cxtools.events import feeds
from cxtools.events.feeds.table import FIELDS
from cxtools.events.feeds.values import spelling
from cxtools.events.lines import Line, Unreadable
from cxtools.events.wrappers import SUBJECTS, plain_value, rows_of

if TYPE_CHECKING:
    from cxtools.tables.delimited import DelimitedTable

#: A line in which words stand before an object, perhaps a moment in brackets.
BEHIND_WORDS = re.compile(r'(\[[^\[\]{}"]*\]|[^\[{"])[^{"\n]*\{\s*"[^"\n]*"\s*:')
LOG_NOTE = "what stands in each line before the JSON was left out"
#: How much of a line that can't be read is kept.
LONGEST_REJECT = 2000
#: So many rows of a table are looked at.
ROWS_LOOKED_AT = 20


def is_behind_words(beginning: str) -> bool:
    """
    Whether a text begins with a line of a log that ends with an object.

    >>> is_behind_words('2026-03-02 INFO {"event": "open"}'), is_behind_words('{"event": "open"}')
    (True, False)
    """
    return BEHIND_WORDS.match(beginning) is not None


def rows_behind_words(text: IO[str], notes: list[str]) -> Iterator[Line]:
    """
    The rows of a log's lines, without what stands before them.

    >>> import io
    >>> [line.row for line in rows_behind_words(io.StringIO('INFO {"event": "open"}'), [])]
    [{'event': 'open'}]
    """
    notes.append(LOG_NOTE)
    for number, line in enumerate(text, start=1):
        written = line.strip()
        if written:
            _, brace, rest = written.partition("{")
            yield from _rows_of_text(number, brace + rest, written)


def json_column(table: DelimitedTable) -> str:
    """
    The column of a table that holds its rows as JSON; "" where there is none, or the others say
    what happened or to whom.
    """
    names = table.header.names
    fields = {FIELDS.get(spelling(name)) for name in names}
    tells = "kind" in fields or not SUBJECTS.isdisjoint(fields)
    if tells or feeds.recognise(dict.fromkeys(names, "")) != "table":
        return ""
    reader = csv.reader(table.waiting, delimiter=table.delimiter)
    rows = [row for row in islice(reader, ROWS_LOOKED_AT) if len(row) == len(names)]
    for place, name in enumerate(names):
        if rows and all(isinstance(_value(row[place]), dict) for row in rows):
            return name
    return ""


def rows_in_cells(rows: Iterable[Line], column: str, notes: list[str]) -> Iterator[Line]:
    """
    The rows in the cells of a column; one that no vendor recognises has the row's other cells, too.

    >>> table = [Line(2, {"time": "2026-03-02", "payload": '{"event": "open"}'})]
    >>> [line.row for line in rows_in_cells(table, "payload", [])]
    [{'time': '2026-03-02', 'event': 'open'}]
    """
    notes.append(f"the objects in the column {column} were read as the rows")
    for line in rows:
        if not isinstance(line.row, dict):
            yield line
            continue
        others = {name: cell for name, cell in line.row.items() if name != column}
        for inner in _rows_of_text(line.number, line.row[column], line.row[column]):
            yield Line(line.number, _with_others(inner.row, others))


def _with_others(row: object, others: dict[str, Any]) -> object:
    if not isinstance(row, dict) or feeds.recognise(row) != "table":
        return row
    return {**others, **row}


def _rows_of_text(number: int, text: str, written: str) -> Iterator[Line]:
    value = _value(text)
    if not isinstance(value, dict | list):
        yield Line(number, Unreadable("there is no JSON object in it", written[:LONGEST_REJECT]))
        return
    for row in rows_of(plain_value(value)):
        yield Line(number, row)


def _value(text: str) -> object:
    """The value of a text of JSON; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
