"""The rows of a Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from cxtools.errors import ConfigError
from cxtools.events.lines import Line

if TYPE_CHECKING:
    import pyarrow as pa

    from cxtools.events.lines import Piece

BATCH_ROWS = 10_000


def parquet_rows(file: IO[bytes], *, in_blocks: bool) -> Iterator[Piece]:
    """
    The rows of a file, *in_blocks* where its columns are texts, numbers and moments.

    Raises:
        ConfigError: the file is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 1
    try:
        for batch in pq.ParquetFile(file).iter_batches(batch_size=BATCH_ROWS):
            batch.validate(full=True)
            numbers = range(number, number + len(batch))
            number += len(batch)
            if in_blocks and _is_plain(batch.schema):
                from cxtools.events.blocks import TableBlock

                yield TableBlock(numbers, _with_plain_texts(pa.table(batch)))
            else:
                names = tuple(batch.schema.names) if _is_plain(batch.schema) else None
                rows = zip(numbers, batch.to_pylist(), strict=True)
                yield from (Line(number, row, names) for number, row in rows)
    except pa.ArrowException as error:
        raise ConfigError(
            f"the Parquet file is damaged: {error}", do="write it again; nothing was imported"
        ) from error


def _is_plain(schema: pa.Schema) -> bool:
    import pyarrow as pa

    if len(set(schema.names)) < len(schema.names):
        return False
    kinds = pa.types
    tests = (
        kinds.is_string,
        kinds.is_large_string,
        kinds.is_integer,
        kinds.is_floating,
        kinds.is_boolean,
        kinds.is_timestamp,
        kinds.is_date,
        kinds.is_null,
    )
    return all(any(test(kind) for test in tests) for kind in schema.types)


def _with_plain_texts(table: pa.Table) -> pa.Table:
    """The table with all texts of one type."""
    import pyarrow as pa

    fields = []
    for column in table.schema:
        is_large = pa.types.is_large_string(column.type)
        fields.append(column.with_type(pa.string()) if is_large else column)
    return table.cast(pa.schema(fields))
