"""
The messages that are asked about: what is asked of them, and how each is looked up and split.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cxtools.events.messages.purposes import SHIPPED_PURPOSES, Purposes
from cxtools.events.relations import ReadRelations
from cxtools.formats import ZERO_ZONE
from cxtools.measures.catalogue import DIMENSIONS, named
from cxtools.measures.choices import Filters
from cxtools.measures.definitions import Definitions
from cxtools.measures.domain_kinds import domain_kind
from cxtools.measures.ended_messages import Ended
from cxtools.measures.kept import KEPT
from cxtools.measures.providers import Providers
from cxtools.measures.question import Dimension
from cxtools.measures.segments import NO_SEGMENTS, Segments, values_query
from cxtools.measures.sql import statement
from cxtools.sending.findings import meant_domain

if TYPE_CHECKING:
    import pyarrow as pa

#: The dimensions that are made of the moment of sending.
SENDING_TIMES = {
    name for name, dimension in DIMENSIONS.items() if "sending_at" in dimension.expression
}
#: Of these, what some questions tell apart by themselves, whatever they are split by.
SENDING_HOUR = ("weekday", "hour")
#: The dimensions that no message's row tells by itself.
LOOKED_UP = {"provider", "domain_kind", "scanned", *SENDING_TIMES}

#: The dimensions whose values are numbers.
NUMBERS = ("hour", "weekday")
#: So many groups are shown at most where small ones are folded.
MOST_GROUPS = 20
OTHER_GROUPS = """
case when others = 1 then 'other (1 group)'
     else 'other (' || cast(others as string) || ' groups)' end
