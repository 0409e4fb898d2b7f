"""
The ledger: the operational truth of every campaign, in one transactional SQL database.

Rule 1: every state of a batch and every arrow between states stands in `states.ARROWS`; nothing
else changes a state. Rule 2: an arrow is one compare-and-swap (`tables.move`) in one transaction,
together with its audit row and its outbox row. Rule 3: the record of a POST is committed before its
first byte leaves (`claim`), its answer after (`record_outcome`). Rule 4: the database, not the
code, makes a second send of one person in a wave impossible: the key of `slot`.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import socket
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cxtools.api.outcome import PostOutcome
from cxtools.errors import ConfigError
from cxtools.ledger.audit import GENESIS
from cxtools.ledger.audit_log import Trail
from cxtools.ledger.database import Database, groups, insert_missing
from cxtools.ledger.outbox import Message, Outbox
from cxtools.ledger.schema import (
    TABLES,
    account_of,
    attempt,
    batch,
    campaign,
    head,
    left_out,
    move,
    quota,
    slot,
    strike,
    suppression,
)
from cxtools.ledger.states import ACCEPTED, ARROWS, OUTCOMES, scan_verdict
from cxtools.model import Job, LeftOut, Recipient
from cxtools.text import canonical_json, safe_line

#: in so many campaigns a soft bounce must repeat, with no delivery between, before it suppresses
REPEATS = 3
#: why the outcome of an orphan is unknown
ORPHANED = "the worker ended before it could record the answer"
#: for so long a worker that was paused may still post what is said to be not sent
QUARANTINE_S = 24 * 3600.0


@dataclass(frozen=True)
class Claim:
    """
    The right to POST one batch once: the exact bytes, the key to send with them, and the epoch that
    fences late writers.
    """

    batch_id: str
    epoch: int
    payload: bytes = field(repr=False)
    recipients: int
    attempt_no: int
    lease_until: float
    again: bool = False

    @property
    def idempotency_key(self) -> str:
        return self.batch_id


@dataclass(frozen=True)
class Scanned:
    """
    One complete scan of a job: how many of its events the store holds by now, and what they say of
    people (by key).

    `suppress` and `strikes` give the reason: never again, or never again once it was so in REPEATS
    campaigns with no delivery between.
    """

    events: int
    suppress: Mapping[str, str]
    strikes: Mapping[str, str] = field(default_factory=dict)
    delivered: Collection[str] = ()


class Ledger(Database):
    """
    One ledger; safe for many threads, processes and, on PostgreSQL, machines.

    Raises:
        StoreError: the database can't be opened, read or written; nothing of the refused change was
        kept.
    """

    def __init__(
        self,
        url: str | sa.URL,
        *,
        now: Callable[[], float],
        actor: str = "",
        home: Path | None = None,
    ) -> None:
        """
        *home* is the folder of anchors and key where *url* is no file; each machine has its own.

        *actor* is who the audit trail says did it; by default this user at this machine.
        """
        super().__init__(url)
        self.now = now
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{_process_start(os.getpid())}"
        # its parts ask the ledger for the time, so that who gives it another clock gives it to them
        # as well
        self.trail = Trail(
            self,
            home=self.folder or home,
            actor=actor or f"{_user()}@{socket.gethostname()}",
            now=lambda: self.now(),
        )
        self.outbox = Outbox(self, self.trail, now=lambda: self.now())
        if not self._made():
            with self.writing() as tx:
                TABLES.create_all(tx)
                if tx.execute(sa.select(head.c.id)).first() is None:
                    tx.execute(head.insert().values(id=1, seq=0, hash=GENESIS))

    def _made(self) -> bool:
        with self.reading() as tx:
            return (
                set(TABLES.tables) <= set(sa.inspect(tx).get_table_names())
                and tx.execute(sa.select(head.c.id)).first() is not None
            )

    # ---- plan
    # -------------------------------------------------------------------------------------------------

    def digest_of(self, name: str) -> str | None:
        """The digest under which a campaign was planned, None when there is no such campaign."""
        with self.reading() as tx:
            return tx.scalar(sa.select(campaign.c.digest).where(campaign.c.name == name))

    def plan(
        self,
        name: str,
        *,
        digest: str,
        spec: Mapping[str, Any],
        planned: Iterable[Recipient | LeftOut],
        batch_size: int,
        account: str = "",
    ) -> None:
        """
        Write a whole plan in one transaction: campaign, left-out rows, slots, batches. It goes out
        by *account* and no other.

        The rows are read and judged before the transaction begins, so that nobody waits for a long
        file.

        Raises:
            ConfigError: another plan of the same name was written meanwhile; the same plan written
            twice is one plan.
        """
        wave = _Wave.of(name, 0, planned, batch_size, digest)
        with self.writing() as tx:
            known = tx.scalar(sa.select(campaign.c.digest).where(campaign.c.name == name))
            if known == digest:
                return
            if known is not None:
                raise ConfigError(
                    f"campaign {name!r} was planned with other content by another run meanwhile",
                    do="give this one a new name",
                )
            tx.execute(
                campaign.insert().values(
                    name=name,
                    digest=digest,
                    spec=canonical_json(spec),
                    account=account,
                    rows=sum(wave.counts.values()),
                    created_at=self.now(),
                )
            )
            wave.write(tx)
            self.trail.add(tx, "campaign.planned", campaign=name, digest=digest, **wave.counts)

    def plan_wave(
        self, name: str, wave: int, people: Iterable[Recipient], *, batch_size: int
    ) -> int:
        """
        Plan the next wave of a campaign; the key of `slot` refuses a person who is in that wave
        already.

        Raises:
            ConfigError: another process planned that wave meanwhile.
        """
        planned = _Wave.of(name, wave, people, batch_size, self.digest_of(name))
        with self.writing() as tx:
            if tx.scalar(
                sa.select(batch.c.id).where(batch.c.campaign == name, batch.c.wave == wave).limit(1)
            ):
                raise ConfigError(
                    f"wave {wave} of {name!r} was planned by another process meanwhile",
                    do=f"see `cxtools status {name}`",
                )
            planned.write(tx)
            self.trail.add(tx, "wave.planned", campaign=name, wave=wave, **planned.counts)
        return planned.counts["planned"]

    def unsent(self, name: str) -> bool:
        """Was nothing of a campaign sent, for certain? Then its plan may be replaced."""
        with self.reading() as tx:
            return _unsent(tx, name)

    def drop_plan(self, name: str) -> bool:
        """Forget a plan of which nothing was sent; False where something was, or may have been."""
        with self.writing() as tx:
            if not _unsent(tx, name):
                return False
            for table in (slot, left_out, batch):
                tx.execute(table.delete().where(table.c.campaign == name))
            tx.execute(campaign.delete().where(campaign.c.name == name))
            self.trail.add(
                tx,
                "campaign.dropped",
                campaign=name,
                why="other content or another account was given before anything was sent",
            )
        return True

    def change_spec(self, name: str, spec: Mapping[str, Any]) -> None:
        """
        Keep a spec whose limits were changed; what is sent and to whom is the campaign's digest,
        and stays.
        """
        with self.writing() as tx:
            if tx.scalar(
                sa.select(campaign.c.spec).where(campaign.c.name == name)
            ) != canonical_json(spec):
                tx.execute(
                    campaign.update()
                    .where(campaign.c.name == name)
                    .values(spec=canonical_json(spec))
                )
                self.trail.add(tx, "campaign.limits", campaign=name, limits=spec["limits"])

    # ---- send
    # -------------------------------------------------------------------------------------------------

    def batches(self, name: str | None = None, states: Sequence[str] = ()) -> list[sa.Row[Any]]:
        """One row per batch, in order of wave and ordinal, without the blobs."""
        columns = [column for column in batch.c if column.name not in ("candidates", "payload")]
        query = sa.select(*columns).order_by(batch.c.campaign, batch.c.wave, batch.c.ordinal)
        query = query.where(batch.c.campaign == name) if name else query
        return self.rows(query.where(batch.c.state.in_(states)) if states else query)

    def candidates(self, batch_id: str) -> list[Recipient]:
        """The people that a batch was planned for."""
        with self.reading() as tx:
            people = json.loads(zlib.decompress(_of(tx, batch_id, batch.c.candidates).candidates))
        return [Recipient(row["email"], row["fields"], tuple(row["tags"])) for row in people]

    def excluded(self, batch_id: str) -> dict[str, str]:
        """Who of a batch was left out when it went out: key -> reason."""
        left = sa.select(slot.c.rcpt_key, slot.c.outcome).where(
            slot.c.batch_id == batch_id, slot.c.outcome != ""
        )
        return {row.rcpt_key: row.outcome for row in self.rows(left)}

    def suppressed(self, keys: Iterable[str]) -> dict[str, str]:
        """
        Which of these people our own earlier campaigns found to be permanent bounces: key ->
        reason.
        """
        found = sa.select(suppression.c.rcpt_key, suppression.c.reason)
        rows = (
            row
            for group in groups(keys)
            for row in self.rows(found.where(suppression.c.rcpt_key.in_(group)))
        )
        return {row.rcpt_key: row.reason for row in rows}

    def claim(
        self,
        batch_id: str,
        payload: bytes,
        *,
        recipients: int,
        left_out: Mapping[str, str],
        lease_s: float,
        account: str,
        limit: int | None,
    ) -> Claim | None:
        """
        Take the right to POST a batch, in one durable transaction: quota, state, lease, exact
        bytes, attempt, intent in the audit.

        *left_out* are the batch's people who are not in the payload (key -> reason). None: another
        worker has the batch, its plan was replaced, or the day's quota can't hold it (`quota_left`
        tells).
        """
        now, day, digest = self.now(), self.today(), hashlib.sha256(payload).hexdigest()
        facts = {
            "owner": self.owner,
            "lease_until": now + lease_s,
            "payload": payload,
            "payload_sha256": digest,
            "recipients": recipients,
            "quota_account": account,
            "quota_day": day,
            "first_attempt_at": sa.func.coalesce(batch.c.first_attempt_at, now),
        }
        with self.writing() as tx:
            epoch = tx.scalar(sa.select(batch.c.epoch).where(batch.c.id == batch_id))
            if epoch is None or not _reserve(tx, account, day, recipients, limit):
                return None
            if not move(
                tx, batch_id, "planned", "submitting", epoch=epoch, new_epoch=epoch + 1, **facts
            ):
                tx.rollback()
                return None
            _leave_out(tx, batch_id, left_out)
            no = self._attempt(tx, batch_id, digest)
            self.trail.add(
                tx,
                "submit.intent",
                batch=batch_id,
                attempt=no,
                payload_sha256=digest,
                recipients=recipients,
                left_out=len(left_out),
                **self.trail.about(left_out),
            )
        return Claim(batch_id, epoch + 1, payload, recipients, no, now + lease_s)

    def claim_again(self, batch_id: str, *, within_s: float) -> Claim | None:
        """
        The right to repeat the POST of an unknown batch with its key and its frozen bytes; its
        quota is used already.

        None: its outcome isn't unknown, or *within_s* have passed since the first attempt. That is
        half of the window in which the server knows a key: its clock, and the queues before it,
        aren't ours. Who claims later fences who claimed before.
        """
        with self.writing() as tx:
            row = tx.execute(
                sa.select(batch).where(batch.c.id == batch_id, batch.c.state == "unknown")
            ).first()
            if row is None or self.now() >= row.first_attempt_at + within_s:
                return None
            move(tx, batch_id, "unknown", "unknown", epoch=row.epoch, new_epoch=row.epoch + 1)
            no = self._attempt(tx, batch_id, row.payload_sha256)
            self.trail.add(
                tx,
                "submit.again",
                batch=batch_id,
                attempt=no,
                payload_sha256=row.payload_sha256,
                recipients=row.recipients,
            )
        return Claim(
            batch_id,
            row.epoch + 1,
            row.payload,
            row.recipients,
            no,
            row.first_attempt_at + within_s,
            again=True,
        )

    def _attempt(self, tx: sa.Connection, batch_id: str, digest: str) -> int:
        no = 1 + (
            tx.scalar(sa.select(sa.func.max(attempt.c.no)).where(attempt.c.batch_id == batch_id))
            or 0
        )
        tx.execute(
            attempt.insert().values(
                batch_id=batch_id, no=no, started_at=self.now(), payload_sha256=digest
            )
        )
        return no

    def leave_empty(self, batch_id: str, left_out: Mapping[str, str]) -> None:
        """Close a batch of which nobody is left to mail; everyone's reason is kept."""
        with self.writing() as tx:
            if move(tx, batch_id, "planned", "empty", recipients=0):
                _leave_out(tx, batch_id, left_out)
                self.trail.add(
                    tx,
                    "batch.empty",
                    batch=batch_id,
                    left_out=len(left_out),
                    **self.trail.about(left_out),
                )

    def record_outcome(self, claim: Claim, outcome: PostOutcome) -> str:
        """
        Write what became of a claimed POST, and return the batch's state.

        What a worker that was thought dead knows still counts when it comes late; not after an
        operator's decision or a repeated POST.
        """
        state, refund = OUTCOMES["not_sent" if outcome.denied else outcome.kind]
        if claim.again and state != "submitted":  # says nothing about the first POST
            state, refund = "unknown", False
        facts: dict[str, Any] = {
            "detail": outcome.detail[:500],
            **self._facts_of(state, outcome.job_id),
        }
        with self.writing() as tx:
            others = sa.select(batch.c.id).where(
                batch.c.job_id == outcome.job_id, batch.c.id != claim.batch_id
            )
            if state == "submitted" and tx.scalar(others):
                outcome = replace(outcome, kind="unknown")
                state, facts = (
                    "unknown",
                    {
                        "detail": f"the API answered with job {outcome.job_id}, which is another batch's"
                    },
                )
            came_from = ("submitting", "unknown") if state in ARROWS["unknown"] else ("submitting",)
            if not any(
                move(tx, claim.batch_id, source, state, epoch=claim.epoch, **facts)
                for source in came_from
            ):
                self.trail.add(
                    tx,
                    "submit.late",
                    batch=claim.batch_id,
                    outcome=outcome.kind,
                    job_id=outcome.job_id or "",
                )
                return str(_of(tx, claim.batch_id, batch.c.state).state)
            if refund:
                _refund(tx, claim.batch_id)
            if outcome.kind == "exhausted":
                self._close_day(tx, claim.batch_id)
            tx.execute(
                attempt.update()
                .where(attempt.c.batch_id == claim.batch_id, attempt.c.no == claim.attempt_no)
                .values(
                    ended_at=self.now(),
                    outcome=outcome.kind,
                    status=outcome.status,
                    trace_id=outcome.trace_id,
                )
            )
            self.trail.add(
                tx,
                f"submit.{outcome.kind}",
                batch=claim.batch_id,
                job_id=outcome.job_id or "",
                status=outcome.status or 0,
                trace=outcome.trace_id,
            )
        return state

    def _facts_of(self, state: str, job_id: str | None) -> dict[str, Any]:
        """
        What a batch begins a state with: its job, or, where nothing was sent, a new window for its
        key.
        """
        facts: dict[str, dict[str, Any]] = {
            "submitted": {"job_id": job_id, "submitted_at": self.now(), "job_status": "queued"},
            "planned": {"first_attempt_at": None},
        }
        return facts.get(state, {})

    def recover(self) -> int:
        """
        Turn POSTs whose worker died into unknown outcomes, and return how many; never back into
        `planned`.
        """
        posting = sa.select(batch).where(batch.c.state == "submitting")
        with self.writing() as tx:
            gone = [row for row in tx.execute(posting).all() if self.is_orphan(row)]
            found = [
                row.id
                for row in gone
                if move(tx, row.id, "submitting", "unknown", epoch=row.epoch, detail=ORPHANED)
            ]
            for batch_id in found:
                self.trail.add(tx, "submit.unknown", batch=batch_id, why="worker ended")
        return len(found)

    def is_orphan(self, row: Any) -> bool:
        """
        Was this batch left `submitting` by a worker that is gone? Its outcome is unknown, whatever
        its state says yet.
        """
        return row.state == "submitting" and _worker_is_gone(
            row.owner, row.lease_until, self.owner, self.now()
        )

    def reconcile(
        self,
        batch_id: str,
        *,
        job_id: str = "",
        abandon: bool = False,
        reason: str = "",
        quarantine_s: float = QUARANTINE_S,
    ) -> str:
        """
        Settle an unknown outcome, by an operator's word or by evidence, and return the batch's new
        state.

        It became *job_id*, or is given up (*abandon*), or was not sent: then it is planned again.

        Raises:
            ConfigError: no such batch, its outcome isn't unknown, or it is too early to call it not
            sent.
        """
        self.recover()
        state = "submitted" if job_id else "abandoned" if abandon else "planned"
        with self.writing() as tx:
            row = tx.execute(
                sa.select(batch.c.epoch).where(batch.c.id == batch_id, batch.c.state == "unknown")
            ).first()
            if row is None:
                raise ConfigError(
                    f"batch {batch_id} has no unknown outcome",
                    do="`cxtools status` lists the batches that have",
                )
            ripe_at = (
                tx.scalar(
                    sa.select(sa.func.max(attempt.c.started_at)).where(
                        attempt.c.batch_id == batch_id
                    )
                )
                or 0
            ) + quarantine_s
            if state == "planned" and self.now() < ripe_at:
                raise ConfigError(
                    "too early to say that it was not sent: a worker that was paused may still post",
                    where=f"batch {batch_id}",
                    do=f"wait until {datetime.fromtimestamp(ripe_at, UTC):%Y-%m-%d %H:%M} UTC, or give the job's id",
                )
            if job_id and (
                other := tx.scalar(
                    sa.select(batch.c.id).where(batch.c.job_id == job_id, batch.c.id != batch_id)
                )
            ):
                raise ConfigError(
                    f"job {job_id} is batch {other}'s",
                    where=f"batch {batch_id}",
                    do="look the job's id up once more",
                )
            move(
                tx,
                batch_id,
                "unknown",
                state,
                epoch=row.epoch,
                new_epoch=row.epoch + 1,
                **self._facts_of(state, job_id),
            )
            if state == "planned":
                _refund(tx, batch_id)
            self.trail.add(
                tx,
                "batch.reconciled",
                batch=batch_id,
                state=state,
                job_id=job_id,
                reason=safe_line(reason, 300),
            )
        self.trail.anchor()
        return state

    # ---- quota
    # ------------------------------------------------------------------------------------------------

    def today(self) -> str:
        return datetime.fromtimestamp(self.now(), UTC).date().isoformat()

    def quota_left(self, account: str, limit: int | None) -> float:
        """
        How many more recipients the account may be sent today; infinite without a limit, none when
        the server closed the day.
        """
        rows = self.rows(
            sa.select(quota.c.used, quota.c.closed).where(
                quota.c.account == account, quota.c.day == self.today()
            )
        )
        if any(row.closed for row in rows):
            return 0
        return float("inf") if limit is None else limit - sum(row.used for row in rows)

    def _close_day(self, tx: sa.Connection, batch_id: str) -> None:
        """
        Nothing more is claimed on the day (UTC) that the batch was claimed for: the server's own
        count is the one that holds.
        """
        used = _of(tx, batch_id, batch.c.quota_account, batch.c.quota_day)
        tx.execute(
            quota.update()
            .where(quota.c.account == used.quota_account, quota.c.day == used.quota_day)
            .values(closed=True)
        )
        self.trail.add(tx, "quota.closed", batch=batch_id, day=used.quota_day)

    # ---- follow and collect
    # -----------------------------------------------------------------------------------

    def record_job(self, batch_id: str, job: Job) -> None:
        """
        Write a job's final state, with what it took from submission to completion on the API's own
        clock.
        """
        latency_s = (
            (job.completed_at - job.created_at).total_seconds()
            if job.completed_at and job.created_at
            else None
        )
        with self.writing() as tx:
            if move(
                tx,
                batch_id,
                "submitted",
                job.status,
                job_status=job.status,
                final_at=self.now(),
                latency_s=latency_s,
                spam_score=job.spam_score,
                detail="" if job.status == "completed" else f"the job ended as {job.status}",
            ):
                self.trail.add(
                    tx,
                    f"job.{job.status}",
                    batch=batch_id,
                    job_id=job.job_id,
                    delivered=job.delivered or 0,
                    bounced=job.bounced or 0,
                )

    def record_scan(
        self,
        batch_id: str,
        scanned: Scanned,
        *,
        horizon_s: float,
        hook: Callable[[int, tuple[int, str]], Message],
    ) -> str:
        """
        Write one complete scan of a job's events, after the events themselves are durable.

        Where `scan_verdict` says that the CRM is to be told, a webhook goes into the outbox: *hook*
        gets the version and the audit's head as anchor, and gives (id, event, body). Two quiet
        scans after the horizon make a batch ripe to settle.
        """
        now = self.now()
        with self.writing() as tx:
            row = tx.execute(sa.select(batch).where(batch.c.id == batch_id)).one()
            events = max(
                scanned.events, row.events
            )  # another run may have scanned later, and written first
            news = events > row.events
            quiet = 0 if news else row.quiet_scans + 1
            state, tells = scan_verdict(
                row.state,
                news=news,
                untold=events > row.told_events,
                ripe=quiet >= 2 and now >= row.submitted_at + horizon_s,
            )
            facts = {
                "scans": row.scans + 1,
                "quiet_scans": quiet,
                "scanned_at": now,
                "version": row.version + tells,
                "events": events,
                "told_events": events if tells else row.told_events,
            }
            if state == row.state:
                tx.execute(batch.update().where(batch.c.id == batch_id).values(**facts))
            else:
                move(tx, batch_id, row.state, state, **facts)
            suppress = {**_repeated(tx, row, scanned), **scanned.suppress}
            if suppress:
                rows = [
                    {"rcpt_key": key, "reason": why, "campaign": row.campaign, "since": now}
                    for key, why in suppress.items()
                ]
                tx.execute(insert_missing(tx, suppression).on_conflict_do_nothing(), rows)
            self.trail.add(
                tx,
                "events.scanned",
                batch=batch_id,
                events=events,
                suppressed=len(suppress),
                state=state,
                **self.trail.about(suppress if news else {}),
            )
            if tells:
                self.outbox.put_out(
                    tx, row.campaign, batch_id, hook(row.version + 1, self.trail.head_in(tx))
                )
            elif state == "settled":
                self.outbox.sync(
                    tx, batch_id
                )  # the webhooks that told all may be delivered already
        return state

    def rejudge(self, found: dict[str, dict[str, str]], *, before: float) -> tuple[int, int]:
        """
        Make the local suppressions of these campaigns those *found* (campaign -> key -> reason):
        how many were added, how many lifted.

        Who was suppressed at *before* or later stays.
        """
        wanted = {
            key: (why, name) for name in reversed(found) for key, why in found[name].items()
        }  # the first campaign to know counts
        ours = sa.select(suppression).where(
            suppression.c.campaign.in_(list(found)), suppression.c.since < before
        )
        with self.writing() as tx:
            held = {row.rcpt_key: row.reason for row in tx.execute(ours)}
            kept = wanted.keys() | set(tx.scalars(_struck_out()))
            for key in (lifted := {key: why for key, why in held.items() if key not in kept}):
                tx.execute(suppression.delete().where(suppression.c.rcpt_key == key))
            known = set(tx.scalars(sa.select(suppression.c.rcpt_key)))
            added = {key: why for key, (why, _) in wanted.items() if key not in known}
            if added:
                rows = [
                    {
                        "rcpt_key": key,
                        "reason": why,
                        "campaign": wanted[key][1],
                        "since": self.now(),
                    }
                    for key, why in added.items()
                ]
                tx.execute(insert_missing(tx, suppression).on_conflict_do_nothing(), rows)
            self.trail.add(
                tx,
                "suppressions.rejudged",
                added=len(added),
                lifted=len(lifted),
                **self.trail.about({key: "lifted" for key in lifted} | added),
            )
        return len(added), len(lifted)

    # ---- status
    # -----------------------------------------------------------------------------------------------

    def account(self, name: str) -> str:
        """The account that a campaign goes out by."""
        with self.reading() as tx:
            return account_of(tx, name)

    def campaigns(self) -> list[str]:
        """Names of all campaigns, oldest first."""
        return [
            row.name
            for row in self.rows(sa.select(campaign.c.name).order_by(campaign.c.created_at))
        ]

    def spec(self, name: str) -> dict[str, Any]:
        """The spec that a campaign was planned with; ConfigError when there is no such campaign."""
        for row in self.rows(sa.select(campaign.c.spec).where(campaign.c.name == name)):
            return dict(json.loads(row.spec))
        raise ConfigError(
            f"there is no campaign {name!r} in the ledger",
            do=f"known are: {', '.join(self.campaigns()) or 'none yet'}",
        )

    def counts(self, name: str) -> dict[str, int]:
        """
        People by what became of them, each once whatever the waves: rows, invalid, duplicates,
        suppressed, planned, submitted, …
        """
        by_reason = (
            sa.select(left_out.c.reason, sa.func.count())
            .where(left_out.c.campaign == name)
            .group_by(left_out.c.reason)
        )
        people = sa.select(sa.func.count(sa.distinct(slot.c.rcpt_key))).where(
            slot.c.campaign == name
        )
        mailed = people.join(batch, batch.c.id == slot.c.batch_id).where(slot.c.outcome == "")
        states = {
            "submitted": ACCEPTED,
            "rejected": ("rejected",),
            "unknown": ("unknown", "submitting"),
            "waiting": ("planned",),
        }
        with self.reading() as tx:
            out: dict[str, int] = {reason: int(count) for reason, count in tx.execute(by_reason)}
            found = {
                word: tx.scalar(mailed.where(batch.c.state.in_(some))) or 0
                for word, some in states.items()
            }
            rows = tx.scalar(sa.select(campaign.c.rows).where(campaign.c.name == name)) or 0
            planned, suppressed = (
                tx.scalar(people.where(which)) or 0
                for which in (slot.c.wave == 0, slot.c.outcome != "")
            )
        return {
            "rows": rows,
            "invalid": out.get("invalid", 0),
            "duplicates": out.get("duplicate", 0),
            "suppressed": suppressed,
            "planned": planned,
            **found,
        }


