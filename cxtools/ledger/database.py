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

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cxtools.errors import ConfigError, StoreError, forget_locals
from cxtools.files import make_private

#: PostgreSQL's advisory lock of the one writer; any number that is ours.
WRITER = 0x6378746F6F6C73
#: How long a transaction on PostgreSQL waits for its turn; and how long it may stand still, in a
#: suspended machine, until it loses it.
PATIENCE = {"lock_timeout": "60s", "idle_in_transaction_session_timeout": "20s"}


class Database:
    """
    One database; safe for many threads, processes and, on PostgreSQL, machines.

    Raises:
        StoreError: it can't be opened, read or written; nothing of the refused transaction was
        kept.
    """

    def __init__(self, url: str | sa.URL) -> None:
        self.url = _place(url)  # which shows no password, should a traceback show its locals
        #: the folder of a database that is a file
        self.folder = (
            Path(self.url.database or "").parent
            if self.url.get_backend_name() == "sqlite"
            else None
        )
        self._engine = _sqlite(self.url) if self.folder else _postgresql(self.url)
        # SQLite reads one state of the file anyway; PostgreSQL has to be asked to.
        self._reading = {"cxtools_reading": True} | (
            {} if self.folder else {"isolation_level": "REPEATABLE READ"}
        )

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction that may write; all of it is kept, or nothing."""
        with _as_store_errors(), self._engine.begin() as tx:
            yield tx

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One consistent view; never waits for a writer's lease, writes nothing."""
        with _as_store_errors(), self._engine.connect().execution_options(**self._reading) as tx:
            yield tx

    def close(self) -> None:
        """Close the idle connections; the database stays usable."""
        self._engine.dispose()

    def rows(self, query: sa.Select[Any]) -> list[sa.Row[Any]]:
        """All rows of one query, in a view of its own."""
        with self.reading() as tx:
            return list(tx.execute(query))


def insert_missing(tx: sa.Connection, table: sa.Table) -> Any:
    """An INSERT that may end in `.on_conflict_do_nothing()`, as both databases write it."""
    from sqlalchemy.dialects import postgresql, sqlite

    return postgresql.insert(table) if tx.dialect.name == "postgresql" else sqlite.insert(table)


def groups(keys: Iterable[Any]) -> Iterator[list[Any]]:
    """The keys in groups: a statement takes so many values, no more."""
    every = list(keys)
    return (every[start : start + 500] for start in range(0, len(every), 500))


def _place(url: str | sa.URL) -> sa.URL:
    """
    The address, checked here: what SQLAlchemy or a driver says of a wrong one may hold parts of a
    password.
    """
    try:
        place = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        place = sa.make_url("unreadable://")
    if place.get_backend_name() == "sqlite":
        return place
    if place.get_backend_name() != "postgresql" or "@" in (place.host or ""):
        raise ConfigError(
            "CXTOOLS_LEDGER is no address of a ledger",
            do="write sqlite:////folder/ledger.sqlite or postgresql+psycopg://user@host/database; "
            "a password is better kept in PGPASSFILE, in the address its @ is %40 and its / is %2F",
        )
    return place.set(drivername="postgresql+psycopg")


def _postgresql(url: sa.URL) -> sa.Engine:
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
    if not connection.get_execution_options().get("cxtools_reading"):
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({WRITER})")


def _sqlite(url: sa.URL) -> sa.Engine:
    _make_private(Path(url.database or ""))
    engine = sa.create_engine(
        url, hide_parameters=True, connect_args={"timeout": 30, "check_same_thread": False}
    )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # BEGIN is ours, see the head of the module
    mode = "WAL" if sqlite3.sqlite_version_info >= (3, 51, 3) else "DELETE"
    for pragma in (f"journal_mode={mode}", "synchronous=FULL", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql(
        "BEGIN" if connection.get_execution_options().get("cxtools_reading") else "BEGIN IMMEDIATE"
    )


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
    failed = ""
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        failed = str(getattr(error, "orig", None) or error).splitlines()[0]
        # It stays as __context__, since a `with` is being left; it carries the statement's values
        # and the database's password.
        forget_locals(error)
        vars(error).update(params=None, orig=None)
    if failed:
        damaged = "not a database" in failed or "malformed" in failed  # so SQLite says
        do = (
            "the file is damaged: keep it, and bring its newest good copy back"
            if damaged
            else "see that its place is there, with rights and space, then run the command again; nothing of this step was kept"
        )
        raise StoreError(f"the ledger refused: {failed}", do=do)
