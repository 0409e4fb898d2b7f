"""
The relations that the SQL of questions reads, over the layers of some campaigns.

    all_messages      one row per message of these campaigns
    messages          those that are asked about, each with what it is split by
    all_messages_split  all of them, those that are not asked about without a split
    states            what they are, with how many: one row per message, or per state where those
                      of whole campaigns are asked about
    clicks, bounces   one row per event
    standing_bounces  of each message the last bounce that counts
    verdicts          one row per campaign and cause of a bounce
    event_counts      one row per campaign
    clickers          the messages that were reached, with a click
    asked_clickers    those of them that are asked about
    delays, urls, clicker_flags, suspect_messages
                      see their files
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from cxtools import wording
from cxtools.errors import StoreError
from cxtools.events.messages.layer import Layer
from cxtools.events.messages.rows import define_messages
from cxtools.events.relations import ReadRelations
from cxtools.events.store import EventStore
from cxtools.measures.cells import Cells, KnownCells, cells_query, define_cells, hours_of
from cxtools.measures.choices import Filters
from cxtools.measures.cut_relations import define_until
from cxtools.measures.definitions import Definitions
from cxtools.measures.distinct_events import EVENT_COLUMNS, define_events
from cxtools.measures.kept import KEPT
from cxtools.measures.layer_files import kept_counts
from cxtools.measures.messages import (
    Asked,
    JobFacts,
    Part,
    define_all_messages,
    define_messages_asked_about,
    define_states_by_hour,
    text_of,
    text_table,
)
from cxtools.measures.question import Dimension
from cxtools.measures.sql import statement
from cxtools.wording import did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

#: The relations of layers that questions read, but for the messages.
STORED = (
    "clicks",
    "bounces",
    "irregular_events",
    "repeats",
    "aliases",
    "splits",
    "event_counts",
    "causes",
)
#: How many values an error names.
VALUES_NAMED = 20
#: Among so many, the most frequent ones, the value is looked for that a slip of the pen meant.
VALUES_COMPARED = 1000
#: How often each message was opened: by its row, or by its events where only some of them count.
OPEN_COUNTS = """
select campaign, message_key, cast(opens as bigint) as events from stored_messages where opens > 0
"""
#: A relation that is counted, and kept for others, as questions are.
SUSPECT_MESSAGES = "suspect_messages"
#: Questions that read more than layers, and so are counted whenever they are asked.
NEVER_KEPT = {"jobs"}
#: Questions on whole campaigns whose counts stand beside the layers: trends ask them of all, or
#: they read all messages. What they count depends on no time zone, and on no other campaign.
KEPT_BESIDE_LAYERS = {
    "deferrals",
    "first_links",
    "late_bounces",
    "link_positions",
    "links",
    "repeats",
    SUSPECT_MESSAGES,
    "suspects",
    "timing",
    "worst_domains",
}
#: Question -> another one that costs next to nothing when the first has been answered.
COUNTED_TOGETHER = {
    "timing": ("curve",),
    "curve": ("timing",),
    "suspects": (SUSPECT_MESSAGES,),
    SUSPECT_MESSAGES: ("suspects",),
}


@dataclass(frozen=True)
class Session:
    """
    The relations, open for a `with` block.

    *key* says what counts depend on besides the question, *values_key* what the values of messages
    do; None where that isn't known. *cells* are those of what is asked, *known_cells* those that
    are read in the place of messages. *count_others* counts a question of some campaigns alone.
    """

    relations: ReadRelations
    key: Hashable
    values_key: Hashable
    cells: Cells
    known_cells: KnownCells | None
    count_others: Callable[[str, Sequence[str]], pa.Table]

    @property
    def reads_cells(self) -> bool:
        """Whether cells are read in the place of messages."""
        return self.known_cells is not None

    @property
    def dimensions(self) -> Mapping[str, Dimension]:
        """What all messages, or the cells of all, can be split and filtered by."""
        known = self.cells.asked.dimensions
        if self.known_cells is None or self.known_cells.scope.where:
            return known
        return self.known_cells.scope.dimensions(known)

    def run(self, sql: str) -> pa.Table:
        """The rows that a statement selects from the relations."""
        return self.relations.rows(sql)

    def count(self, file: str) -> pa.Table:
        """What a question's SQL counts; not again where this process has counted it before."""
        known = KEPT.find((self.key, file))
        if known is not None:
            return known
        asked = self.cells.asked
        if file in KEPT_BESIDE_LAYERS and asked.is_all and self.key:
            count = partial(self._count_of, file)
            rows = kept_counts(self.cells.layers, file, asked.digest, count)
        else:
            rows = self.run(statement(file))
        if self.key and file not in NEVER_KEPT:
            KEPT.keep((self.key, file), rows)
            if not self.reads_cells:
                self._count_together(file)
        return rows

    def _count_of(self, file: str, campaigns: Sequence[str]) -> pa.Table:
        """What a question's SQL counts of some of the campaigns."""
        if len(campaigns) == len(self.cells.layers):
            return self.run(statement(file))
        return self.count_others(file, campaigns)

    def _count_together(self, file: str) -> None:
        """Count what costs next to nothing now."""
        for other in COUNTED_TOGETHER.get(file, ()):
            self.count(other)

    def count_cells(self) -> pa.Table:
        """The cells of what is asked: sums of known ones, or counted of messages."""
        if self.reads_cells:
            return self.run("select * from folded_cells")
        return self.run("select * from counted_cells")

    def count_cells_by_hour(self) -> pa.Table:
        """The cells of what is asked, by the hour of the last event of each message."""
        return self.run("select * from cells_by_hour")

    def check_values(self, where: Filters) -> None:
        """A value that no message has is a slip of the pen: say which there are."""
        for dimension, values in where.items():
            known = self.values(dimension)
            missing = [value for value in values if value not in known]
            if missing and known:
                more = len(known) - VALUES_NAMED
                others = f", … and {wording.count(more)} more" if more > 0 else ""
                meant = did_you_mean(missing, known[:VALUES_COMPARED])
                raise StoreError(
                    f"no message has the {dimension} {', '.join(missing)}",
                    do=f"{meant}choose from: {', '.join(known[:VALUES_NAMED])}{others}",
                )

    def values(self, name: str) -> list[str]:
        """
        What messages have of a dimension that is asked for, the most frequent first; not looked for
        again.
        """
        dimension = self.dimensions[name]
        query = f"""
            select {text_of(dimension)} as value, sum(messages) as messages
            from messages_to_count
            group by value
            order by messages desc, value nulls last
        """
        kept_as = (self.values_key, dimension.name)
        rows = KEPT.find(kept_as) or self.run(query)
        if self.values_key:
            KEPT.keep(kept_as, rows)
        values = rows.column("value").to_pylist()
        return [value for value in values if value]


