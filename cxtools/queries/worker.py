"""
The process that runs what people type: a script of its own, which knows nothing of cxtools.

A line of JSON comes in on stdin, frames go out on stdout: a line of JSON, and as many bytes as it
says. First comes what DuckDB has; then, for each request, either how its parser reads a statement,
or the rows that it selects, as Arrow.

DuckDB's own bounds don't hold for every function: `repeat('x', 3000000000)` takes 6 GB with a limit
of 300 MB, and isn't interrupted. So the process itself is bounded, and whoever started it may kill
it at any moment.
"""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

#: Address space that a process takes beside what DuckDB counts: Arrow and allocators; and for each
#: thread its stack and what its allocator sets aside.
SLACK = 1_000_000_000
THREAD_SLACK = 100_000_000
#: Seconds after which the process ends even if nobody is left to kill it.
GRACE_S = 5
#: Rows that are handed over at once.
BATCH_ROWS = 100_000
FUNCTIONS = """
select distinct function_name as name, function_type as type, coalesce(stability, '') as stability
from duckdb_functions()
"""
TABLES = """
select table_name as name from duckdb_tables()
union select view_name from duckdb_views()
"""
FILES = """
select *
from read_parquet($files, hive_partitioning = true, hive_types = {'campaign': varchar})
"""
#: Nothing but what was asked for: no extensions, no secrets, no variables of Python.
CONFIG: dict[str, Any] = {
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
}
#: Types that JSON, Parquet or sheets don't know: they are handed over as DuckDB writes them.
WRITTEN_AS_TEXT = re.compile(r"\b(BIT|BLOB|INTERVAL)\b")
#: What closes a database when all is in place.
LOCK = "set enable_external_access = false; set lock_configuration = true"


def send(kind: str, payload: bytes = b"", **facts: Any) -> None:
    """A frame."""
    head = {"kind": kind, "bytes": len(payload), **facts}
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + payload)
    sys.stdout.buffer.flush()


def greet(connection: duckdb.DuckDBPyConnection) -> None:
    """What DuckDB has by itself."""
    functions = connection.execute(FUNCTIONS).fetchall()
    tables = [name for (name,) in connection.execute(TABLES).fetchall()]
    connection.execute(LOCK)
    send("has", functions=functions, tables=tables)


def parse(connection: duckdb.DuckDBPyConnection, request: dict[str, Any]) -> None:
    """How DuckDB reads a statement; nothing is run."""
    statements = connection.extract_statements(request["sql"])
    kinds = [statement.type.name for statement in statements]
    document = "null"
    if kinds == ["SELECT"]:
        query = "select json_serialize_sql($sql)"
        [[document]] = connection.execute(query, {"sql": request["sql"]}).fetchall()
    send("parsed", document.encode(), kinds=kinds)


def select(request: dict[str, Any]) -> None:
    """The rows that a statement selects from the views."""
    limits = request["limits"]
    bound_process(limits)
    config = {**CONFIG, **limits["config"]}
    with duckdb.connect(config=config) as connection:
        connection.execute("set TimeZone = 'UTC'; create schema own; use own")
        for step in request["steps"]:
            prepare(connection, step)
        for name, sql in request["views"].items():
            connection.execute(f"create view shown_{name} as {sql}")
            connection.execute(f"create view main.{name} as select * from own.shown_{name}")
        connection.execute("use main")
        files: list[str] = []
        for step in request["steps"]:
            files += step.get("files", ())
        connection.execute("set allowed_paths = $files", {"files": files})
        connection.execute(LOCK)
        rows = with_texts(connection.sql(request["sql"]))
        reader = rows.to_arrow_reader(BATCH_ROWS)
        send("schema", reader.schema.serialize().to_pybytes())
        for batch in reader:
            send("rows", batch.serialize().to_pybytes())
    send("done")


def with_texts(rows: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The same rows, with texts where nobody else knows the type."""
    if not any(WRITTEN_AS_TEXT.search(str(kind)) for kind in rows.types):
        return rows
    columns = []
    for place, (name, kind) in enumerate(zip(rows.columns, rows.types, strict=True), 1):
        shown = f"cast(#{place} as varchar)" if WRITTEN_AS_TEXT.search(str(kind)) else f"#{place}"
        own_name = name.replace('"', '""')
        columns.append(f'{shown} as "{own_name}"')
    return rows.project(", ".join(columns))


def prepare(connection: duckdb.DuckDBPyConnection, step: dict[str, Any]) -> None:
    """One relation below the views: files, an Arrow table, or what a statement selects."""
    name = step["name"]
    if "files" in step:
        connection.sql(FILES, params={"files": step["files"]}).create_view(name)
    elif "table" in step:
        rows = pa.ipc.open_stream(base64.b64decode(step["table"])).read_all()
        connection.register("handed_over", rows)
        connection.execute(f"create table {name} as select * from handed_over")
        connection.unregister("handed_over")
    elif "setup" in step:
        connection.execute(step["setup"])
    else:
        connection.execute(f"create {step['as']} {name} as {step['sql']}")


def bound_process(limits: dict[str, Any]) -> None:
    """
    Bound what this process may take, where the system can: beyond it memory is refused, and the
    clock ends the process even if nobody waits for it any more.
    """
    with suppress(ImportError, OSError, ValueError):
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        threads = limits["config"].get("threads") or os.cpu_count() or 1
        most = pages * resource.getpagesize() + limits["bytes"] + SLACK + threads * THREAD_SLACK
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    if hasattr(signal, "alarm"):
        signal.alarm(limits["seconds"] + GRACE_S)


def answer(parser: duckdb.DuckDBPyConnection, line: bytes) -> None:
    """One request."""
    request = json.loads(line)
    try:
        if "steps" in request:
            select(request)
        else:
            parse(parser, request)
    except Exception as error:  # whatever it is, who asked is told, and may go on
        send("error", type=type(error).__name__, text=str(error))
    finally:
        if hasattr(signal, "alarm"):
            signal.alarm(0)


if __name__ == "__main__":
    parser_alone = duckdb.connect(config=CONFIG)
    greet(parser_alone)
    for request_line in sys.stdin.buffer:
        answer(parser_alone, request_line)
