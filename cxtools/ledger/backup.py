"""
A copy of a whole ledger, private and durable, of the moment at which a writer holds the database.

On SQLite the copy is made by SQLite's own backup, beside the ledger. On PostgreSQL it is made by
`pg_dump`, which `pg_restore` reads; a password reaches it by the environment, never on its command
line.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from cxtools.errors import ConfigError, StoreError
from cxtools.files import hidden_until_whole
from cxtools.ledger.database import Database

#: Nobody's transaction may be ended for standing still while a large ledger is copied.
NO_LIMIT = "set local idle_in_transaction_session_timeout = 0"


def back_up(tx: sa.Connection, database: Database, *, home: Path, version: int, now: float) -> Path:
    """
    Copy the database as the transaction *tx*, which has written nothing yet, sees it; return the
    copy.

    No other writer comes between the copy and what the transaction writes after it.

    Raises:
        ConfigError: there is no pg_dump on PATH.
        StoreError: the copy can't be made; nothing was changed.
    """
    moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    stem = Path(database.url.database or "ledger").stem
    name = f"{stem}-version-{version}-{moment}"
    try:
        if database.file:
            return _copy_file(database.file, database.file.with_name(f"{name}.sqlite"))
        tx.exec_driver_sql(NO_LIMIT)
        return _dump(database.url, home / f"{name}.dump")
    except (OSError, sqlite3.Error) as refused:
        reason = getattr(refused, "strerror", None) or str(refused)
    raise StoreError(
        f"the ledger can't be backed up: {reason}",
        where=str(database.file.parent if database.file else home),
        do="see that there is space for a copy of it, then run the command again; "
        "nothing was changed",
    )


def _copy_file(ledger: Path, copy: Path) -> Path:
    with (
        hidden_until_whole(copy) as hidden,
        closing(sqlite3.connect(f"{ledger.absolute().as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(hidden)) as target,
    ):
        source.backup(target)
    return copy


def _dump(url: sa.URL, dump: Path) -> Path:
    program = shutil.which("pg_dump")
    if program is None:
        raise ConfigError(
            "there is no pg_dump on PATH to make a backup with",
            do="install PostgreSQL's client programs; or make a backup by other means, "
            "then say --backup-made",
        )
    address = without_password(url)
    environment = dict(os.environ)
    if url.password:
        environment["PGPASSWORD"] = url.password
    with hidden_until_whole(dump) as hidden:
        words = [program, "--no-password", "--format=custom", f"--file={hidden}", address]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise StoreError(
                f"pg_dump could not back up the ledger: {lines[0]}",
                do="mend what it names; or make a backup by other means, then say --backup-made; "
                "nothing was changed",
            )
    return dump


def without_password(url: sa.URL) -> str:
    """
    The address as PostgreSQL's own programs take it.

    >>> without_password(sa.make_url("postgresql+psycopg://cx:pw@db:5433/mail?sslmode=require"))
    'postgresql://cx@db:5433/mail?sslmode=require'
    """
    address = sa.URL.create(
        "postgresql",
        username=url.username,
        host=url.host,
        port=url.port,
        database=url.database,
        query=url.query,
    )
    return address.render_as_string()
