"""
Bring an older ledger to the newest schema: a backup, then all that changes in one transaction.

Killed anywhere, the ledger is either as it was or upgraded. Who runs it twice, or at the same time
as another, finds it upgraded: one writer holds the database from the look at its version to the
end. A sender at work waits for its turn meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from cxtools.ledger.backup import back_up
from cxtools.ledger.database import Database
from cxtools.ledger.version import NEWEST, NO_LEDGER, migrate, read_version, version_in
from cxtools.ledger.workers import actor_name


@dataclass(frozen=True)
class Upgrade:
    """
    What an upgrade did: from which schema version to which.

    The same version twice: there was nothing to do; 0: there is no ledger yet. `backup` is the copy
    that was made before, None where none was.
    """

    before: int
    after: int
    backup: Path | None = None


def upgrade(
    url: str | sa.URL,
    *,
    home: Path,
    now: Callable[[], float],
    actor: str = "",
    backup_made: bool = False,
) -> Upgrade:
    """
    Upgrade a ledger; *home* is where the backup of one on PostgreSQL goes.

    With *backup_made* none is made: the caller has one.

    Raises:
        ConfigError: a backup needs pg_dump, which isn't on PATH.
        StoreError: the ledger is newer or something else, or can't be backed up or changed; nothing
        was changed.
    """
    database = Database(url)
    version = read_version(database)
    if version in (NEWEST, NO_LEDGER):
        return Upgrade(version, version)
    with database.writing() as tx:
        version = version_in(tx, database)
        if version == NEWEST:
            return Upgrade(version, version)
        copy = None
        if not backup_made:
            copy = back_up(tx, database, home=home, version=version, now=now())
        migrate(tx, version, actor=actor or actor_name(), now=now())
    return Upgrade(version, NEWEST, copy)