def define_relations(
    relations: Definitions,
    store: EventStore,
    layers: Mapping[str, Layer],
    verdicts: pa.Table,
    asked: Asked,
    *,
    cells: KnownCells | None = None,
    key: Hashable = None,
) -> None:
    """
    Define what questions read; *cells* stand for messages where they are known, *key* tells these
    messages from others, whatever is asked about them.
    """
    _define_layers(relations, layers, asked)
    relations.register("verdicts", verdicts)
    relations.compute("job_facts", partial(_job_facts, asked.job_facts))
    if asked.cuts is None:
        _define_whole(relations, verdicts)
        define_events(relations, store, layers)
        relations.define("counted_events", f"select {EVENT_COLUMNS} from events as counted")
    else:
        define_until(relations, store, layers, asked)
    relations.define("event_counts", statement("event_counts"))
    relations.define("alike_causes", statement("alike_causes"))
    define_all_messages(relations, asked, key)
    define_messages_asked_about(relations, asked)
    relations.define("all_messages_split", _all_messages_split(asked))
    relations.define("messages_to_count", "select *, 1 as messages from all_messages")
    _define_states(relations, layers, asked)
    define_states_by_hour(relations, asked)
    relations.keep("delays", statement("delays"))
    relations.define("delay_hours", statement("delay_hours").format(hours=hours_of("delay_s")))
    if cells is not None:
        define_cells(relations, cells, asked)
    relations.define("urls", statement("urls"))
    _define_clickers(relations, asked)
    relations.keep("clicker_flags", statement("clicker_flags"))


