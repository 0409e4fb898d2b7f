"""Retention in a ledger: the data of people go, keys, counts and the audit log stay."""

from __future__ import annotations

import sqlalchemy as sa

from cxtools.ledger.audit_log import AuditLog
from cxtools.ledger.database import Database
from cxtools.ledger.people import pack_people
from cxtools.ledger.schema import batch, campaign, left_out, outbox

#: What is left of the body of a webhook.
NO_BODY = b""
NOBODY = pack_people([])
#: States of webhooks that will not be delivered any more.
ENDED = ("delivered", "forgotten")


def purge(database: Database, audit_log: AuditLog, name: str) -> None:
    """Delete what a campaign holds of people, and put it on record."""
    with database.writing() as tx:
        batches = batch.update().filter_by(campaign=name).where(_holds_people())
        purged = tx.execute(batches.values(candidates=NOBODY, payload=None)).rowcount
        told = outbox.update().filter_by(campaign=name).where(outbox.c.body != NO_BODY)
        of_ended = told.where(outbox.c.state.in_(ENDED))
        webhooks = tx.execute(of_ended.values(body=NO_BODY)).rowcount
        masked = left_out.update().filter_by(campaign=name).where(left_out.c.masked != "")
        rows = tx.execute(masked.values(masked="")).rowcount
        audit_log.add(
            tx, "campaign.purged", campaign=name, batches=purged, webhooks=webhooks, rows=rows
        )


def last_moments(database: Database) -> dict[str, float]:
    """When something was last done for each campaign that still holds people's data."""
    last = sa.func.max(
        sa.func.coalesce(
            batch.c.scanned_at, batch.c.final_at, batch.c.submitted_at, campaign.c.created_at
        )
    )
    of_batches = sa.select(campaign.c.name, last).join(batch, batch.c.campaign == campaign.c.name)
    query = of_batches.where(_holds_people()).group_by(campaign.c.name)
    return {name: at for name, at in database.rows(query) if at is not None}


def _holds_people() -> sa.ColumnElement[bool]:
    return sa.or_(batch.c.candidates != NOBODY, batch.c.payload.is_not(None))
