"""What a ledger's plans tell of segments, brought into the store that questions are asked of."""

from __future__ import annotations

from collections.abc import Iterator

from cxtools.errors import StoreError
from cxtools.events.segments import planned_table
from cxtools.events.store import EventStore
from cxtools.ledger.ledger import Ledger
from cxtools.model import Recipient

#: Segment -> the key of the spec that tells it of everybody.
FACTS = {"subject": "subject", "template": "template_id", "sender": "sender"}


def keep_planned_segments(ledger: Ledger, store: EventStore, name: str) -> None:
    """
    Keep what was sent with each recipient of a campaign, where that isn't kept yet and the ledger
    still has it.

    Raises:
        StoreError: it can't be written.
    """
    digest = ledger.plans.digest(name)
    if digest is None or store.segments(name).planned_file(digest):
        return
    batches = ledger.batches.rows(name)
    total = sum(batch.recipients for batch in batches if batch.wave == 0)
    spec = ledger.plans.spec(name)
    facts = {segment: str(spec[key]) for segment, key in FACTS.items() if key in spec}
    rows = planned_table(_people(ledger, name), total, facts)
    if len(rows) == len(facts):  # the people are purged
        return
    try:
        store.segments(name).keep_planned(rows, digest)
    except OSError as error:
        raise StoreError(
            f"the segments can't be written: {error.strerror or error}",
            where=str(store.root),
            do="free some disk space or correct the folder's permissions, then ask again",
        ) from error


def _people(ledger: Ledger, name: str) -> Iterator[Recipient]:
    """The people of a campaign's first wave in the order of their list, a batch at a time."""
    for batch in ledger.batches.rows(name):
        if batch.wave == 0:
            yield from ledger.batches.candidates(batch.id)