def _define_layers(relations: ReadRelations, layers: Mapping[str, Layer], asked: Asked) -> None:
    """
    The relations of these layers, each with the campaign of every row; of messages those that are
    asked for at all.
    """
    for relation in STORED:
        _read(relations, f"stored_{relation}", relation, layers.values())
    if asked.bounced:
        relations.read("stored_main", asked.bounced)
    else:
        _read(relations, "stored_main", "messages", layers.values())
    _read(relations, "stored_tail", "tail", layers.values())
    relations.define("stored_counts", "select * from stored_event_counts")
    if any(layer.row_count("tail") for layer in layers.values()):
        keys = ["campaign", "message_key"]
        define_messages(relations, "messages_of_layers", "stored_main", "stored_tail", keys)
    else:
        relations.define("messages_of_layers", "select * from stored_main")
    condition = " where not is_irregular" if asked.part is Part.REGULAR else ""
    relations.define("stored_messages", f"select * from messages_of_layers{condition}")


def _read(relations: ReadRelations, name: str, relation: str, layers: Iterable[Layer]) -> None:
    files = []
    for layer in layers:
        files += layer.files(relation)
    relations.read(name, files)


def _define_whole(relations: ReadRelations, verdicts: pa.Table) -> None:
    """Whatever happened counts."""
    relations.define(
        "bounces",
        "select campaign, message_key, ts, cause_id, bounce_code, bounce_text, bounce_class"
        " from stored_bounces",
    )
    relations.define(
        "clicks",
        "select campaign, message_key, ts, link_url, is_content from stored_clicks",
    )
    relations.define("counts", "select * from stored_counts")
    relations.define("open_counts", OPEN_COUNTS)
    if "none" in verdicts["kind"].to_pylist():
        relations.define("row_facts", statement("stored_facts").format(bounce=""))
        _define_facts_by_standing_bounce(relations)
    else:
        relations.define("standing_bounces", statement("standing_bounces"))
        last_bounce = ", cause_id, bounced_at"
        relations.define("message_facts", statement("stored_facts").format(bounce=last_bounce))


def _define_facts_by_standing_bounce(relations: ReadRelations) -> None:
    relations.keep("standing_bounces", statement("standing_bounces"))
    relations.define("message_facts", statement("facts_by_standing_bounce"))


def _all_messages_split(asked: Asked) -> str:
    """All messages, and whether they are asked about; where all of them are, they are read once."""
    if asked.where:
        return statement("all_messages_split")
    return "select messages.*, true as is_asked from messages"


def _define_clickers(relations: Definitions, asked: Asked) -> None:
    """The messages with a click, and those of them that are asked about."""
    clickers = statement("clickers")
    relations.keep("clickers", clickers.format(messages="all_messages_split"))
    if asked.where:
        messages = "(select *, true as is_asked from messages)"
        relations.define("asked_clickers", clickers.format(messages=messages))
    else:
        relations.define("asked_clickers", "select * from clickers")


def _define_states(
    relations: Definitions,
    layers: Mapping[str, Layer],
    asked: Asked,
) -> None:
    """
    The states of the messages that are asked about: each message by itself, or those of whole
    campaigns counted, since several questions are asked of them, and kept where all events count.
    """
    relations.define("message_delays", statement("message_delays"))
    relations.define("single_states", statement("single_states"))
    relations.define("counted_cells", cells_query())
    relations.define("cells_by_hour", cells_query(by_hour=True))
    relations.define("counted_states", statement("counted_states"))
    if asked.by or asked.where or asked.job_ids is not None or asked.part is not Part.ALL:
        relations.define("states", "select * from single_states")
    elif asked.cuts is not None:
        relations.keep("states", statement("counted_states"))
    else:
        relations.compute("states", partial(_whole_states, relations, layers, asked.digest))


def _whole_states(relations: Definitions, layers: Mapping[str, Layer], digest: str) -> pa.Table:
    def count(campaigns: Sequence[str]) -> pa.Table:
        relations.register("uncounted", text_table(campaign=campaigns))
        return relations.rows("select * from counted_states semi join uncounted using (campaign)")

    return kept_counts(layers, "states", digest, count)


def _job_facts(facts: Callable[[], Iterable[JobFacts]]) -> pa.Table:
    """What the API told of jobs, one row each."""
    import pyarrow as pa

    number = pa.float64()
    fields = [("job_id", pa.string()), ("latency_s", number), ("spam_score", number)]
    names = [name for name, _ in fields]
    rows = [dict(zip(names, row, strict=True)) for row in facts()]
    return pa.Table.from_pylist(rows, pa.schema(fields))
