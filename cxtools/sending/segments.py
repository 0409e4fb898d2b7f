"""What a ledger's plans tell of segments, for the store that questions are asked of."""

from __future__ import annotations

from collections.abc import Iterator

from cxtools.errors import StoreError
from cxtools.events.kept_segments import CampaignSegments
from cxtools.events.segments import planned_table
from cxtools.events.store import EventStore
from cxtools.ledger.ledger import Ledger
from cxtools.model import Recipient

#: Segment -> the key of the spec that tells it of everybody.
FACTS = {"subject": "subject", "template": "template_id", "sender": "sender"}


def segments_of(ledger: Ledger | None, store: EventStore, name: str) -> CampaignSegments:
    """
    The segments of a campaign: as the store keeps them or, where it doesn't yet and the ledger has
    what was sent with each recipient, as a draft.

    Raises:
        StoreError: the draft can't be written.
    """
    kept = store.segments(name)
    digest = ledger.plans.digest(name) if ledger else None
    if ledger is None or digest is None or kept.planned_file(digest):
        return kept
    draft = store.draft_segments(name)
    if draft.planned_file(digest):
        return draft
    batches = ledger.batches.rows(name)
    total = sum(batch.recipients for batch in batches if batch.wave == 0)
    spec = ledger.plans.spec(name)
    facts = {segment: str(spec[key]) for segment, key in FACTS.items() if key in spec}
    rows = planned_table(_people(ledger, name), total, facts)
    if len(rows) == len(facts):  # the people are purged
        return kept
    try:
        draft.keep_planned(rows, digest)
    except OSError as error:
        raise StoreError(
            f"the segments can't be written: {error.strerror or error}",
            where=str(error.filename or ""),
            do="free some disk space for temporary files, then ask again",
        ) from error
    return draft


def _people(ledger: Ledger, name: str) -> Iterator[Recipient]:
    """The people of a campaign's first wave in the order of their list, a batch at a time."""
    for batch in ledger.batches.rows(name):
        if batch.wave == 0:
            yield from ledger.batches.candidates(batch.id)
