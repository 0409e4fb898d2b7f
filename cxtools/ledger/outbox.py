"""
The outbox: webhooks that wait for the CRM, put out in the transaction of the change that they tell
of.

A row is never deleted, its id and body never change; `crm` delivers, and writes here what became of
each try.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from cxtools.ledger.audit_log import Trail
from cxtools.ledger.database import Database
from cxtools.ledger.schema import account_of, campaign, move, outbox

#: A webhook to be queued: (id, event, body).
Message = tuple[str, str, bytes]


class Outbox:
    """
    The webhooks of one ledger; a row's `state` is pending, delivered, dead, parked (the endpoint is
    gone) or forgotten (given up).
    """

    def __init__(self, database: Database, trail: Trail, *, now: Callable[[], float]) -> None:
        self._database, self._trail, self._now = database, trail, now

    def take_due(
        self,
        *,
        lease_s: float,
        limit: int = 20,
        due_by: float | None = None,
        account: str | None = None,
    ) -> list[sa.Row[Any]]:
        """
        Webhooks that are due (at *due_by*, else now), leased to this caller: one row each, `body`
        the frozen bytes.

        Only those of campaigns that *account* sends: another account's CRM is another one.
        """
        now = self._now()
        due_by = now if due_by is None else due_by
        ours = sa.true() if account is None else _same_crm(account)
        waiting = sa.select(outbox).where(
            outbox.c.state == "pending",
            outbox.c.next_at <= due_by,
            outbox.c.lease_until <= now,
            ours,
        )
        if not self._database.rows(
            waiting.limit(1)
        ):  # a courier looks several times a second: without taking the writer's turn
            return []
        with self._database.writing() as tx:
            due = list(tx.execute(waiting.order_by(outbox.c.next_at).limit(limit)))
            if due:
                tx.execute(
                    outbox.update()
                    .where(outbox.c.id.in_([row.id for row in due]))
                    .values(lease_until=now + lease_s)
                )
        return due

    def record_delivery(
        self, hook_id: str, *, state: str, error: str = "", next_at: float = 0
    ) -> None:
        """
        Write one try of a webhook: delivered, pending again at *next_at*, dead, or parked.

        When the endpoint is gone all of its account's that wait are parked; when one gets through,
        they wait again. A failure changes only what still waits: meanwhile another worker may have
        delivered it, or an operator given it up.
        """
        delivered = state == "delivered"
        facts = {
            "state": state,
            "tries": outbox.c.tries + 1,
            "next_at": next_at,
            "lease_until": 0,
            "last_error": error[:300],
        }
        facts |= {"delivered_at": self._now()} if delivered else {}
        waits = outbox.c.state == "pending"
        with self._database.writing() as tx:
            hook = tx.execute(
                sa.select(outbox.c.batch_id, outbox.c.campaign).where(outbox.c.id == hook_id)
            ).one()
            tx.execute(
                outbox.update()
                .where(outbox.c.id == hook_id, sa.true() if delivered else waits)
                .values(**facts)
            )
            if state == "parked":
                tx.execute(
                    outbox.update()
                    .where(waits, _same_crm(account_of(tx, hook.campaign)))
                    .values(state="parked")
                )
            self._trail.add(tx, f"webhook.{state}", id=hook_id, error=error[:300])
            if delivered:
                parked = outbox.update().where(
                    outbox.c.state == "parked", _same_crm(account_of(tx, hook.campaign))
                )
                tx.execute(parked.values(state="pending", tries=0, next_at=self._now()))
                self.sync(tx, hook.batch_id)

    def webhooks(self, name: str | None = None) -> list[sa.Row[Any]]:
        """One row per webhook of the outbox, without the bodies."""
        query = sa.select(*[column for column in outbox.c if column.name != "body"]).order_by(
            outbox.c.created_at
        )
        return self._database.rows(query.where(outbox.c.campaign == name) if name else query)

    def replay(self, *, hook_id: str | None = None, since: float | None = None) -> int:
        """
        Make webhooks due at once, whatever became of them but forgotten, with their old id and
        body, and return how many.
        """
        which = outbox.c.id == hook_id if hook_id else outbox.c.created_at >= (since or 0)
        with self._database.writing() as tx:
            over = outbox.update().where(which, outbox.c.state != "forgotten")
            count = tx.execute(
                over.values(state="pending", tries=0, next_at=self._now(), lease_until=0)
            ).rowcount
            if count:
                self._trail.add(
                    tx, "webhook.replayed", id=hook_id or "", since=since or 0, count=count
                )
        self._trail.anchor()
        return count

    def forget(self, hook_id: str) -> bool:
        """Give a webhook up for good; the row stays, as `forgotten`."""
        with self._database.writing() as tx:
            over = outbox.update().where(
                outbox.c.id == hook_id, outbox.c.state.in_(("pending", "dead", "parked"))
            )
            batch_id = tx.scalar(over.values(state="forgotten").returning(outbox.c.batch_id))
            if batch_id:
                self._trail.add(tx, "webhook.forgotten", id=hook_id)
                self.sync(tx, batch_id)
        self._trail.anchor()
        return bool(batch_id)

    def put_out(self, tx: sa.Connection, name: str, batch_id: str, message: Message) -> None:
        """
        Queue a webhook in the transaction of the change that it tells of; where the endpoint is
        gone, parked.
        """
        hook_id, event, body = message
        now = self._now()
        gone = tx.scalar(
            sa.select(outbox.c.id)
            .where(outbox.c.state == "parked", _same_crm(account_of(tx, name)))
            .limit(1)
        )
        state = "parked" if gone else "pending"
        tx.execute(
            outbox.insert().values(
                id=hook_id,
                campaign=name,
                batch_id=batch_id,
                event=event,
                body=body,
                state=state,
                tries=0,
                next_at=now,
                lease_until=0,
                created_at=now,
                last_error="",
            )
        )
        self._trail.add(tx, "webhook.queued", id=hook_id, batch=batch_id, event=event)

    def sync(self, tx: sa.Connection, batch_id: str) -> None:
        """A settled batch of which nothing is left to tell is synced."""
        if not tx.scalar(
            sa.select(outbox.c.id).where(
                outbox.c.batch_id == batch_id, outbox.c.state.not_in(("delivered", "forgotten"))
            )
        ):
            move(tx, batch_id, "settled", "synced")


def _same_crm(account: str) -> sa.ColumnElement[bool]:
    """Webhooks of campaigns that no other account sends: one account has one CRM."""
    return outbox.c.campaign.not_in(
        sa.select(campaign.c.name).where(campaign.c.account.not_in(("", account)))
    )