def _unsent(tx: sa.Connection, name: str) -> bool:
    gone_out = sa.select(batch.c.id).where(
        batch.c.campaign == name, batch.c.state.not_in(("planned", "empty"))
    )
    return tx.scalar(gone_out.limit(1)) is None


def _of(tx: sa.Connection, batch_id: str, *columns: sa.Column[Any]) -> sa.Row[Any]:
    return tx.execute(sa.select(*columns).where(batch.c.id == batch_id)).one()


def _repeated(tx: sa.Connection, row: Any, scanned: Scanned) -> dict[str, str]:
    """
    Write the strikes of a job, wipe out earlier ones of people it was delivered to; who has had too
    many by now: key -> reason.
    """
    for group in groups(scanned.delivered):
        tx.execute(
            strike.delete().where(strike.c.rcpt_key.in_(group), strike.c.since <= row.submitted_at)
        )
    strikes = {key: why for key, why in scanned.strikes.items() if key not in scanned.delivered}
    if not strikes:
        return {}
    rows = [
        {"rcpt_key": key, "campaign": row.campaign, "reason": why, "since": row.submitted_at}
        for key, why in strikes.items()
    ]
    tx.execute(insert_missing(tx, strike).on_conflict_do_nothing(), rows)
    struck = (
        key
        for group in groups(strikes)
        for key in tx.scalars(_struck_out().where(strike.c.rcpt_key.in_(group)))
    )
    return {key: f"{strikes[key]}, in {REPEATS} campaigns" for key in struck}


