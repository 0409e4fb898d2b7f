"""
Samples of an import, and whether the store keeps them as they are read now.

An event that is known already stays as it was read first, so a correction of an import changes
nothing. To compare every event would cost a second import; one of each word shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from cxtools.events.replacements import repeat_when_replaced

if TYPE_CHECKING:
    import pyarrow as pa

    from cxtools.events.store import Batch, EventStore

#: So many events are compared.
MOST_SAMPLES = 1_000
FIELDS = ["event_id", "kind", "ts", "raw_kind"]


class Samples:
    """The first event of each word in each table, while tables pass."""

    def __init__(self) -> None:
        self._of_campaigns: dict[str, list[pa.Table]] = {}
        self._count = 0

    def take_from(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The same batches, each after its samples were taken."""
        for batch in batches:
            if self._count < MOST_SAMPLES:
                self._take(batch)
            yield batch

    def kept_otherwise(self, store: EventStore, campaigns: Iterable[str]) -> list[str]:
        """
        The vendor's words of samples that these campaigns keep with another kind or moment.

        Raises:
            StoreError: the store can't be read.
        """
        words: set[str] = set()
        for campaign in campaigns:
            tables = self._of_campaigns.get(campaign)
            if tables:
                words |= _kept_otherwise(store, campaign, tables)
        return sorted(words)

    def _take(self, batch: Batch) -> None:
        import numpy as np

        words = batch.table["raw_kind"].combine_chunks()
        numbers = words.dictionary_encode().indices.to_numpy(zero_copy_only=False)
        _, first_places = np.unique(numbers, return_index=True)
        samples = batch.table.select(FIELDS).take(first_places)
        self._of_campaigns.setdefault(batch.campaign, []).append(samples)
        self._count += len(samples)


@repeat_when_replaced
def _kept_otherwise(store: EventStore, campaign: str, tables: list[pa.Table]) -> set[str]:
    import pyarrow as pa

    samples = pa.concat_tables(tables)
    with store.connection([campaign]) as connection:
        connection.register("samples", samples)
        rows = connection.execute(
            """
            SELECT DISTINCT samples.raw_kind
            FROM samples JOIN received USING (event_id)
            WHERE samples.kind <> received.kind OR samples.ts IS DISTINCT FROM received.ts
            """
        ).fetchall()
    return {word for (word,) in rows}
