"""Batches in groups whose jobs' events fit into memory together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cxtools.ledger.batches import BatchRow

#: Jobs whose events are in memory at once: about 100,000 events, 150 MB.
JOBS_AT_ONCE = 32

Rows = Sequence[BatchRow]


def in_groups(rows: Rows) -> Iterator[Rows]:
    """The same batches, in their order, JOBS_AT_ONCE at a time."""
    for start in range(0, len(rows), JOBS_AT_ONCE):
        end = start + JOBS_AT_ONCE
        yield rows[start:end]


def in_groups_by_campaign(rows: Rows) -> Iterator[Rows]:
    """The same, with the batches of one campaign in each group."""
    by_campaign: dict[str, list[BatchRow]] = {}
    for row in rows:
        by_campaign.setdefault(row.campaign, []).append(row)
    for group in by_campaign.values():
        yield from in_groups(group)
