"""
What became of each recipient of a job, as the CRM, suppressions and the next retry wave need it.

Not a measure: people are named. Only the messages of those jobs are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from cxtools.events.messages import identity
from cxtools.events.messages.rows import define_received
from cxtools.events.relations import Relations
from cxtools.events.replacements import reading, repeat_when_replaced
from cxtools.measures.engine import Engine
from cxtools.measures.sql import statement

if TYPE_CHECKING:
    import pyarrow as pa

#: Kind of event -> the count of it.
KINDS = {
    "delivery": "deliveries",
    "bounce": "bounces",
    "open": "opens",
    "click": "clicks",
}


class Refusal(NamedTuple):
    """What was said of an address when its message bounced: code, text, the platform's class."""

    email: str
    bounce_code: str
    bounce_text: str
    bounce_class: str = ""


#: What became of one message.
Row = dict[str, Any]
#: A URL, and the moment as ISO 8601 text; None when it isn't known.
Click = tuple[str, str | None]


@repeat_when_replaced
def outcomes(
    engine: Engine,
    campaign: str,
    job_ids: Sequence[str],
) -> dict[str, list[Row]]:
    """
    Job id -> one row per message; empty while the campaign has no events.

        email
        state        delivered, bounced, or "" when nothing final is known
        bounce_code, bounce_text
                     of the bounce that stands, "" unless bounced
        category, kind, reason, retry, suppress
                     its bounce verdict, "" unless bounced
        opened_at    ISO 8601 text, None when never
        clicks       (url, ISO 8601 text) of every click, in order of time
    """
    if campaign not in engine.store.campaigns():
        return {}
    with engine.session(campaign, job_ids=job_ids) as session:
        people = session.run(statement("outcomes")).to_pylist()
        clicks = session.run(statement("clicked")).to_pylist()
    followed = _by_message(clicks)
    by_job: dict[str, list[Row]] = {}
    for row in people:
        key = row.pop("message_key")
        job_id = row.pop("job_id")
        row["clicks"] = followed.get(key, [])
        own = by_job.setdefault(job_id, [])
        own.append(row)
    return by_job


def _by_message(clicks: Sequence[Row]) -> dict[int, list[Click]]:
    """Message -> what was clicked and when, in order of time."""
    by_message: dict[int, list[Click]] = {}
    for row in clicks:
        own = by_message.setdefault(row["message_key"], [])
        own.append((row["link_url"], row["clicked_at"]))
    return by_message


@repeat_when_replaced
def refusals(
    engine: Engine,
    campaign: str,
    job_ids: Sequence[str],
) -> list[Refusal]:
    """The refusals of these jobs' messages, each once."""
    if campaign not in engine.store.campaigns():
        return []
    with engine.session(campaign, job_ids=job_ids) as session:
        rows = session.run(statement("refusals")).to_pylist()
    return [Refusal(**row) for row in rows]


@repeat_when_replaced
def words_on_people(engine: Engine, campaign: str) -> list[Row]:
    """
    What the events of a campaign say against mailing somebody again, each thing once: kind (bounce,
    complaint, unsubscribe), email, bounce_code, bounce_text, bounce_class.

    Read from the events themselves: no message has to be made for it. One without an address says
    it of the only person whose message it can belong to, or of nobody.
    """
    if campaign not in engine.store.campaigns():
        return []
    files = engine.store.parts(campaign)
    with reading(files), engine.open_relations() as relations:
        define_received(relations, "received", files)
        relations.register("no_aliases", identity.no_aliases())
        words = _words(relations, "no_aliases")
        if not all(word["email"] for word in words):
            identity.find_aliases(relations, "received")
            words = _words(relations, identity.ALIASES)
    return [word for word in words if word["email"]]


def _words(relations: Relations, aliases: str) -> list[Row]:
    asked = statement("words_on_people").format(aliases=aliases)
    words: list[Row] = relations.rows(asked).to_pylist()
    return words


@repeat_when_replaced
def objections(engine: Engine, campaign: str, until: datetime | None = None) -> dict[str, int]:
    """
    complaint and unsubscribe -> the messages of which somebody said so up to a moment, each once; a
    kind that nobody said is missing.
    """
    if campaign not in engine.store.campaigns():
        return {}
    files = engine.store.parts(campaign)
    with reading(files), engine.open_relations() as relations:
        define_received(relations, "received", files)
        relations.register("cut", _cut(until))
        rows = relations.rows(statement("objections")).to_pylist()
    return {row["kind"]: row["messages"] for row in rows if row["messages"]}


def _cut(until: datetime | None) -> pa.Table:
    import pyarrow as pa

    return pa.table({"until": pa.array([until], pa.timestamp("us", tz="UTC"))})


@repeat_when_replaced
def job_events(engine: Engine, campaign: str, job_ids: Sequence[str]) -> dict[str, int]:
    """
    How many events of each of these jobs the campaign has; a job without events is missing.
    """
    if campaign not in engine.store.campaigns():
        return {}
    wanted = set(job_ids)
    events = {}
    for row in engine.layer(campaign).rows("job_events"):
        if row["job_id"] in wanted:
            events[row["job_id"]] = row["events"]
    return events


@repeat_when_replaced
def event_kinds(engine: Engine, campaign: str) -> dict[str, int]:
    """Kind -> events of a campaign, for the kinds that the API documents; empty without any."""
    if campaign not in engine.store.campaigns():
        return {}
    counts = engine.layer(campaign).counts
    return {kind: counts[name] for kind, name in KINDS.items() if counts[name]}
