"""
The plans of a ledger: which campaign sends what to whom, in which batches, and who is left out.

A plan is written once, before anything is sent; what was sent never changes with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cxtools.errors import ConfigError
from cxtools.ledger.audit_log import AuditLog
from cxtools.ledger.database import Database
from cxtools.ledger.schema import batch, campaign, left_out, slot
from cxtools.ledger.wave import Wave
from cxtools.model import LeftOut, Recipient
from cxtools.text import canonical_json
from cxtools.wording import did_you_mean


class Plans:
    """The campaigns of one ledger, and the plan of each."""

    def __init__(
        self,
        database: Database,
        audit_log: AuditLog,
        *,
        folder: Path | None,
        now: Callable[[], float],
    ) -> None:
        """*folder* is where a plan waits on disk until it is written."""
        self._database = database
        self._audit_log = audit_log
        self._folder = folder
        self._now = now

    def names(self) -> list[str]:
        """Names of all campaigns, oldest first."""
        query = sa.select(campaign.c.name).order_by(campaign.c.created_at)
        return [name for (name,) in self._database.rows(query)]

    def moments(self) -> dict[str, float]:
        """When each campaign was planned, in Unix time; the oldest first."""
        query = sa.select(campaign.c.name, campaign.c.created_at)
        rows = self._database.rows(query.order_by(campaign.c.created_at))
        return {name: created_at for name, created_at in rows}  # noqa: C416  # rows

    def digest(self, name: str) -> str | None:
        """The digest under which a campaign was planned, None when there is no such campaign."""
        with self._database.reading() as tx:
            return _digest_in(tx, name)

    def account(self, name: str) -> str:
        """The account that a campaign goes out by; "" where the ledger doesn't know."""
        with self._database.reading() as tx:
            return account_in(tx, name)

    def spec(self, name: str) -> dict[str, Any]:
        """
        The spec that a campaign was planned with.

        Raises:
            ConfigError: there is no such campaign.
        """
        with self._database.reading() as tx:
            spec = _spec_in(tx, name)
        if spec is None:
            raise unknown_campaign(name, self.names())
        return dict(json.loads(spec))

    def write(
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
        by *account* and no other; the same plan written twice is one plan.

        The rows are read and judged before the transaction begins, so that nobody waits for a long
        file. Of a list of any length one batch at a time is in memory.

        Raises:
            ConfigError: another plan of the same name was written meanwhile.
        """
        with Wave(name, 0, digest, folder=self._folder) as wave:
            wave.pack(planned, batch_size)
            with self._database.writing() as tx:
                if _is_planned(tx, name, digest):
                    return
                insert = campaign.insert().values(
                    name=name,
                    digest=digest,
                    spec=canonical_json(spec),
                    account=account,
                    rows=wave.counts.total(),
                    created_at=self._now(),
                )
                tx.execute(insert)
                wave.write(tx)
                self._audit_log.add(
                    tx,
                    "campaign.planned",
                    campaign=name,
                    digest=digest,
                    **wave.body(),
                )

    def write_wave(
        self,
        name: str,
        wave: int,
        people: Iterable[Recipient],
        *,
        batch_size: int,
    ) -> int:
        """
        Plan the next wave of a campaign, and return how many people are in it.

        The key of `slot` refuses a person who is in that wave already.

        Raises:
            ConfigError: another process planned that wave meanwhile.
        """
        of_wave = sa.select(batch.c.id).filter_by(campaign=name, wave=wave)
        with Wave(name, wave, self.digest(name), folder=self._folder) as planned:
            planned.pack(people, batch_size)
            with self._database.writing() as tx:
                if tx.scalar(of_wave.limit(1)):
                    raise ConfigError(
                        f"wave {wave} of {name!r} was planned by another process meanwhile",
                        do=f"see `cxtools status {name}`",
                    )
                planned.write(tx)
                self._audit_log.add(
                    tx,
                    "wave.planned",
                    campaign=name,
                    wave=wave,
                    **planned.body(),
                )
            return planned.counts["planned"]

    def left_out(self, name: str) -> list[LeftOut]:
        """The rows of a campaign's list that its plan left out, by line."""
        columns = (left_out.c.line, left_out.c.reason, left_out.c.detail, left_out.c.masked)
        query = sa.select(*columns).filter_by(campaign=name).order_by(left_out.c.line)
        return [LeftOut(*row) for row in self._database.rows(query)]

    def is_unsent(self, name: str) -> bool:
        """Was nothing of a campaign sent, for certain? Then its plan may be replaced."""
        with self._database.reading() as tx:
            return _is_unsent(tx, name)

    def drop(self, name: str) -> bool:
        """Forget a plan of which nothing was sent; False where something was, or may have been."""
        with self._database.writing() as tx:
            if not _is_unsent(tx, name):
                return False
            tx.execute(slot.delete().filter_by(campaign=name))
            tx.execute(left_out.delete().filter_by(campaign=name))
            tx.execute(batch.delete().filter_by(campaign=name))
            tx.execute(campaign.delete().filter_by(name=name))
            self._audit_log.add(
                tx,
                "campaign.dropped",
                campaign=name,
                why="other content or another account was given before anything was sent",
            )
        return True

    def change_terms(self, name: str, spec: Mapping[str, Any]) -> None:
        """
        Keep a spec whose limits or retry terms were changed; what is sent and to whom is the
        campaign's digest, and stays.
        """
        changed = canonical_json(spec)
        with self._database.writing() as tx:
            if _spec_in(tx, name) == changed:
                return
            of_campaign = campaign.update().filter_by(name=name)
            tx.execute(of_campaign.values(spec=changed))
            self._audit_log.add(
                tx,
                "campaign.limits",
                campaign=name,
                limits=spec["limits"],
                retry=spec["retry"],
            )


def account_in(tx: sa.Connection, name: str) -> str:
    """The account that a campaign goes out by, as a transaction sees it; "" where unknown."""
    query = sa.select(campaign.c.account).filter_by(name=name)
    return tx.scalar(query) or ""


def _digest_in(tx: sa.Connection, name: str) -> str | None:
    query = sa.select(campaign.c.digest).filter_by(name=name)
    return tx.scalar(query)


def _is_planned(tx: sa.Connection, name: str, digest: str) -> bool:
    """
    Was the same plan written already?

    Raises:
        ConfigError: another one was.
    """
    earlier_digest = _digest_in(tx, name)
    if earlier_digest in (None, digest):
        return earlier_digest == digest
    raise ConfigError(
        f"campaign {name!r} was planned with other content by another run meanwhile",
        do="give this one a new name",
    )


def _spec_in(tx: sa.Connection, name: str) -> str | None:
    query = sa.select(campaign.c.spec).filter_by(name=name)
    return tx.scalar(query)


def _is_unsent(tx: sa.Connection, name: str) -> bool:
    is_sent = batch.c.state.not_in(("planned", "empty"))
    of_campaign = sa.select(batch.c.id).filter_by(campaign=name)
    sent = of_campaign.where(is_sent).limit(1)
    return tx.scalar(sent) is None


def unknown_campaign(name: str, known: Sequence[str] = ()) -> ConfigError:
    """The error that a ledger doesn't know a campaign, but these; none where there is no ledger."""
    choices = ", ".join(known) or "none yet"
    return ConfigError(
        f"there is no campaign {name!r} in the ledger",
        do=f"{did_you_mean(name, known)}known are: {choices}",
    )
