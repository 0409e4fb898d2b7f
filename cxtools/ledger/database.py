"""
The database of a ledger: transactions, one writer at a time, on SQLite or PostgreSQL.

SQLite by default: BEGIN IMMEDIATE (a deferred BEGIN fails at once where two writers meet),
synchronous=FULL, and the rollback journal unless SQLite is at least 3.51.3 (older write-ahead logs
can corrupt when processes checkpoint together).

PostgreSQL where machines share a ledger, with the same statements: one writer at a time there too,
by an advisory lock that a transaction takes first. Locks row by row would let more writers in than
a sender has use for, and would have to be thought through again with every change: two that wait
for each other, two that each look before the other has written.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple
from urllib.parse import quote

import sqlalchemy as sa

from cxtools.errors import ConfigError, StoreError, forget_locals
from cxtools.files import make_private

Key = TypeVar("Key")
Columns = TypeVarTuple("Columns")

#: PostgreSQL's advisory lock of the one writer; any number that is ours.
WRITER = 0x6378746F6F6C73
#: How long a transaction on PostgreSQL waits for its turn; and how long it may stand still, in a
#: suspended machine, until it loses it.
PATIENCE = {"lock_timeout": "60s", "idle_in_transaction_session_timeout": "20s"}
#: The first SQLite whose write-ahead log is safe when processes checkpoint together.
SAFE_WAL = (3, 51, 3)
#: Values that go into one statement.
VALUES_AT_ONCE = 500
#: How SQLite says that a file is damaged.
DAMAGED = ("not a database", "malformed")


class Database:
    """
    One database; safe for many threads, processes and, on PostgreSQL, machines.

    Raises:
        StoreError: it can't be opened, read or written; nothing of the refused transaction was
        kept.
    """

    def __init__(self, url: str | sa.URL) -> None:
        # an sa.URL shows no password, should a traceback show its locals
        self.url = _parse_url(url)
        #: the database's file; None where a server keeps it
        self.file: Path | None = None
        # SQLite reads one state of the file anyway; PostgreSQL has to be asked to
        self._read_options: dict[str, Any] = {"cxtools_reading": True}
        if self.url.get_backend_name() == "sqlite":
            self.file = Path(self.url.database or "")
            self._engine = _open_sqlite(self.url, self.file)
        else:
            self._engine = _open_postgresql(self.url)
            self._read_options["isolation_level"] = "REPEATABLE READ"

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction that may write; all of it is kept, or nothing."""
        with _as_store_errors(), self._engine.begin() as tx:
            yield tx

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One consistent view; never waits for a writer's lease, writes nothing."""
        with _as_store_errors(), self._engine.connect() as connection:
            yield connection.execution_options(**self._read_options)

    def close(self) -> None:
        """Close the idle connections; the database stays usable."""
        self._engine.dispose()

    def scrub(self) -> None:
        """
        Write the database anew, so that nothing of rows that were changed or deleted is left in its
        files. On PostgreSQL their room is given free; older copies stand in its log and in backups.
        """
        with _as_store_errors():
            connection = self._engine.raw_connection()
            try:
                driver: Any = connection.driver_connection
                if self.file is None:
                    driver.autocommit = True
                    driver.execute("vacuum")
                    driver.autocommit = False
                else:
                    driver.execute("vacuum")
                    driver.execute("pragma wal_checkpoint(truncate)").close()
            finally:
                connection.close()

    def rows(self, query: sa.Select[*Columns]) -> Sequence[sa.Row[*Columns]]:
        """All rows of one query, in a view of its own."""
        with self.reading() as tx:
            return tx.execute(query).all()


def insert_missing(
    tx: sa.Connection,
    table: sa.Table[Any],
    rows: Sequence[Mapping[str, object]],
) -> None:
    """Insert the rows whose keys the table doesn't hold yet."""
    if rows:
        tx.execute(_insert_statement(tx, table), rows)


def _insert_statement(tx: sa.Connection, table: sa.Table[Any]) -> sa.Insert:
    """Both databases write it alike, and SQLAlchemy has one for each."""
    from sqlalchemy.dialects import postgresql, sqlite

    if tx.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def in_groups(keys: Iterable[Key]) -> Iterator[list[Key]]:
    """The keys in groups that one statement can take."""
    every = list(keys)
    for start in range(0, len(every), VALUES_AT_ONCE):
        yield every[start : start + VALUES_AT_ONCE]


