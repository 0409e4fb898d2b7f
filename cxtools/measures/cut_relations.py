"""What was known at a moment: whatever happened after the cut of its campaign doesn't count."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cxtools.events.messages import sql as messages_sql
from cxtools.events.messages.layer import Layer
from cxtools.events.messages.purposes import Purposes
from cxtools.events.relations import ReadRelations
from cxtools.events.store import EventStore
from cxtools.measures.distinct_events import (
    CAMPAIGN,
    EVENT_COLUMNS,
    define_events,
    events_query,
    has_aliases,
)
from cxtools.measures.ended_messages import Ended
from cxtools.measures.messages import Asked, text_table
from cxtools.measures.sql import statement

if TYPE_CHECKING:
    import pyarrow as pa

#: Before any event, where no message is left out that had ended.
BEFORE_ALL = datetime(1, 1, 1, tzinfo=UTC)
#: The columns of a bounce, of a click, and of an event of an irregular message.
BOUNCE_COLUMNS = (
    "counted.campaign, message_key, ts, cause_id, bounce_code, bounce_text, bounce_class"
)
CLICK_COLUMNS = "counted.campaign, message_key, ts, link_url, is_content"
IRREGULAR_COLUMNS = (
    "counted.campaign, message_key, job_id, email, kind, raw_kind, by_machine, ts, link_url"
)
#: How often each message was opened, by its events.
OPEN_COUNTS_UNTIL = """
select campaign, message_key, count(*) as events
from counted_events
where kind = 'open' and message_key is not null
group by campaign, message_key
"""
#: What may have been the last event of a message that had a later one, as rows and as events.
RECEIVED_OF_LATER = """
select * from received where message_key in (select message_key from later_messages)
"""
EVENTS_OF_LATER = "select * from events semi join later_messages using (campaign, message_key)"


def define_until(
    relations: ReadRelations,
    store: EventStore,
    layers: Mapping[str, Layer],
    asked: Asked,
) -> None:
    """What is known of the messages of these layers up to the cuts of what is asked."""
    relations.register("cuts", _cut_table(asked.cuts or {}, asked.ended))
    _define_rows_until(relations, "bounces", "stored_bounces", BOUNCE_COLUMNS)
    _define_rows_until(relations, "clicks", "stored_clicks", CLICK_COLUMNS)
    define_events(relations, store, layers)
    _define_rows_until(relations, "counted_events", "events", EVENT_COLUMNS)
    relations.define("open_counts", OPEN_COUNTS_UNTIL)
    counts = messages_sql.statement("event_counts").format(
        campaign=CAMPAIGN,
        grouping="group by campaign",
    )
    relations.define("counts", counts)
    _define_last_moments(relations, layers)
    _define_irregular_facts(relations, asked.purposes)
    relations.define("row_facts", statement("facts_until"))
    relations.keep("standing_bounces", statement("standing_bounces"))
    relations.share("message_facts", statement("facts_by_standing_bounce"))


def _define_last_moments(relations: ReadRelations, layers: Mapping[str, Layer]) -> None:
    """
    The last event by the cut of messages that had a later one. Only their rows are looked at, but
    for all where a row may belong to another message than it says.
    """
    relations.keep("later_messages", statement("later_messages"))
    if has_aliases(layers.values()):
        relations.define("events_of_later", EVENTS_OF_LATER)
    else:
        relations.define("received_of_later", RECEIVED_OF_LATER)
        relations.define("events_of_later", events_query("received_of_later"))
    columns = "counted.campaign, message_key, ts"
    _define_rows_until(relations, "counted_events_of_later", "events_of_later", columns)
    relations.define("last_moments", statement("last_moments"))


def _define_irregular_facts(relations: ReadRelations, purposes: Purposes) -> None:
    """The facts of messages whose state at a moment their row can't tell, from their events."""
    irregular = statement("until_cut").format(
        columns=IRREGULAR_COLUMNS,
        rows="stored_irregular_events",
    )
    jobs = f"select job_id from ({irregular}) as events"
    relations.keep("jobs", messages_sql.statement("jobs").format(events=f"({jobs})"))
    facts = messages_sql.statement("new_messages").format(
        events=f"({irregular})",
        condition="true",
        is_content=purposes.is_content,
        campaign=CAMPAIGN,
    )
    relations.define("irregular_facts", facts)


def _define_rows_until(relations: ReadRelations, name: str, rows: str, columns: str) -> None:
    relations.define(name, statement("until_cut").format(rows=rows, columns=columns))


def _cut_table(cuts: Mapping[str, datetime], ended: Mapping[str, Ended]) -> pa.Table:
    """Of each campaign the last moment that counts, and by when messages have ended."""
    import pyarrow as pa

    moment = pa.timestamp("us", tz="UTC")
    hours = [ended[name].hour if name in ended else BEFORE_ALL for name in cuts]
    campaigns = text_table(campaign=list(cuts))
    moments = campaigns.append_column("until", pa.array(cuts.values(), moment))
    return moments.append_column("ended_by", pa.array(hours, moment))
