"""All that a home holds on one person: plans, events, webhooks, suppression, audit log, files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cxtools.erasures import Erasure, Erasures
from cxtools.errors import ConfigError
from cxtools.events.replacements import repeat_when_replaced
from cxtools.identity import recipient_key
from cxtools.measures.sql import statement
from cxtools.people.addresses import addresses_of
from cxtools.people.documents import cleaned_content, kept_documents, own_documents
from cxtools.sending.address import planned_address
from cxtools.wording import count

if TYPE_CHECKING:
    from cxtools.connection import Connection

#: What tells of a person's rows where they are looked for, not replaced.
MARK = "\0"
#: What a person's key looks like.
KEY = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Held:
    """
    All that is held on a person.

        key         by which the ledger knows the person
        erased_at   when the person was erased (UTC); None for who wasn't
        suppressed  why, since when, and who says so; None for who may be mailed
        planned     campaigns that had the person in a batch, with what was to be sent
        events      of all campaigns, as they are stored
        webhooks    what the CRM was told
        audit       entries of the audit log that name the person
        files       files of the home that name the person
    """

    key: str
    erased_at: str | None
    suppressed: dict[str, Any] | None
    planned: list[dict[str, Any]]
    events: list[dict[str, Any]]
    webhooks: list[dict[str, Any]]
    audit: list[dict[str, Any]]
    files: list[str]

    def to_dict(self) -> dict[str, Any]:
        """The document that `--json` prints."""
        return asdict(self)

    def __str__(self) -> str:
        state = "may be mailed"
        if self.suppressed:
            state = f"suppressed since {self.suppressed['since'][:10]}: {self.suppressed['reason']}"
        campaigns = sorted({row["campaign"] for row in [*self.planned, *self.events]})
        lines = [
            f"key {self.key}: {state}",
            f"planned in {count(len(self.planned))} batches, {count(len(self.events))} events, "
            f"of {', '.join(campaigns) or 'no campaign'}",
            f"named in {count(len(self.webhooks))} webhooks, {count(len(self.audit))} entries of "
            "the audit log",
        ]
        if self.erased_at:
            lines.append(f"erased {self.erased_at[:10]}")
        if self.files:
            lines.append(f"named in files: {', '.join(self.files)}")
        return "\n".join([*lines, "all of it: --json"])


def held_on(client: Connection, named: str) -> Held:
    """
    All that is held on a person; asks nobody, changes nothing. *named* is an address, or the key
    that `recipients` gives.

    Raises:
        ConfigError: that is neither.
        StoreError: the ledger or the events can't be read.
    """
    key, email = key_and_address(client, named)
    person = Erasure(key, MARK, email.rpartition("@")[2].lower(), email)
    has_ledger = client.has_ledger
    return Held(
        key=key,
        erased_at=_moment(client.ledger.erasures.erased_at(key)) if has_ledger else None,
        suppressed=suppression_of(client, key) if has_ledger else None,
        planned=list(planned_for(client, key)) if has_ledger else [],
        events=_events(client, person),
        webhooks=list(_webhooks(client, person)) if has_ledger else [],
        audit=list(_audit(client, key)) if has_ledger else [],
        files=list(_files(client, person)),
    )


def key_and_address(client: Connection, person: str) -> tuple[str, str]:
    """Who is meant: the key, and the address where one is held."""
    if KEY.fullmatch(person):
        return person, addresses_of(client, [person]).get(person, "")
    try:
        email = planned_address(person)
    except ValueError:
        raise ConfigError(
            "that is not an address, and not a person's key",
            do="write an address, as name@example.com, or what `person` says in `recipients`",
        ) from None
    return recipient_key(email), email


def _moment(at: float | None) -> str | None:
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def suppression_of(client: Connection, key: str) -> dict[str, Any] | None:
    """Why the person is suppressed, since when, and who says so; None for who may be mailed."""
    for one in client.ledger.suppressions.causes([key]).values():
        return {
            "reason": one.reason,
            "since": _moment(one.since),
            "source": one.source,
            "campaign": one.campaign if one.source == "campaign" else "",
        }
    return None


def planned_for(client: Connection, key: str) -> Iterator[dict[str, Any]]:
    """The batches that the person stands in, with what was to be sent."""
    batches = client.ledger.batches
    ids = set(batches.of_people([key]))
    for row in batches.rows():
        if row.id not in ids:
            continue
        planned = [person for person in batches.candidates(row.id) if person.key == key]
        yield {
            "campaign": row.campaign,
            "wave": row.wave,
            "batch": row.id,
            "state": row.state,
            "job_id": row.job_id,
            "submitted_at": _moment(row.submitted_at),
            "left_out": batches.excluded(row.id).get(key, ""),
            "sent": [person.to_api() for person in planned],
        }


@repeat_when_replaced
def _events_of(client: Connection, person: Erasure) -> list[dict[str, Any]]:
    """The events that may be the person's: those with the address, or that name it in a text."""
    query = """
        select * exclude (event_hash, message_key)
        from events
        where lower(email) = lower($address) or contains(lower(raw), lower($local))
        order by campaign, ts
    """
    params = {"address": person.address, "local": person.local_part}
    with client.store.connection() as connection:
        rows: list[dict[str, Any]] = (
            connection.sql(query, params=params).to_arrow_table().to_pylist()
        )
    return rows


