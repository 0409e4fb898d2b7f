"""What people ask in SQL, and the answer, as a table or into a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cxtools.errors import ConfigError, StoreError
from cxtools.events.replacements import repeat_when_replaced
from cxtools.measures.engine import Campaigns, Engine
from cxtools.queries.columns import VIEWS
from cxtools.queries.process import LESS, WORKERS, Limits, Worker
from cxtools.queries.rules import (
    Vocabulary,
    allowed_functions,
    check_document,
    check_kinds,
    own_names,
    read_names,
)
from cxtools.queries.views import view_request

if TYPE_CHECKING:
    import pyarrow as pa

#: Bytes of a unit, as DuckDB reads it.
UNITS = {"MB": 10**6, "GB": 10**9, "MiB": 2**20, "GiB": 2**30}
#: How many times its memory a statement may put on disk.
SPILL_TIMES = 4
#: Letters of a statement.
LONGEST_STATEMENT = 100_000
DEFAULT_SECONDS = 60

#: What takes the rows of an answer, some at a time.
Take = Callable[["pa.Schema", Iterator["pa.RecordBatch"]], None]


@dataclass(frozen=True)
class Statement:
    """
    What somebody typed.

        sql             one statement
        campaigns       those that the views hold; None for all
        show_addresses  whether addresses are shown whole
        seconds         after which it is ended
    """

    sql: str
    campaigns: Campaigns = None
    show_addresses: bool = False
    seconds: int = DEFAULT_SECONDS


def rows(engine: Engine, statement: Statement) -> pa.Table:
    """
    The rows that a statement selects.

    Raises:
        ConfigError: it isn't one `select` over the views, DuckDB doesn't understand it, or two of
            its columns have one name.
        StoreError: it takes more time or memory than it may, or events can't be read.
    """
    import pyarrow as pa

    most = limits_of(engine, statement.seconds).bytes
    taken: list[pa.Table] = []

    def take(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
        taken.clear()
        held: list[pa.RecordBatch] = []
        size = 0
        for batch in batches:
            held.append(batch)
            size += batch.nbytes
            if size > most:
                raise StoreError(
                    "the answer is larger than the memory that questions may take",
                    where="SQL",
                    do=f"{LESS}; on the command line, --parquet FILE writes it as it comes",
                )
        taken.append(pa.Table.from_batches(held, schema))

    answer(engine, statement, take)
    [table] = taken
    return table


@repeat_when_replaced
def answer(engine: Engine, statement: Statement, take: Take) -> None:
    """
    Hand the rows that a statement selects to somebody who takes them as they come; anew where the
    events were merged meanwhile.

    Raises:
        ConfigError, StoreError: as `rows`.
    """
    sql = statement.sql.strip()
    if len(sql) > LONGEST_STATEMENT:
        raise ConfigError(
            f"a statement has at most {LONGEST_STATEMENT:,} letters, not {len(sql):,}",
            where="SQL",
            do=LESS,
        )
    with WORKERS.one() as worker:
        named = _names_of(worker, sql)
        with engine.open_layers(statement.campaigns) as layers:
            request = view_request(engine, layers, named, show_addresses=statement.show_addresses)
            limits = limits_of(engine, statement.seconds)
            # closed at once when refused: a kept traceback would keep the answer open otherwise
            with closing(worker.batches(request | {"sql": sql}, limits)) as batches:
                schema = next(batches)
                _check_columns(schema)
                take(schema, batches)


def limits_of(engine: Engine, seconds: int) -> Limits:
    """What a statement may take, by the resources of the store."""
    resources = engine.store.resources
    most = bytes_of(resources.memory)
    config: dict[str, str | int] = {
        "memory_limit": resources.memory,
        "temp_directory": str(resources.spill.absolute()),
        "max_temp_directory_size": f"{SPILL_TIMES * most // 10**6} MB",
    }
    if resources.threads:
        config["threads"] = resources.threads
    return Limits(seconds, most, config)


def bytes_of(size: str) -> int:
    """
    An amount of memory, as settings write it, in bytes.

    >>> bytes_of("1.5 GB"), bytes_of("512MiB")
    (1500000000, 536870912)
    """
    number, unit = re.findall(r"[\d.]+|[A-Za-z]+", size)
    return int(float(number) * UNITS[unit])


def _check_columns(schema: pa.Schema) -> None:
    """Two columns of one name can't be told apart in a table, in JSON or in a file."""
    names = list(dict.fromkeys(schema.names))
    several = [name for name in names if schema.names.count(name) > 1]
    if several:
        raise ConfigError(
            f"several columns are named {', '.join(several)}",
            where="SQL",
            do=f"name the columns that you want, and give one of these another name: "
            f"{several[0]} as other_{several[0]}",
        )


def _names_of(worker: Worker, sql: str) -> set[str]:
    """The tables and columns that a statement names, if it is one that may be run."""
    parsed = worker.parse(sql)
    check_kinds(parsed.kinds)
    words = Vocabulary(VIEWS, allowed_functions(worker.functions), set(worker.tables))
    check_document(parsed.document, words)
    return read_names(parsed.document) - own_names(parsed.document)
