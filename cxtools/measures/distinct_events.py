"""The relation `events`: what happened in some campaigns, each event once, with its message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cxtools.events.messages import identity
from cxtools.events.messages import sql as messages_sql
from cxtools.events.messages.layer import Layer
from cxtools.events.messages.rows import define_received
from cxtools.events.relations import ReadRelations
from cxtools.events.store import EventStore
from cxtools.measures.messages import no_hashes, text_table

#: The prefix of columns that messages of several campaigns are known by.
CAMPAIGN = "campaign, "
#: The columns of an event that is looked at by itself.
EVENT_COLUMNS = (
    "counted.campaign, message_key, message_id, recipient_id, job_id, email, kind, raw_kind,"
    " by_machine, ts, link_url, bounce_code, bounce_text, bounce_class"
)


def define_events(relations: ReadRelations, store: EventStore, layers: Mapping[str, Layer]) -> None:
    """The relation `events`: what happened, each event once, with its message."""
    files = []
    for campaign in filter(None, layers):
        files += store.parts(campaign)
    define_received(relations, "rows_of_parts", files)
    relations.define("received", "select * from rows_of_parts")
    relations.register("nothing_known", text_table(campaign=[]).append_column(*no_hashes()))
    events = events_query("received")
    if has_aliases(layers.values()):
        relations.define("events_as_named", events)
        events = identity.resolved_events_query(
            "events_as_named",
            aliases="stored_aliases",
            splits="stored_splits",
            by_campaign=True,
        )
    relations.define("events", events)


def events_query(received: str) -> str:
    """The SQL of what happened by these rows of parts, each event once."""
    return messages_sql.statement("events").format(
        received=received,
        repeats="stored_repeats",
        known="nothing_known",
        campaign=CAMPAIGN,
    )


def has_aliases(layers: Iterable[Layer]) -> bool:
    """Whether an event may belong to another message than its row says."""
    return any(_has_aliases(layer) for layer in layers)


def _has_aliases(layer: Layer) -> bool:
    return bool(layer.row_count(identity.ALIASES) or layer.row_count(identity.SPLITS))
