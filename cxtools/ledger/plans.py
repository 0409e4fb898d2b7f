"""
The plans of a ledger: which campaign sends what to whom, in which batches, and who is left out.

A plan is written once, before anything is sent; what was sent never changes with it.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa

from cxtools.errors import ConfigError
from cxtools.ledger.audit_log import AuditLog
from cxtools.ledger.database import Database
from cxtools.ledger.schema import batch, campaign, left_out, slot
from cxtools.model import LeftOut, Recipient
from cxtools.text import canonical_json

#: Hexadecimal digits of a batch's id.
ID_LENGTH = 32
#: zlib's fastest level: people are packed while a run waits for them.
FASTEST = 1


class Plans:
    """The campaigns of one ledger, and the plan of each."""

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

    def names(self) -> list[str]:
        """Names of all campaigns, oldest first."""
        query = sa.select(campaign.c.name).order_by(campaign.c.created_at)
        return [name for (name,) in self._database.rows(query)]

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
            raise ConfigError(
                f"there is no campaign {name!r} in the ledger",
                do=f"known are: {', '.join(self.names()) or 'none yet'}",
            )
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
        file.

        Raises:
            ConfigError: another plan of the same name was written meanwhile.
        """
        wave = Wave(name, 0, digest)
        wave.pack(planned, batch_size)
        with self._database.writing() as tx:
            earlier_digest = _digest_in(tx, name)
            if earlier_digest == digest:
                return
            if earlier_digest is not None:
                raise ConfigError(
                    f"campaign {name!r} was planned with other content by another run meanwhile",
                    do="give this one a new name",
                )
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
        planned = Wave(name, wave, self.digest(name))
        planned.pack(people, batch_size)
        of_wave = sa.select(batch.c.id).filter_by(campaign=name, wave=wave)
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


def _spec_in(tx: sa.Connection, name: str) -> str | None:
    query = sa.select(campaign.c.spec).filter_by(name=name)
    return tx.scalar(query)


def _is_unsent(tx: sa.Connection, name: str) -> bool:
    is_sent = batch.c.state.not_in(("planned", "empty"))
    of_campaign = sa.select(batch.c.id).filter_by(campaign=name)
    sent = of_campaign.where(is_sent).limit(1)
    return tx.scalar(sent) is None


@dataclass(frozen=True)
class PackedBatch:
    """
    A batch of a wave, ready to be written: of each person a key, and packed, what to send.

    Packed, a million people fit into memory.
    """

    id: str
    ordinal: int
    recipients: int
    keys: bytes
    candidates: bytes

    def slots(self) -> Iterator[str]:
        """The keys of its people."""
        size = len(self.keys) // self.recipients
        for start in range(0, len(self.keys), size):
            key = self.keys[start : start + size]
            yield key.hex()


@dataclass
class Wave:
    """
    A wave of a campaign, ready to be written: its batches, and who is left out.

    A batch's id derives from what is sent to whom, so that nobody can post what a plan said before
    it was replaced.
    """

    campaign: str
    number: int
    digest: str | None
    counts: Counter[str] = field(default_factory=Counter)
    batches: list[PackedBatch] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def pack(self, planned: Iterable[Recipient | LeftOut], batch_size: int) -> None:
        """Take in a plan, row by row."""
        people: list[Recipient] = []
        for item in planned:
            if isinstance(item, LeftOut):
                self.counts[item.reason] += 1
                self.left_out.append(item)
                continue
            self.counts["planned"] += 1
            people.append(item)
            if len(people) == batch_size:
                self._pack_batch(people)
                people = []
        if people:
            self._pack_batch(people)

    def _pack_batch(self, people: Sequence[Recipient]) -> None:
        ordinal = len(self.batches)
        keys = [person.key for person in people]
        identity = {
            "campaign": self.campaign,
            "wave": self.number,
            "digest": self.digest,
            "ordinal": ordinal,
            "keys": keys,
        }
        digest = hashlib.sha256(canonical_json(identity).encode())
        packed = PackedBatch(
            id=digest.hexdigest()[:ID_LENGTH],
            ordinal=ordinal,
            recipients=len(people),
            keys=bytes.fromhex("".join(keys)),
            candidates=pack_people(people),
        )
        self.batches.append(packed)

    def write(self, tx: sa.Connection) -> None:
        """Write all of it in one transaction."""
        place = {"campaign": self.campaign, "wave": self.number}
        for packed in self.batches:
            insert = batch.insert().values(
                **place,
                id=packed.id,
                ordinal=packed.ordinal,
                state="planned",
                recipients=packed.recipients,
                candidates=packed.candidates,
            )
            tx.execute(insert)
            in_batch = {**place, "batch_id": packed.id}
            slots = [{**in_batch, "rcpt_key": key} for key in packed.slots()]
            tx.execute(slot.insert(), slots)
        if self.left_out:
            rows = [{"campaign": self.campaign, **asdict(row)} for row in self.left_out]
            tx.execute(left_out.insert(), rows)

    def body(self) -> dict[str, Any]:
        """What the audit log tells of it: how many people are planned, and left out by reason."""
        return {"planned": 0, **self.counts}


def pack_people(people: Iterable[Recipient]) -> bytes:
    """What is sent to each, as the ledger keeps it."""
    rows = [
        {
            "email": person.email,
            "fields": dict(person.merge_fields),
            "tags": list(person.tags),
        }
        for person in people
    ]
    text = json.dumps(rows, ensure_ascii=False)
    return zlib.compress(text.encode(), FASTEST)


def unpack_people(packed: bytes) -> list[Recipient]:
    """
    The people that were packed.

    >>> ann = Recipient("ann@example.com", {"name": "Ann"}, ("vip",))
    >>> unpack_people(pack_people([ann])) == [ann]
    True
    """
    rows = json.loads(zlib.decompress(packed))
    return [
        Recipient(
            row["email"],
            row["fields"],
            tuple(row["tags"]),
        )
        for row in rows
    ]