"""


class Part(Enum):
    """
    Which messages of the campaigns are there at all: all of them; those that came back, and others
    as it may be; those whose rows tell what they were at any moment; those that had not ended by
    the moment that counts, where cells tell of the others.
    """

    ALL = "all"
    BOUNCED = "bounced"
    REGULAR = "regular"
    NOT_ENDED = "not ended"


#: A job, the seconds until it was done, its spam score; None where the API gives none.
JobFacts = tuple[str, float | None, float | None]


@dataclass(frozen=True)
class Asked:
    """
    What is asked for: the dimensions to split by, the values that messages must have, the last
    moment of each campaign that counts (None: all), and the jobs (None: all); the digest of what
    answers depend on besides layers, "" where that isn't known; who runs which mailboxes; the time
    zone of days and hours; what links are for; what the API told of jobs; and the segments among
    the dimensions; and of how many people a group must be so that it isn't folded (0: of any).
    *beside* are dimensions that the questions tell apart by themselves. *bounced* are the files of
    the messages that are there where no others are asked about; none: all are. *part* says which
    messages are there at all; *ended* are those that aren't, of some campaigns.
    """

    by: Sequence[str]
    where: Filters
    cuts: Mapping[str, datetime] | None
    job_ids: Sequence[str] | None
    digest: str = ""
    providers: Providers = field(default_factory=Providers)
    timezone: str = ZERO_ZONE
    purposes: Purposes = SHIPPED_PURPOSES
    job_facts: Callable[[], Iterable[JobFacts]] = tuple
    segments: Segments = NO_SEGMENTS
    least_group: int = 0
    beside: Sequence[str] = ()
    bounced: Sequence[Path] = ()
    part: Part = Part.ALL
    ended: Mapping[str, Ended] = field(default_factory=dict)

    @property
    def dimensions(self) -> Mapping[str, Dimension]:
        """Everything that can be split and filtered by: name -> how it is made."""
        return {**DIMENSIONS, **self.segments.dimensions}

    @property
    def is_all(self) -> bool:
        """Whether whole campaigns are asked about, with all that ever happened, in one piece."""
        has_all = self.cuts is None and self.job_ids is None and self.part is Part.ALL
        return not self.by and not self.where and has_all

    def key(self) -> Hashable:
        """The same as a key of what was counted."""
        where = tuple((name, tuple(values)) for name, values in self.where.items())
        cuts = tuple(self.cuts.items()) if self.cuts is not None else None
        job_ids = tuple(self.job_ids) if self.job_ids is not None else None
        policy = (self.digest, self.providers.digest, self.timezone, self.segments.digest)
        hours = [(campaign, ended.hour) for campaign, ended in self.ended.items()]
        part = (self.part, bool(self.bounced), tuple(hours))
        return (policy, self.least_group, tuple(self.by), where, cuts, job_ids, part)


def define_all_messages(relations: Definitions, asked: Asked, key: Hashable = None) -> None:
    """
    All messages, and beside each its values of the segments that are asked for. What is looked up
    of their domains is kept under this *key*.
    """
    import pyarrow as pa

    relations.define("domains_of_messages", _domains_query(asked))
    providers = partial(_providers, relations, asked.providers)
    relations.compute("providers", partial(KEPT.once, (key, "providers"), providers))
    relations.register("wanted", wanted_values(asked.where.values()))
    relations.compute("typos", partial(KEPT.once, (key, "typos"), partial(_typos, relations)))
    kinds = partial(_domain_kinds, relations)
    relations.compute("domain_kinds", partial(KEPT.once, (key, "domain_kinds"), kinds))
    if not asked.segments.names:
        _define_messages_and_dimensions(relations, asked, "all_messages")
        return
    _define_messages_and_dimensions(relations, asked, "all_messages_without_segments")
    if asked.segments.files:
        relations.read("stored_segments", asked.segments.files)
    else:
        relations.register(
            "stored_segments",
            text_table(campaign=[], name=[], value=[]).append_column("message_key", no_hashes()[1]),
        )
    columns = ["messages.*"]
    joins = ["from all_messages_without_segments as messages"]
    asked_segments = text_table(name=list(asked.segments.names.values()))
    numbers = pa.array(range(len(asked.segments.names)), pa.int64())
    relations.register("asked_segments", asked_segments.append_column("number", numbers))
    for number, column in enumerate(asked.segments.names):
        relations.define(f"values_of_{column}", values_query(number))
        columns.append(f"{column}.value as {column}")
        joins.append(
            f"left join values_of_{column} as {column} on {column}.campaign = messages.campaign"
            f" and {column}.message_key = messages.message_key"
        )
    lines = [f"select {', '.join(columns)}", *joins]
    relations.define("all_messages", "\n".join(lines))


def _define_messages_and_dimensions(relations: Definitions, asked: Asked, result: str) -> None:
    """
    All messages; the provider of each, the kind of its domain, whether a scanner followed its
    links, and when it was sent, are looked up only where somebody asks for them.
    """
    messages = statement("all_messages")
    if asked.job_ids is not None:
        relations.register("wanted_jobs", text_table(job_id=asked.job_ids))
        messages = f"select * from ({messages}) as messages semi join wanted_jobs using (job_id)"
    names = {*asked.by, *asked.where}
    if names.isdisjoint(LOOKED_UP):
        relations.define(result, messages)
        return
    if "scanned" in names:
        relations.define("all_messages_as_told", messages)
        messages = statement("scan_of_message")
    relations.define("all_messages_by_domain", messages)
    providers = "select * from all_messages_by_domain"
    if "provider" in names:
        providers = statement("provider_of_domain")
    relations.define("all_messages_by_provider", providers)
    kinds = "select * from all_messages_by_provider"
    if "domain_kind" in names:
        kinds = statement("domain_kind_of_domain")
    relations.define("all_messages_by_kind", kinds)
    if SENDING_TIMES.isdisjoint(names):
        relations.define(result, "select * from all_messages_by_kind")
        return
    unsent = statement("unsent_moments").format(rows="all_messages_by_kind")
    relations.define("unsent_moments", unsent)
    relations.define("sending_moments", statement("sending_moments"))
    moment = _moment_in(asked.timezone)
    relations.define(result, f"select *, {moment} as sending_at from sending_moments")


def told_apart(names: Sequence[str]) -> list[str]:
    """
    The weekday and the hour of sending, where one of these questions tells them apart.

    >>> told_apart(["funnel", "send_times"]), told_apart(["funnel"])
    (['weekday', 'hour'], [])
    """
    columns: list[str] = []
    for name in names:
        columns += named(name).column_names()
    return [name for name in SENDING_HOUR if name in columns]


def define_states_by_hour(relations: Definitions, asked: Asked) -> None:
    """The messages that are asked about, each with the weekday and hour when it was sent."""
    unsent = statement("unsent_moments").format(rows="all_messages")
    relations.define("unsent_of_all", unsent)
    relations.define("moments_of_messages", statement("moments_of_messages"))
    moment = _moment_in(asked.timezone)
    relations.define("states_at", f"select *, {moment} as sending_at from moments_of_messages")
    relations.define("states_by_hour", by_hour_query("states_at", DIMENSIONS))


def by_hour_query(rows: str, dimensions: Mapping[str, Dimension]) -> str:
    """
    The SQL of states by the weekday and hour of sending, by how these dimensions of *rows* are
    made.
    """
    weekday, hour = (dimensions[name].expression for name in SENDING_HOUR)
    columns = "campaign, split, attempted, delivered, reached, clicked, messages"
    return f"select {columns}, {weekday} as weekday, {hour} as hour from {rows}"


def _moment_in(timezone: str) -> str:
    if timezone == ZERO_ZONE:
        return "sent_at"
    return f"in_zone(sent_at, '{timezone}')"  # which takes ten times as long


def text_of(dimension: Dimension) -> str:
    return f"cast({dimension.expression} as string)"


def define_messages_asked_about(relations: Definitions, asked: Asked) -> None:
    """The messages that are asked about, each with what it is split by; see `messages_query`."""
    dimensions = asked.dimensions
    if not asked.by or not asked.least_group:
        relations.define("messages", messages_query(asked.by, asked.where, dimensions))
        return
    by_group = messages_query(asked.by, asked.where, dimensions, column="own_split")
    relations.define("messages_by_group", by_group)
    parts = "".join(f"{_folded(name)}, " for name in asked.by)
    folded = statement("folded_messages").format(
        folded=f"({parts}0)", least=asked.least_group, most=MOST_GROUPS
    )
    relations.define("messages", folded)


def _folded(name: str) -> str:
    """What a small group has in the place of its value: hours and weekdays are numbers."""
    return "cast(null as bigint)" if name in NUMBERS else OTHER_GROUPS


def messages_query(
    by: Sequence[str],
    where: Filters,
    dimensions: Mapping[str, Dimension] = DIMENSIONS,
    *,
    column: str = "split",
    rows: str = "all_messages",
    wanted: str = "wanted",
) -> str:
    """
    The SQL of the messages that are asked about, or of other *rows* of them, each with what it is
    split by; *wanted* has the values that they must have. The split is one column, so that the SQL
    of a question groups by `split` whatever that is. Its last field is no dimension: it keeps a
    split by one dimension, where that is null, from being null itself.

    >>> print(messages_query(["provider"], {"job": ["j1"]}))
    select all_messages.*, (provider, 0) as split
    from all_messages
    where cast(job_id as string) in (select value from wanted where filter_number = 0)
    """
    keys = "".join(f"{dimensions[name].expression}, " for name in by)
    split = f"({keys}0)" if by else "cast(null as string)"
    lines = [
        f"select {rows}.*, {split} as {column}",
        f"from {rows}",
    ]
    word = "where"
    for number, name in enumerate(where):
        values = f"select value from {wanted} where filter_number = {number}"
        lines.append(f"{word} {text_of(dimensions[name])} in ({values})")
        word = "and"
    return "\n".join(lines)


def wanted_values(filters: Iterable[Sequence[str]]) -> pa.Table:
    """One row per value that messages must have, and the number of the filter that it is for."""
    import pyarrow as pa

    numbers: list[int] = []
    wanted: list[str] = []
    for number, values in enumerate(filters):
        numbers += [number] * len(values)
        wanted += values
    return text_table(value=wanted).append_column("filter_number", pa.array(numbers, pa.int64()))


def _providers(relations: ReadRelations, providers: Providers) -> pa.Table:
    """The domains of all messages, and who runs the mailboxes of each."""
    domains = _domains(relations)
    names = [providers.find(domain) for domain in domains]
    return text_table(domain=domains, provider=names)


def _domain_kinds(relations: ReadRelations) -> pa.Table:
    """The domains of all messages, and the kind of each."""
    domains = _domains(relations)
    return text_table(domain=domains, kind=[domain_kind(domain) for domain in domains])


def _typos(relations: ReadRelations) -> pa.Table:
    """The domains of all messages that are known slips of the pen, and what was meant."""
    meant = {domain: meant_domain(domain) for domain in _domains(relations, "all_messages")}
    slips = {domain: other for domain, other in meant.items() if other}
    return text_table(domain=list(slips), meant=list(slips.values()))


def _domains_query(asked: Asked) -> str:
    """
    The SQL of the domains to look up. What messages were at a moment takes long to tell: all
    domains of their campaigns do as well.
    """
    if asked.cuts is None or asked.job_ids is not None:
        return "select domain from all_messages_by_domain"
    return "select domain from stored_messages union all select domain from irregular_facts"


def _domains(relations: ReadRelations, messages: str = "domains_of_messages") -> list[str]:
    rows = relations.rows(f"select distinct domain from {messages}")
    return [domain for domain in rows.column("domain").to_pylist() if domain]


def no_hashes() -> tuple[str, pa.Array]:
    import pyarrow as pa

    return "event_hash", pa.array([], pa.int64())


def text_table(**columns: Sequence[str]) -> pa.Table:
    """A table of texts."""
    import pyarrow as pa

    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
