"""The one statement by which a batch changes its state."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from cxtools.errors import StoreError
from cxtools.ledger.schema import batch
from cxtools.ledger.states import ARROWS


def move(
    tx: sa.Connection,
    batch_id: str,
    source: str,
    target: str,
    *,
    epoch: int | None = None,
    new_epoch: int | None = None,
    **columns: Any,
) -> bool:
    """
    Move a batch from *source* to *target* by compare-and-swap, and write *columns* with it.

    False where the batch is no longer in *source*, or no longer in *epoch*: then nothing was
    written. A *new_epoch* fences off everyone who claimed the batch before.

    Raises:
        StoreError: ARROWS holds no such arrow.
    """
    if target not in ARROWS[source]:
        raise StoreError(
            f"a batch can't go from {source} to {target}",
            where=f"batch {batch_id}",
            do="this is a bug: please report it",
        )
    conditions = [batch.c.id == batch_id, batch.c.state == source]
    if epoch is not None:
        conditions.append(batch.c.epoch == epoch)
    if new_epoch is not None:
        columns["epoch"] = new_epoch
    update = batch.update().where(*conditions).values(state=target, **columns)
    return tx.execute(update).rowcount == 1
