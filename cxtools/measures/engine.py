"""
What questions are asked of: the messages of a store, and who judges the bounces among them.

The events of a campaign are read once, when its layer of messages is made; every question reads the
layer.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxtools.errors import PartsReplaced
from cxtools.events.kept_segments import CampaignSegments
from cxtools.events.messages.current import current_layer, layer_without_events
from cxtools.events.messages.layer import Layer
from cxtools.events.messages.purposes import Purposes
from cxtools.events.relations import Relations, duckdb_relations
from cxtools.events.replacements import reading, repeat_when_replaced
from cxtools.events.spark_relations import spark_relations
from cxtools.events.store import EventStore
from cxtools.formats import ZERO_ZONE
from cxtools.measures.bounced import bounced_files
from cxtools.measures.catalogue import DIMENSIONS
from cxtools.measures.cause_verdicts import verdict_rows
from cxtools.measures.cells import FEWEST_CELLS, Cells, Scope
from cxtools.measures.choices import NO_FILTERS, Filters
from cxtools.measures.counts_digest import counts_digest
from cxtools.measures.cuts import AsOf, cut_moments, start
from cxtools.measures.definitions import Definitions
from cxtools.measures.messages import SENDING_TIMES, Asked, JobFacts, Part
from cxtools.measures.providers import Providers
from cxtools.measures.question import Dimension
from cxtools.measures.segments import (
    NO_SEGMENTS,
    Began,
    OfCampaign,
    Segments,
    campaigns_without,
    chosen_segments,
    dimensions_of,
    segment_names,
    why_left_out,
)
from cxtools.measures.session import SUSPECT_MESSAGES, Session, define_relations
from cxtools.measures.sql import statement

if TYPE_CHECKING:
    import pyarrow as pa

    from cxtools.bounce import Judge

#: What an engine runs on where no Spark is named.
DUCKDB = "duckdb"
#: One campaign, several, or all of the store.
Campaigns = str | int | Sequence[str | int] | None


def shipped_judge() -> Judge:
    """The judge with the rules that ship. Not imported before it is needed: it takes its time."""
    from cxtools.bounce.judges import standard_judge

    return standard_judge()


def no_digest() -> str:
    """The digest of rules that have none: their verdicts are not kept."""
    return ""


@dataclass(frozen=True)
class Engine:
    """
    DuckDB over one store, or the Spark whose master *runs_on* names.

    *make_judge* is called at the first question that needs a judge of bounces: the store holds only
    what servers said, and a broken file of rules must not keep anyone from opening it.
    *rules_digest* tells those rules from others. *planned* names campaigns that may be asked about
    before their first event. *providers* says who runs the mailboxes of a domain. Days and hours
    are those of *timezone*. *purposes* tell clicks on content from others. *job_facts* are what the
    API told of jobs that were sent from here. *segments_of* tells what was sent with the recipients
    of a campaign, where the store doesn't. Answers fold groups of fewer people than *least_group*.
    """

    store: EventStore
    make_judge: Callable[[], Judge] = shipped_judge
    rules_digest: Callable[[], str] = no_digest
    planned: Callable[[], Iterable[str]] = tuple
    runs_on: str = DUCKDB
    providers: Callable[[], Providers] = Providers
    timezone: str = ZERO_ZONE
    purposes: Callable[[], Purposes] = Purposes
    job_facts: Callable[[], Iterable[JobFacts]] = tuple
    segments_of: Callable[[str], CampaignSegments] | None = None
    least_group: int = 0

    @cached_property
    def judge(self) -> Judge:
        """Who judges bounces, for every measure, retry wave and suppression."""
        return self.make_judge()

    def open_relations(self) -> AbstractContextManager[Relations]:
        """Relations for a `with` block."""
        if self.runs_on == DUCKDB:
            return duckdb_relations(self.store.root, self.store.resources)
        return spark_relations(self.runs_on, self.store.root, self.store.resources)

    def layer(self, campaign: str) -> Layer:
        """
        The messages of a campaign by all its events; made when there are new ones.

        Raises:
            StoreError: it has no events here, or they can't be read.
        """
        return current_layer(self.store, campaign, self.open_relations, self.purposes())

    @repeat_when_replaced
    def starts(self) -> dict[str, datetime | None]:
        """
        When each campaign of the store started: its first sent, delivery or bounce; None where no
        event has a moment.
        """
        return {name: start(self.layer(name)) for name in self.store.campaigns()}

    @contextmanager
    def session(  # noqa: PLR0913  # a keyword for each thing that questions differ in
        self,
        campaigns: Campaigns = None,
        *,
        by: Sequence[str] = (),
        where: Filters = NO_FILTERS,
        as_of: AsOf = None,
        job_ids: Sequence[str] | None = None,
        least_group: int = 0,
        beside: Sequence[str] = (),
        part: Part = Part.ALL,
        checks_values: bool = True,
    ) -> Iterator[Session]:
        """
        The relations that questions read, over these campaigns.

        *by* names the dimensions of the column `split`, *where* limits the messages that are asked
        about. With *job_ids* only those jobs' messages are there at all. With *least_group* the
        groups of fewer people stand together, and so do those beyond MOST_GROUPS. *beside* are
        dimensions that the questions tell apart by themselves. Of the messages only a *part* may be
        there at all. Without *checks_values* a value of *where* may be one that no
        message has.

        Raises:
            ConfigError: *as_of* is not a moment.
            StoreError: a campaign is unknown, its events can't be read, or no message has a value
            of *where*.
        """
        with ExitStack() as stack:
            layers = stack.enter_context(self.open_layers(campaigns))
            segments = self.chosen_segments(layers, [*by, *where])
            stack.enter_context(reading(segments.files))
            asked = Asked(
                by,
                where,
                cut_moments(layers, as_of),
                job_ids,
                digest=counts_digest(self.rules_digest(), self.runs_on),
                providers=self.providers(),
                timezone=self.timezone,
                purposes=self.purposes(),
                job_facts=self.job_facts,
                segments=segments,
                least_group=least_group,
                beside=beside,
                bounced=self._bounced(layers, where) if part is Part.BOUNCED else (),
                part=part,
            )
            if part is Part.NOT_ENDED:
                asked = Cells(layers, asked).without_ended()
            relations = Definitions(stack.enter_context(self.open_relations()))
            session = self._defined(relations, layers, asked)
            of_all = partial(self._suspects, layers, campaigns, as_of)
            is_own = asked.is_all or job_ids is not None
            of_these = partial(session.count, SUSPECT_MESSAGES) if is_own else of_all
            relations.compute(SUSPECT_MESSAGES, of_these)
            relations.compute("scanned_messages", of_all)
            if checks_values:
                session.check_values(where)
            yield session

    def _bounced(self, layers: Mapping[str, Layer], where: Filters) -> Sequence[Path]:
        """The files of those that bounced; none where when they were sent is told by all."""
        if not SENDING_TIMES.isdisjoint(where):
            return ()
        return bounced_files(layers, self.open_relations)

    def _defined(
        self, relations: Definitions, layers: Mapping[str, Layer], asked: Asked
    ) -> Session:
        """What questions read, over these layers."""
        cells = Cells(layers, asked)
        known = cells.find()
        verdicts = self.verdicts(layers)
        values_key = _key(layers, replace(asked, by=(), where=NO_FILTERS))
        define_relations(
            relations, self.store, layers, verdicts, asked, cells=known, key=values_key
        )
        return Session(
            relations,
            _key(layers, asked),
            values_key,
            cells,
            known,
            partial(self._count_whole, layers),
        )

    @repeat_when_replaced
    def values(self, campaigns: Campaigns, name: str) -> list[str]:
        """
        What the messages of these campaigns have of a dimension or segment, the most frequent
        first.

        Raises:
            StoreError: a campaign or segment is unknown.
        """
        with self.session(campaigns, by=[name]) as session:
            return session.values(name)

    def _count_whole(
        self, layers: Mapping[str, Layer], file: str, campaigns: Sequence[str]
    ) -> pa.Table:
        """What a question's SQL counts of these campaigns as a whole, by these layers of theirs."""
        with self.session(campaigns) as session:
            _check_same_layers(layers, session)
            return session.run(statement(file))

    def _suspects(self, layers: Mapping[str, Layer], campaigns: Campaigns, as_of: AsOf) -> pa.Table:
        """Of all messages of these campaigns, those that a scanner is suspected of."""
        with self.session(campaigns, as_of=as_of) as session:
            _check_same_layers(layers, session)
            return session.count(SUSPECT_MESSAGES)

    @repeat_when_replaced
    def count_cells(
        self,
        campaigns: Campaigns,
        *,
        by: Sequence[str] = (),
        where: Filters = NO_FILTERS,
        as_of: AsOf = None,
        fewest: bool = False,
    ) -> None:
        """
        Count the cells of these campaigns, so that many questions about them, split and limited
        like this, take little time; others, too, where whole campaigns are asked about, unless it
        is the *fewest* cells that are wanted.

        Raises:
            ConfigError, StoreError: as `session`.
        """
        how: dict[str, Any] = {"by": by, "where": where, "as_of": as_of, "checks_values": False}
        with self.session(campaigns, **how) as session:
            missing = session.cells.missing(fewest=fewest)
            narrower = session.cells.narrower()
        for each in missing:
            are_worth_it = [
                self._count_cells_of(each.scope, names, as_of) for names in each.campaigns
            ]
            if all(are_worth_it):
                with self.session(campaigns, **how) as session:
                    narrower = session.cells.narrower()
                break
        if narrower:
            self._count_cells_of(narrower, campaigns, as_of)

    @repeat_when_replaced
    def find_bounced(self, campaigns: Campaigns) -> None:
        """
        Find those whose messages bounced, so that the people behind a cause take little time.

        Raises:
            StoreError: a campaign is unknown, or its events can't be read.
        """
        with self.open_layers(campaigns) as layers:
            bounced_files(layers, self.open_relations)

    @repeat_when_replaced
    def count_ended(self, campaigns: Campaigns) -> None:
        """
        Count the messages of these campaigns by the hour of the last event of each, so that cells
        as of a moment take little time.

        Raises:
            StoreError: a campaign is unknown, or its events can't be read.
        """
        with self.session(campaigns) as session:
            missing = session.cells.campaigns_without_ended()
        for campaign in missing:
            with self.session(campaign, by=FEWEST_CELLS.by, part=Part.REGULAR) as session:
                session.cells.keep_ended(session.count_cells_by_hour())

    def _count_cells_of(self, scope: Scope, campaigns: Campaigns, as_of: AsOf) -> bool:
        """Count and keep the cells of these campaigns; whether they are worth it."""
        how: dict[str, Any] = {"by": scope.by, "where": scope.where, "as_of": as_of}
        if as_of and scope.key() == FEWEST_CELLS.key():
            how["part"] = Part.NOT_ENDED
        with self.session(campaigns, **how) as session:
            return session.cells.keep(scope, session.count_cells())

    @contextmanager
    def open_layers(self, campaigns: Campaigns = None) -> Iterator[dict[str, Layer]]:
        """
        The layers of these campaigns, to be read in a `with` block; where none has events, one
        without any, under the name "".

        Raises:
            StoreError: a campaign is unknown. PartsReplaced: events were merged in mid-block.
        """
        with ExitStack() as stack:
            layers = {name: self.layer(name) for name in self._with_events(campaigns)}
            if not layers:
                nothing = layer_without_events(self.open_relations)
                layers[""] = stack.enter_context(nothing)
            stack.enter_context(reading(self._files(layers)))
            yield layers

    def segments(self, campaigns: Campaigns = None) -> dict[str, Dimension]:
        """
        The segments of these campaigns (None: of all): how each is asked for -> what it is.

        Raises:
            StoreError: a campaign is unknown.
        """
        return dimensions_of(segment_names(self._segments(self._with_events(campaigns))))

    def left_out_segments(self, campaigns: Campaigns, names: Iterable[str]) -> dict[str, str]:
        """Of these names the ones of fields and tags that are no segments there, and why."""
        return why_left_out(self._segments(self._with_events(campaigns)), names)

    def campaigns_without(self, campaigns: Campaigns, names: Iterable[str]) -> list[str]:
        """Those of these campaigns that lack a segment among these names."""
        spoken = [name for name in names if name not in DIMENSIONS]
        if not spoken:
            return []
        return campaigns_without(self._segments(self._with_events(campaigns)), spoken)

    def _segments(self, campaigns: Iterable[str]) -> dict[str, CampaignSegments]:
        segments_of = self.segments_of or self.store.segments
        return {campaign: segments_of(campaign) for campaign in campaigns}

    def chosen_segments(self, layers: Mapping[str, Layer], names: Iterable[str]) -> Segments:
        """
        The segments among these names, with their values for these layers.

        Raises:
            StoreError: no campaign has such a segment, or the values can't be written.
        """
        spoken = [name for name in names if name not in DIMENSIONS]
        if not spoken:
            return NO_SEGMENTS
        asked = {
            name: OfCampaign(known, layers[name], self.store.parts(name))
            for name, known in self._segments(filter(None, layers)).items()
        }
        return chosen_segments(asked, spoken, self.open_relations, partial(self._began, layers))

    def _began(self, layers: Mapping[str, Layer]) -> dict[str, Began]:
        """When each campaign of the store began; of *layers* those that are given."""
        known = {name: self.layer(name) for name in self.store.campaigns()} | dict(layers)
        return {name: Began(start(layer), layer) for name, layer in known.items() if name}

    def _files(self, layers: Mapping[str, Layer]) -> list[Path]:
        """What a question reads: it is asked again when one of them is gone."""
        files = []
        for campaign, layer in layers.items():
            files.append(layer.folder)
            if campaign:
                files += self.store.parts(campaign)
        return files

    def verdicts(self, layers: Mapping[str, Layer]) -> pa.Table:
        """The verdict on each cause of these layers."""
        return verdict_rows(layers, lambda: self.judge, self.rules_digest())

    def _with_events(self, campaigns: Campaigns) -> list[str]:
        """The campaigns to read: those that are only planned have nothing to read yet."""
        stored = self.store.campaigns()
        if campaigns is None:
            return stored
        names = sorted(set(names_of(campaigns)))
        missing = set(names).difference(stored)
        if missing:
            missing -= set(self.planned())
        if missing:
            raise self.store.no_events(missing)
        return [name for name in names if name in stored]


def names_of(campaigns: Campaigns) -> list[str]:
    """
    The names of campaigns, in their order; papermill makes a number of a name like 2026.

    >>> names_of(2026), names_of(["q3", 7]), names_of(None)
    (['2026'], ['q3', '7'], [])
    """
    if campaigns is None:
        return []
    if isinstance(campaigns, str | int):
        return [str(campaigns)]
    return [str(name) for name in campaigns]


def _check_same_layers(layers: Mapping[str, Layer], session: Session) -> None:
    """
    A question within a question is about the same messages.

    Raises:
        PartsReplaced: events came between the two.
    """
    for name, layer in session.cells.layers.items():
        if name and layer.version() != layers[name].version():
            raise PartsReplaced(
                "events came in while they were counted", where=name, do="ask again"
            )


def _key(layers: Mapping[str, Layer], asked: Asked) -> Hashable:
    """What counts depend on besides the question; None where that has no digest or no layer."""
    if not asked.digest or "" in layers:
        return None
    versions = tuple((campaign, *layer.version()) for campaign, layer in layers.items())
    return (versions, asked.key())
