"""
Which schema a database has, and whether this cxtools may work with it.

A ledger says its version itself (`ledger_version`); one that doesn't is of version 1, the schema of
cxtools 0.1.0. A new ledger is made at the newest version. An older one is refused until `upgrade`
has run the files of `migrations/`, one for each version, in order.

The files are plain numbered SQL, not alembic's: what changes are a few statements that SQLite and
PostgreSQL understand alike, one transaction runs them on both, and a file can be read by an
operator who wants to know what will happen. alembic would bring a dependency, an environment and a
revision graph for one line of versions.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from cxtools.errors import StoreError
from cxtools.ledger.audit import GENESIS
from cxtools.ledger.database import Database
from cxtools.ledger.schema import (
    TABLES,
    audit_head,
    erasure,
    judgement,
    ledger_version,
    report_run,
    suppression_answer,
)

MIGRATIONS = Path(__file__).parent / "migrations"
#: The schema that this cxtools works with.
NEWEST = 5
#: What a database without any ledger has.
NO_LEDGER = 0
#: Tables of another database that a message names.
SHOWN = 5
#: Tables that later versions brought.
LATER_TABLES = {
    erasure.name,
    judgement.name,
    ledger_version.name,
    report_run.name,
    suppression_answer.name,
}
#: The tables of version 1.
FIRST_TABLES = frozenset(TABLES.tables) - LATER_TABLES


def open_schema(database: Database, *, actor: str, now: Callable[[], float]) -> None:
    """
    See that the database has the newest schema; make it where there is no ledger yet.

    Raises:
        StoreError: the schema is older or newer, or the database holds something else.
    """
    version = read_version(database)
    if version == NO_LEDGER:
        version = _create(database, actor, now())
    if version < NEWEST:
        raise StoreError(
            f"the ledger has schema version {version}, this cxtools works with version {NEWEST}",
            where=place_of(database),
            do="run `cxtools ledger upgrade`; it makes a backup first",
        )


def read_version(database: Database) -> int:
    """
    The schema version of a database, NO_LEDGER where it holds none.

    Raises:
        StoreError: the schema is newer than NEWEST, or the database holds something else.
    """
    with database.reading() as tx:
        return version_in(tx, database)


def version_in(tx: sa.Connection, database: Database) -> int:
    """The same, as a transaction sees it."""
    names = set(sa.inspect(tx).get_table_names())
    if ledger_version.name in names:
        last = sa.func.max(ledger_version.c.version)
        version = tx.scalar(sa.select(last)) or NO_LEDGER
        return _refuse_newer(version, database)
    if names >= FIRST_TABLES:
        return 1
    # a server's database may serve others, too; a file is a ledger or something else
    strangers = sorted(names if database.file else names & TABLES.tables.keys())
    if strangers:
        raise StoreError(
            f"the database is not a ledger: it holds {', '.join(strangers[:SHOWN])}",
            where=place_of(database),
            do="name another database: CXTOOLS_LEDGER, or CXTOOLS_HOME for the folder of "
            "ledger.sqlite",
        )
    return NO_LEDGER


def _refuse_newer(version: int, database: Database) -> int:
    if version > NEWEST:
        raise StoreError(
            f"the ledger has schema version {version}, this cxtools knows up to {NEWEST}",
            where=place_of(database),
            do="upgrade cxtools to the version that last worked with this ledger",
        )
    return version


def _create(database: Database, actor: str, now: float) -> int:
    with database.writing() as tx:
        version = version_in(tx, database)
        if version != NO_LEDGER:
            return version  # another process made it meanwhile
        TABLES.create_all(tx)
        empty_log = audit_head.insert().values(id=1, seq=0, hash=GENESIS)
        tx.execute(empty_log)
        write_version(tx, NEWEST, actor=actor, now=now)
    return NEWEST


def write_version(
    tx: sa.Connection,
    version: int,
    *,
    actor: str,
    now: float,
) -> None:
    """Put on record that the database has this version from now on."""
    insert = ledger_version.insert().values(
        version=version,
        at=now,
        actor=actor,
    )
    tx.execute(insert)


def migrate(
    tx: sa.Connection,
    version: int,
    *,
    actor: str,
    now: float,
) -> None:
    """Bring a schema from *version* to the newest, in the transaction of the caller."""
    for following in range(version + 1, NEWEST + 1):
        for statement in statements(following):
            tx.exec_driver_sql(statement)
        write_version(tx, following, actor=actor, now=now)


def statements(version: int) -> list[str]:
    """
    The statements that make this version of the one before.

    >>> for statement in statements(2):
    ...     print(statement.partition("(")[0])
    CREATE TABLE judgement
    CREATE INDEX judgement_of ON judgement
    CREATE TABLE ledger_version
    """
    [file] = MIGRATIONS.glob(f"{version:04}_*.sql")
    lines = file.read_text(encoding="utf-8").splitlines()
    code = [line for line in lines if not line.startswith("--")]
    pieces = "\n".join(code).split(";")
    return [piece.strip() for piece in pieces if piece.strip()]


def missing_columns(database: Database) -> list[str]:
    """The tables and columns of the newest schema that a database lacks, as `batch.scans`."""
    with database.reading() as tx:
        inspector = sa.inspect(tx)
        known = set(inspector.get_table_names())
        missing = []
        for table in TABLES.sorted_tables:
            if table.name not in known:
                missing.append(table.name)
                continue
            columns = {column["name"] for column in inspector.get_columns(table.name)}
            missing += [
                f"{table.name}.{column.name}"
                for column in table.columns
                if column.name not in columns
            ]
    return missing


def place_of(database: Database) -> str:
    """Where a database is, without its password."""
    return str(database.file or database.url.render_as_string(hide_password=True))