@repeat_when_replaced
def events_of(client: Connection, address: str) -> list[dict[str, Any]]:
    """
    The events with this address, however it is written, and those of messages to it: many feeds
    name the address once, and tell of opens and clicks by ids alone.
    """
    import pyarrow as pa

    if not client.store.campaigns():
        return []
    with client.engine.session() as session:
        relations = session.relations
        relations.register("wanted_person", pa.table({"email": [address]}))
        relations.keep("own_messages", statement("own_messages"))
        relations.keep("own_keys", statement("own_keys"))
        relations.define(
            "received", "select * from rows_of_parts semi join own_keys using (message_key)"
        )
        rows: list[dict[str, Any]] = session.run(statement("own_events")).to_pylist()
    return rows


def _events(client: Connection, person: Erasure) -> list[dict[str, Any]]:
    if not person.address or not client.store.campaigns():
        return []
    found = []
    for row in _events_of(client, person):
        if recipient_key(row["email"]) == person.key or person.clean(row["raw"]) != row["raw"]:
            found.append({name: _plain(value) for name, value in row.items()})
    return found


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _webhooks(client: Connection, person: Erasure) -> Iterator[dict[str, Any]]:
    for row in client.ledger.outbox.webhooks():
        body = client.ledger.outbox.body(row.id).decode(errors="replace")
        if person.clean(body) == body:
            continue
        yield {
            "id": row.id,
            "campaign": row.campaign,
            "event": row.event,
            "state": row.state,
            "created_at": _moment(row.created_at),
            "delivered_at": _moment(row.delivered_at),
            "entries": list(_entries(_document(body), person)),
        }


def _document(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return {"text": body}


def _entries(value: Any, person: Erasure) -> Iterator[Any]:
    """The smallest parts of a document that name a person."""
    if isinstance(value, list):
        for each in value:
            yield from _entries(each, person)
    if isinstance(value, dict):
        texts = [text for text in value.values() if isinstance(text, str)]
        if any(person.clean(text) != text for text in texts):
            yield value
            return
        for each in value.values():
            yield from _entries(each, person)


def _audit(client: Connection, key: str) -> Iterator[dict[str, Any]]:
    for entry in client.ledger.audit_log.entries(key):
        yield {"seq": entry.seq, "at": _moment(entry.at), "kind": entry.kind}


def _files(client: Connection, person: Erasure) -> Iterator[str]:
    home = client.settings.home
    erasures = Erasures([person])
    for file in [*kept_documents(home), *own_documents(home)]:
        if cleaned_content(file, home, erasures) is not None:
            yield str(file.relative_to(home))
