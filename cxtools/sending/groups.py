"""Batches in groups whose jobs' events fit into memory together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cxtools.ledger.batches import BatchRow

#: Jobs whose events are in memory at once: about 100,000 events, 150 MB.
JOBS_AT_ONCE = 32


def in_groups(rows: Sequence[BatchRow]) -> Iterator[Sequence[BatchRow]]:
    """The same batches, in their order, so many at a time."""
    for start in range(0, len(rows), JOBS_AT_ONCE):
        yield rows[start : start + JOBS_AT_ONCE]


def in_groups_by_campaign(rows: Sequence[BatchRow]) -> Iterator[Sequence[BatchRow]]:
    """The same, with the batches of one campaign in each group."""
    for name in dict.fromkeys(row.campaign for row in rows):
        yield from in_groups([row for row in rows if row.campaign == name])