def _struck_out() -> sa.Select[Any]:
    return (
        sa.select(strike.c.rcpt_key).group_by(strike.c.rcpt_key).having(sa.func.count() >= REPEATS)
    )


@dataclass
class _Wave:
    """
    The rows of a wave, ready to be written: of each person 16 bytes of key and, packed, what to
    send.

    A batch's id derives from what is sent to whom, so that nobody can post what a plan said before
    it was replaced.
    """

    place: dict[str, Any]
    digest: str | None
    counts: dict[str, int]
    batches: list[tuple[dict[str, Any], bytes]] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        name: str,
        wave: int,
        planned: Iterable[Recipient | LeftOut],
        batch_size: int,
        digest: str | None,
    ) -> _Wave:
        rows = cls({"campaign": name, "wave": wave}, digest, {"planned": 0})
        people: list[Recipient] = []
        for item in planned:
            kind = "planned" if isinstance(item, Recipient) else item.reason
            rows.counts[kind] = rows.counts.get(kind, 0) + 1
            if isinstance(item, Recipient):
                people.append(item)
            else:
                rows.left_out.append({"campaign": name, **asdict(item)})
            if len(people) == batch_size:
                rows._close(people)
                people = []
        if people:
            rows._close(people)
        return rows

    def _close(self, people: Sequence[Recipient]) -> None:
        ordinal, keys = len(self.batches), [who.key for who in people]
        identity = canonical_json(
            {**self.place, "digest": self.digest, "ordinal": ordinal, "keys": keys}
        )
        batch_id = hashlib.sha256(identity.encode()).hexdigest()[:32]
        rows = [
            {"email": who.email, "fields": dict(who.merge_fields), "tags": list(who.tags)}
            for who in people
        ]
        row = {
            **self.place,
            "id": batch_id,
            "ordinal": ordinal,
            "state": "planned",
            "recipients": len(people),
            "candidates": zlib.compress(json.dumps(rows, ensure_ascii=False).encode(), 1),
        }
        self.batches.append((row, bytes.fromhex("".join(keys))))

    def write(self, tx: sa.Connection) -> None:
        for row, keys in self.batches:
            tx.execute(batch.insert().values(**row))
            size, batch_id = len(keys) // row["recipients"], {"batch_id": row["id"]}
            tx.execute(
                slot.insert(),
                [
                    self.place | batch_id | {"rcpt_key": keys[at : at + size].hex()}
                    for at in range(0, len(keys), size)
                ],
            )
        if self.left_out:
            tx.execute(left_out.insert(), self.left_out)