def _parse_url(url: str | sa.URL) -> sa.URL:
    """
    The address of a ledger.

    It is checked here: what SQLAlchemy or a driver says of a wrong one may hold parts of a
    password.
    """
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        parsed = sa.make_url("unreadable://")
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return parsed
    if backend != "postgresql" or "@" in (parsed.host or ""):
        raise ConfigError(
            "CXTOOLS_LEDGER is not the address of a ledger",
            do="write sqlite:////folder/ledger.sqlite or "
            "postgresql+psycopg://user@host/database; a password is better kept in PGPASSFILE, "
            "in the address its @ is %40 and its / is %2F",
        )
    return parsed.set(drivername="postgresql+psycopg")


def _open_postgresql(url: sa.URL) -> sa.Engine:
    try:
        engine = sa.create_engine(
            url, hide_parameters=True, pool_pre_ping=True, connect_args={"connect_timeout": 10}
        )
    except ModuleNotFoundError:
        raise ConfigError(
            "a ledger on PostgreSQL needs psycopg", do="pip install 'cxtools[postgres]'"
        ) from None
    sa.event.listen(engine, "connect", _prepare_postgresql)
    sa.event.listen(engine, "begin", _begin_postgresql)
    return engine


def _prepare_postgresql(connection: Any, _record: object) -> None:
    for name, value in PATIENCE.items():
        connection.execute(f"set {name} = '{value}'")
    connection.commit()


def _begin_postgresql(connection: sa.Connection) -> None:
    if not _is_reading(connection):
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({WRITER})")


def _open_sqlite(url: sa.URL, file: Path) -> sa.Engine:
    if file.exists() and not os.access(file, os.W_OK):
        return _open_sqlite_to_read(file)
    _make_private(file)
    engine = sa.create_engine(
        url, hide_parameters=True, connect_args={"timeout": 30, "check_same_thread": False}
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _open_sqlite_to_read(file: Path) -> sa.Engine:
    """
    A ledger that may only be read: questions are asked of it all the same, each by a connection of
    its own, since what one that takes the file for immutable has read goes out of date.
    """
    log = file.with_name(f"{file.name}-wal")
    path = quote(str(file.absolute()))

    def connect() -> sqlite3.Connection:
        # a write-ahead log that nobody has open can't be opened either where no file may be made
        how = "mode=ro" if log.exists() else "mode=ro&immutable=1"
        return sqlite3.connect(f"file:{path}?{how}", uri=True, timeout=30, check_same_thread=False)

    engine = sa.create_engine(
        "sqlite://", creator=connect, poolclass=sa.NullPool, hide_parameters=True
    )
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # BEGIN is ours, see the head of the module
    mode = "WAL" if sqlite3.sqlite_version_info >= SAFE_WAL else "DELETE"
    for pragma in (f"journal_mode={mode}", "synchronous=FULL", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN" if _is_reading(connection) else "BEGIN IMMEDIATE")


def _is_reading(connection: sa.Connection) -> bool:
    return bool(connection.get_execution_options().get("cxtools_reading"))


def _make_private(file: Path) -> None:
    """The ledger holds addresses: only its owner reads it."""
    try:
        make_private(file)
    except OSError as refused:
        raise StoreError(
            f"the ledger can't be opened: {refused.strerror}",
            where=str(file),
            do="check the folder's rights and space, or set CXTOOLS_HOME",
        ) from None


@contextmanager
def _as_store_errors() -> Iterator[None]:
    reason = ""
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        # It stays as __context__, since a `with` is being left; it carries the statement's values
        # and the database's password.
        forget_locals(error)
        vars(error).update(params=None, orig=None)
    if reason:
        raise StoreError(f"the ledger refused: {reason}", do=_advice(reason))


def _advice(reason: str) -> str:
    if any(words in reason for words in DAMAGED):
        return "the file is damaged: keep it, and bring its newest good copy back"
    return (
        "see that its place is there, with rights and space, then run the command again; "
        "nothing of this step was kept"
    )
