"""
Texts of JSON objects made compact, many at once, exactly as Python would write them.

DuckDB does it in 0.8 µs a row, against 5.8 for Python's decoding and encoding; msgspec's `format`
would take 0.85. It writes some numbers otherwise than Python, and reads some things that Python
refuses: texts that may hold such a thing are Python's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from cxtools.events.blocks import DOUBTFUL, array, replaced
from cxtools.model import RAW_JSON

#: Longer texts may be nested deeper than Python reads.
LONGEST = 2000


class Compactor:
    """
    Makes the texts of rows compact; objects that are none are left to others. *is_row* is asked
    about those whose text matches *doubt*.

    >>> compactor = Compactor('"results"', lambda value: "results" not in value)
    >>> compactor.compact(pa.array(['{"a": "\\u00fc", "b": 1.50}', '{"a": 1e3}\\n'])).to_pylist()
    ['{"a":"ü","b":1.5}', '{"a":1000.0}']
    >>> compactor.compact(pa.array(['{"a": 1', '{}'])) is None
    True
    >>> compactor.compact(pa.array(['{"results": []}'])) is None
    True
    """

    def __init__(self, doubt: str, is_row: Callable[[dict[str, Any]], bool]) -> None:
        self._is_row = is_row
        self._doubtful = f"{DOUBTFUL}|{doubt}"
        self._database = duckdb.connect(config={"threads": 1})

    def compact(self, given: pa.Array) -> pa.Array | None:
        """
        Texts that begin with a brace, each as `RAW_JSON` writes it; None where one isn't an
        object, or isn't a row.
        """
        try:
            doubtful = self._find_doubtful(given)
            corrected = [self._compact(text) for text in given.filter(doubtful).to_pylist()]
            return replaced(self._compact_all(given), doubtful, pa.array(corrected, pa.string()))
        except (duckdb.Error, ValueError, RecursionError):
            return None

    def _find_doubtful(self, given: pa.Array) -> pa.Array:
        is_long = pc.greater(pc.binary_length(given), LONGEST)
        return pc.or_(is_long, pc.match_substring_regex(given, self._doubtful))

    def _compact(self, text: str) -> str:
        row = json.loads(text)
        if not self._is_row(row):
            raise ValueError("not a plain row")
        return RAW_JSON.encode(row)

    def _compact_all(self, given: pa.Array) -> pa.Array:
        self._database.register("given", pa.table({"text": given}))
        query = "select cast(json(text) as varchar) as text from given"
        return self._database.sql(query).to_arrow_table()["text"]


#: The rows of documents' lists `results`, in their order, and how many names each has.
RESULTS = """
    select cast(result as varchar) as text, len(json_keys(result)) as names
    from (select unnest(json_extract(body, '$.results[*]')) as result from bodies)
"""


def result_texts(bodies: Sequence[bytes], *, rows: int, names: int) -> pa.Array | None:
    """
    The rows of documents that Python has read, each as `RAW_JSON` writes it.

    None where DuckDB finds another number of rows than Python did, or of names in them: where
    `results`, or a name in a row, stands twice, Python takes the last one.

    >>> body = b'{"results": [{"a": 1.0}, {}], "nextCursor": "1"}'
    >>> result_texts([body], rows=2, names=1).to_pylist()
    ['{"a":1.0}', '{}']
    """
    given = pa.table({"body": pa.array(bodies, pa.string())})
    try:
        with _database().cursor() as connection:
            found = connection.register("bodies", given).sql(RESULTS).to_arrow_table()
    except duckdb.Error:
        return None
    if len(found) != rows or (pc.sum(found["names"]).as_py() or 0) != names:
        return None
    return written_by_python(array(found["text"]))


@cache
def _database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def written_by_python(texts: pa.Array) -> pa.Array:
    """Texts of JSON; those that other programs may write otherwise are written by Python."""
    doubtful = pc.match_substring_regex(texts, DOUBTFUL)
    rows = [json.loads(text) for text in texts.filter(doubtful).to_pylist()]
    written = [RAW_JSON.encode(row) for row in rows]
    return replaced(texts, doubtful, pa.array(written, pa.string()))
