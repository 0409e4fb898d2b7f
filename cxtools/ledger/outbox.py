"""
The outbox: webhooks that wait for the CRM, and messages to the channels of `reports.toml`, queued
in the transaction of the change that they tell of.

A row is never deleted; its id never changes, its body only where a person in it is erased.
`webhooks.deliver` and `refresh.deliver` deliver, and write here what became of each try.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import sqlalchemy as sa

from cxtools.ledger.audit_log import AuditLog
from cxtools.ledger.database import Database, insert_missing
from cxtools.ledger.plans import account_in
from cxtools.ledger.schema import campaign, outbox
from cxtools.ledger.transitions import move

#: Characters of an error that are kept.
ERROR_LENGTH = 300
#: The channel of webhooks that tell the CRM of jobs.
CRM = ""


class Webhook(NamedTuple):
    """A webhook to be queued."""

    id: str
    event: str
    body: bytes


@dataclass(frozen=True)
class WebhookRow:
    """
    One webhook or message of the outbox, without its body.

    `channel` is where it goes, "" for the CRM. `state` is pending, delivered, dead, parked (the
    endpoint is gone) or forgotten (given up). Moments are Unix time in seconds.
    """

    id: str
    campaign: str
    batch_id: str
    event: str
    state: str
    tries: int
    next_at: float
    lease_until: float
    created_at: float
    delivered_at: float | None
    last_error: str
    channel: str


@dataclass(frozen=True)
class DueWebhook:
    """
    A webhook or message that is due: `body` are the bytes to send, *tries* were made before,
    `created_at` is Unix time in seconds.
    """

    id: str
    body: bytes = field(repr=False)
    tries: int
    created_at: float


COLUMNS = [outbox.c[column.name] for column in fields(WebhookRow)]
DUE_COLUMNS = [outbox.c[column.name] for column in fields(DueWebhook)]


class Outbox:
    """The webhooks and messages of one ledger."""

    def __init__(
        self,
        database: Database,
        audit_log: AuditLog,
        *,
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._audit_log = audit_log
        self._now = now

    def take_due(
        self,
        *,
        lease_s: float,
        limit: int = 20,
        due_by: float | None = None,
        account: str | None = None,
        channel: str = CRM,
    ) -> list[DueWebhook]:
        """
        Webhooks to a channel that are due (at *due_by*, else now), leased to this caller.

        Only those of campaigns that *account* sends: another account's CRM is another one.
        """
        now = self._now()
        if due_by is None:
            due_by = now
        pending = sa.select(*DUE_COLUMNS).filter_by(
            state="pending",
            channel=channel,
        )
        waiting = pending.where(
            outbox.c.next_at <= due_by,
            outbox.c.lease_until <= now,
        )
        if account is not None:
            waiting = waiting.where(_has_crm_of(account))
        # polled several times a second, so look before taking the write lock
        if not self._database.rows(waiting.limit(1)):
            return []
        with self._database.writing() as tx:
            longest_due = waiting.order_by(outbox.c.next_at).limit(limit)
            due = [DueWebhook(*row) for row in tx.execute(longest_due)]
            ids = [webhook.id for webhook in due]
            leased = outbox.update().where(outbox.c.id.in_(ids))
            tx.execute(leased.values(lease_until=now + lease_s))
        return due

    def record_delivery(
        self,
        webhook_id: str,
        *,
        state: str,
        error: str = "",
        next_at: float = 0,
    ) -> None:
        """
        Write one try of a webhook: delivered, pending again at *next_at*, dead, or parked.

        When the endpoint is gone, all webhooks of its account that wait are parked; when one gets
        through, they wait again. A failure changes only what still waits: meanwhile another worker
        may have delivered it, or an operator given it up.
        """
        error = error[:ERROR_LENGTH]
        columns: dict[str, Any] = {
            "state": state,
            "tries": outbox.c.tries + 1,
            "next_at": next_at,
            "lease_until": 0,
            "last_error": error,
        }
        with self._database.writing() as tx:
            told_of = sa.select(outbox.c.batch_id, outbox.c.campaign, outbox.c.channel)
            batch_id, name, channel = tx.execute(told_of.filter_by(id=webhook_id)).one()
            tried = outbox.update().filter_by(id=webhook_id)
            if state == "delivered":
                columns["delivered_at"] = self._now()
            else:
                tried = tried.filter_by(state="pending")
            tx.execute(tried.values(**columns))
            same_place = _goes_where(tx, name, channel)
            if state == "parked":
                pending = outbox.update().where(same_place).filter_by(state="pending")
                tx.execute(pending.values(state="parked"))
            self._audit_log.add(tx, f"webhook.{state}", id=webhook_id, error=error)
            if state == "delivered":
                parked = outbox.update().where(same_place).filter_by(state="parked")
                tx.execute(parked.values(**self._due_now()))
                self.mark_synced_if_told(tx, batch_id)

    def _due_now(self) -> dict[str, Any]:
        return {
            "state": "pending",
            "tries": 0,
            "next_at": self._now(),
        }

    def webhooks(self, name: str | None = None) -> list[WebhookRow]:
        """One row per webhook, of one campaign or all, oldest first."""
        query = sa.select(*COLUMNS).order_by(outbox.c.created_at)
        if name:
            query = query.filter_by(campaign=name)
        rows = self._database.rows(query)
        return [WebhookRow(*row) for row in rows]

    def body(self, webhook_id: str) -> bytes:
        """The bytes of a webhook, as they are sent."""
        query = sa.select(outbox.c.body).filter_by(id=webhook_id)
        return b"".join(body for (body,) in self._database.rows(query))

    def replay(
        self,
        *,
        webhook_id: str | None = None,
        since: float | None = None,
    ) -> int:
        """
        Make webhooks due at once, whatever became of them unless they are forgotten, with their old
        id and body; return how many.
        """
        since = since or 0
        again = outbox.update().where(outbox.c.state != "forgotten")
        if webhook_id:
            again = again.filter_by(id=webhook_id)
        else:
            again = again.where(outbox.c.created_at >= since)
        with self._database.writing() as tx:
            due = again.values(**self._due_now(), lease_until=0)
            count = tx.execute(due).rowcount
            if count:
                self._audit_log.add(
                    tx,
                    "webhook.replayed",
                    id=webhook_id or "",
                    since=since,
                    count=count,
                )
        self._audit_log.append_anchor()
        return count

    def forget(self, webhook_id: str) -> bool:
        """Give a webhook up for good; the row stays, as `forgotten`."""
        undelivered = outbox.c.state.in_(("pending", "dead", "parked"))
        update = outbox.update().filter_by(id=webhook_id).where(undelivered)
        give_up = update.values(state="forgotten")
        with self._database.writing() as tx:
            batch_id = tx.scalar(give_up.returning(outbox.c.batch_id))
            if batch_id is not None:
                self._audit_log.add(tx, "webhook.forgotten", id=webhook_id)
                self.mark_synced_if_told(tx, batch_id)
        self._audit_log.append_anchor()
        return batch_id is not None

    def enqueue(
        self,
        tx: sa.Connection,
        name: str,
        batch_id: str,
        webhook: Webhook,
    ) -> None:
        """
        Queue a webhook in the transaction of the change that it tells of; where the endpoint is
        gone, parked.
        """
        webhook_id, event, body = webhook
        now = self._now()
        same_place = _goes_where(tx, name, CRM)
        parked = sa.select(outbox.c.id).filter_by(state="parked")
        is_gone = tx.scalar(parked.where(same_place).limit(1)) is not None
        insert = outbox.insert().values(
            id=webhook_id,
            campaign=name,
            batch_id=batch_id,
            event=event,
            body=body,
            state="parked" if is_gone else "pending",
            tries=0,
            next_at=now,
            lease_until=0,
            created_at=now,
            last_error="",
        )
        tx.execute(insert)
        self._audit_log.add(
            tx,
            "webhook.queued",
            id=webhook_id,
            batch=batch_id,
            event=event,
        )

    def enqueue_message(self, tx: sa.Connection, name: str, channel: str, message: Webhook) -> bool:
        """
        Queue a message to a channel in the transaction of what it tells of; False where it is there
        already. Its id says what it tells of, so that nothing is told twice.
        """
        message_id, event, body = message
        held = sa.select(outbox.c.id).filter_by(id=message_id)
        if tx.scalar(held) is not None:
            return False
        now = self._now()
        row = {
            "id": message_id,
            "campaign": name,
            "batch_id": "",
            "event": event,
            "body": body,
            "state": "pending",
            "tries": 0,
            "next_at": now,
            "lease_until": 0,
            "created_at": now,
            "last_error": "",
            "channel": channel,
        }
        insert_missing(tx, outbox, [row])
        self._audit_log.add(tx, "webhook.queued", id=message_id, channel=channel, event=event)
        return True

    def mark_synced_if_told(self, tx: sa.Connection, batch_id: str) -> None:
        """
        A settled batch of which nothing is left to tell is synced. Messages to channels are of no
        batch.
        """
        if not batch_id:
            return
        is_untold = outbox.c.state.not_in(("delivered", "forgotten"))
        of_batch = sa.select(outbox.c.id).filter_by(batch_id=batch_id)
        untold = of_batch.where(is_untold).limit(1)
        if tx.scalar(untold) is None:
            move(tx, batch_id, "settled", "synced")


def _goes_where(tx: sa.Connection, name: str, channel: str) -> sa.ColumnElement[bool]:
    """What goes to the same channel as a webhook of this campaign; the CRM is its account's."""
    same_channel = outbox.c.channel == channel
    if channel != CRM:
        return same_channel
    return sa.and_(same_channel, _has_crm_of(account_in(tx, name)))


def _has_crm_of(account: str) -> sa.ColumnElement[bool]:
    """Webhooks of campaigns that no other account sends: one account has one CRM."""
    is_another = campaign.c.account.not_in(("", account))
    others = sa.select(campaign.c.name).where(is_another)
    return outbox.c.campaign.not_in(others)