def _leave_out(tx: sa.Connection, batch_id: str, left_out: Mapping[str, str]) -> None:
    # an earlier claim, of which nothing was sent, may have left out others
    tx.execute(
        slot.update().where(slot.c.batch_id == batch_id, slot.c.outcome != "").values(outcome="")
    )
    for key, reason in left_out.items():
        tx.execute(
            slot.update()
            .where(slot.c.batch_id == batch_id, slot.c.rcpt_key == key)
            .values(outcome=reason)
        )


def _reserve(tx: sa.Connection, account: str, day: str, count: int, limit: int | None) -> bool:
    """One conditional update: reading first and writing after hands out more than the limit."""
    tx.execute(
        insert_missing(tx, quota)
        .values(account=account, day=day, used=0, closed=False)
        .on_conflict_do_nothing()
    )
    fits = [quota.c.used + count <= limit] if limit is not None else []
    update = quota.update().where(
        quota.c.account == account, quota.c.day == day, quota.c.closed.is_(False), *fits
    )
    return tx.execute(update.values(used=quota.c.used + count)).rowcount == 1


def _refund(tx: sa.Connection, batch_id: str) -> None:
    used = _of(tx, batch_id, batch.c.quota_account, batch.c.quota_day, batch.c.recipients)
    of_day = quota.update().where(
        quota.c.account == used.quota_account, quota.c.day == used.quota_day
    )
    tx.execute(of_day.values(used=quota.c.used - used.recipients))


def _user() -> str:
    try:
        return getpass.getuser()
    except (
        ImportError,
        KeyError,
        OSError,
    ):  # a container's number without a name; which error that is depends on the Python
        return f"user {os.getuid()}"


def _worker_is_gone(owner: str, lease_until: float, me: str, now: float) -> bool:
    """
    The end of its lease tells; on this machine its process does so earlier. One that lives on may
    have failed to record the answer.
    """
    host, pid, start = owner.rsplit(":", 2)
    return now > lease_until or (host == me.rsplit(":", 2)[0] and _process_start(int(pid)) != start)


def _process_start(pid: int) -> str:
    """
    When a process started, in clock ticks since boot; "" when there is none, "?" where the system
    doesn't say.
    """
    try:
        with open(f"/proc/{pid}/stat") as stat:
            state, *facts = stat.read().rpartition(")")[2].split()
            return (
                "" if state in "ZX" else facts[18]
            )  # a dead one stays in the table until its parent has asked for it
    except FileNotFoundError:
        return "" if os.path.isdir("/proc/self") else "?"
