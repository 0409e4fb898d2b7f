"""
Cells: messages that are alike in all that is counted, and in what they are parted by, as one row
with their number.

Whoever will ask a lot of the same messages, as the explorer does, has their cells counted first
(`Engine.count_cells`); from then on a question that they can answer reads them in the place of
messages. They are what the questions' own SQL counts, split by several dimensions at once.

Those of whole campaigns stand in files beside the layer: for an explorer parted by everything that
a campaign has few values of, for a trend by little. A million messages that are sent within hours
are some ten thousand cells; sent through a month, by hours and days, more than a hundred thousand.
Those by domains or by a segment stand there, too, parted by little else. Those of other messages,
by two of these or until a moment, are kept by the process alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from cxtools.events.messages.layer import Layer
from cxtools.measures.catalogue import DIMENSIONS
from cxtools.measures.choices import NO_FILTERS, Filters
from cxtools.measures.cuts import counts_whole
from cxtools.measures.definitions import Definitions
from cxtools.measures.ended_messages import (
    HOUR,
    STATES_BY_HOUR,
    Ended,
    find_ended,
    keep_ended,
    last_full_hour,
)
from cxtools.measures.kept import KEPT
from cxtools.measures.layer_files import keep_counts, read_counts
from cxtools.measures.messages import (
    SENDING_HOUR,
    Asked,
    Part,
    by_hour_query,
    messages_query,
    wanted_values,
)
from cxtools.measures.question import Dimension
from cxtools.measures.sql import statement

if TYPE_CHECKING:
    import pyarrow as pa

#: A campaign has many domains and jobs, and few messages of each: cells aren't parted by them.
MANY_VALUES = {"domain", "job"}
#: What cells of whole campaigns are parted by.
FEW_VALUES = tuple(name for name in DIMENSIONS if name not in MANY_VALUES)
#: What all cells are parted by: it takes little to tell of a message, and is often asked next.
ALWAYS = ("provider", "cause")
#: Dimensions by which cells of whole campaigns are parted beside that, by themselves; and every
#: segment: whoever filters by one of its values will ask for another one next.
BY_THEMSELVES = {"domain"}
#: So many cells are read as fast as anything; where there are more, and they stand for fewer
#: messages each, nothing is gained by them.
MOST_CELLS = 20_000
LEAST_MESSAGES = 4
#: Within how many hours something came, by its delay.
HOURS = """
case when {delay_s} < 3600 then 1
     when {delay_s} <= 72 * 3600 then cast(ceil({delay_s} / 3600e0) as integer)
     else 24 * cast(ceil({delay_s} / 86400e0) as integer) end
"""


def hours_of(delay_s: str) -> str:
    """The SQL of the hours within which something came, by that of its delay in seconds."""
    return HOURS.format(delay_s=delay_s)


def cells_query(*, by_hour: bool = False) -> str:
    """The SQL of the cells of the messages that are asked about; by the hour of the last event."""
    states = "single_states"
    hour = ""
    if by_hour:
        states = STATES_BY_HOUR
        hour = f", {HOUR}"
    return statement("cells").format(
        open_hours=hours_of("open_delay_s"),
        click_hours=hours_of("click_delay_s"),
        states=states,
        hour=hour,
    )


@dataclass(frozen=True)
class Scope:
    """What cells are parted by, and the filters that their messages have passed."""

    by: tuple[str, ...]
    where: Filters
    #: What files of such cells are called; "" where they have none.
    file: str = ""

    def filters_left(self, where: Filters) -> Filters:
        """Of the filters of a question those that are applied to the cells themselves."""
        return {name: values for name, values in where.items() if name not in self.where}

    def dimensions(self, known: Mapping[str, Dimension]) -> dict[str, Dimension]:
        """The same dimensions, each a column of the cells."""
        return {
            name: replace(known[name], expression=_column(place))
            for place, name in enumerate(self.by)
        }

    def key(self) -> Hashable:
        """The same as part of a key."""
        return (self.by, tuple((name, tuple(values)) for name, values in self.where.items()))


def _column(place: int) -> str:
    return f"part_{place}"


#: The cells of whole campaigns: for whoever will ask anything, and for whoever won't ask much.
WHOLE_CAMPAIGNS = Scope(FEW_VALUES, NO_FILTERS, "cells")
FEWEST_CELLS = Scope(ALWAYS, NO_FILTERS, "fewest-cells")


@dataclass(frozen=True)
class KnownCells:
    """The rows of cells that can answer what is asked, and what they are of."""

    scope: Scope
    rows: pa.Table


@dataclass(frozen=True)
class UnknownCells:
    """Cells to count: what they are of, and of which campaigns, those together that must be."""

    scope: Scope
    campaigns: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Cells:
    """Those of some campaigns, by the events that count in what is asked."""

    layers: Mapping[str, Layer]
    asked: Asked

    def find(self) -> KnownCells | None:
        """Those that were counted and can answer what is asked, if there are any."""
        for scope in reversed(list(self._scopes())):  # the last one has the fewest cells
            rows = self._find_all(scope)
            if rows is not None:
                return KnownCells(scope, rows)
        return None

    def narrower(self) -> Scope | None:
        """
        What fewer cells are of that are sums of the known ones and can answer this as well; None
        where these are few enough.
        """
        known = self.find()
        if known is None or known.rows.num_rows <= MOST_CELLS:
            return None
        *_, narrow = self._scopes()
        return None if narrow.key() == known.scope.key() else narrow

    def _find_all(self, scope: Scope) -> pa.Table | None:
        """The cells of all campaigns; None where one has none that are worth it."""
        import pyarrow as pa

        tables = []
        for campaign in self.layers:
            table = self._find(scope, campaign)
            if table is None or not _is_worth_it(table):
                return None
            tables.append(table)
        return pa.concat_tables(tables, promote_options="default")

    def missing(self, *, fewest: bool = False) -> list[UnknownCells]:
        """
        What there is to count, so that cells can answer what is asked, the best first; nothing
        where known ones can. The *fewest* cells are those that can answer no more than that.
        """
        if self.find() is not None:
            return []
        scopes = list(self._scopes())
        if fewest:
            scopes = scopes[-1:]
        missing = []
        for scope in scopes:
            tables = {name: self._find(scope, name) for name in self.layers}
            if all(table is None or _is_worth_it(table) for table in tables.values()):
                names = [name for name, table in tables.items() if table is None]
                missing.append(UnknownCells(scope, self._groups(scope, names)))
        return missing

    def _groups(self, scope: Scope, names: Sequence[str]) -> list[list[str]]:
        """
        Each campaign by itself, so that a fault in one spoils none of the others; but all that are
        asked about together where a value need not be known in each of them.
        """
        if self.asked.segments.names or scope.where:
            return [list(self.layers)]
        return [[name] for name in names]

    def keep(self, scope: Scope, counted: pa.Table) -> bool:
        """
        Keep what was counted split by what these cells are parted by, campaign by campaign, with
        the messages that had ended and weren't read; whether all are worth it.
        """
        import pyarrow.compute as pc

        rows = _flat(counted, scope)
        own = {name: rows.filter(pc.equal(rows["campaign"], name)) for name in self.layers}
        for campaign, ended in self.asked.ended.items():
            own[campaign] = ended.with_others(own[campaign])
        for campaign, cells in own.items():
            self._keep(scope, campaign, cells if _is_worth_it(cells) else _not_worth_it())
        return all(_is_worth_it(cells) for cells in own.values())

    def _keep(self, scope: Scope, campaign: str, rows: pa.Table) -> None:
        if self._has_file(scope, campaign):
            keep_counts(self.layers[campaign], scope.file, self._digest_with(scope), rows)
        KEPT.keep(self._key(scope, campaign), rows)

    def without_ended(self) -> Asked:
        """The same without the messages that had ended by then, where these were counted."""
        found = {}
        for campaign in self.layers:
            cut = self._cut(campaign) if self._is_told else None
            rows = self._ended(campaign) if cut else None
            if cut and rows is not None:
                found[campaign] = Ended(last_full_hour(cut), rows)
        part = Part.NOT_ENDED if found else Part.ALL
        return replace(self.asked, part=part, ended=found)

    def campaigns_without_ended(self) -> list[str]:
        """The campaigns whose cells by the hour of the last event aren't known."""
        if not self._is_told:
            return []
        return [campaign for campaign in self.layers if self._ended(campaign) is None]

    def keep_ended(self, counted: pa.Table) -> None:
        """Keep the cells of one campaign by the hour of the last event."""
        [layer] = self.layers.values()
        rows = _flat(counted, FEWEST_CELLS)
        keep_ended(layer, self._digest_with(FEWEST_CELLS), rows)

    def _ended(self, campaign: str) -> pa.Table | None:
        return find_ended(self.layers[campaign], self._digest_with(FEWEST_CELLS))

    @property
    def _is_told(self) -> bool:
        """Whether it is known what cells depend on."""
        return bool(self.asked.digest) and "" not in self.layers

    def _scopes(self) -> Iterator[Scope]:
        """What cells must be of, to answer what is asked: the best ones first."""
        is_told = self._is_told and self.asked.part is Part.ALL
        is_folded = bool(self.asked.least_group)  # cells know no people, whose groups are folded
        if not is_told or is_folded or self.asked.job_ids is not None:
            return
        names = {*self.asked.by, *self.asked.where, *self.asked.beside}
        is_whole = all(self._cut(campaign) is None for campaign in self.layers)
        if is_whole and names.issubset(FEW_VALUES):
            yield WHOLE_CAMPAIGNS
        by_one = self._by_one(names) if is_whole else None
        if by_one:
            yield by_one
        where = {name: values for name, values in self.asked.where.items() if name not in ALWAYS}
        by = dict.fromkeys([*self.asked.by, *self.asked.beside])
        others = [name for name in by if name not in ALWAYS]
        narrow = Scope((*ALWAYS, *others), where) if where or others else FEWEST_CELLS
        if by_one is None or by_one.key() != narrow.key():
            yield narrow

    def _by_one(self, names: Collection[str]) -> Scope | None:
        """The scope that is parted by one dimension of many values, or by one segment."""
        others = [name for name in names if name not in ALWAYS]
        if len(others) != 1:
            return None
        [name] = others
        if name in BY_THEMSELVES:
            return Scope((*ALWAYS, name), NO_FILTERS, f"{name}-cells")
        if name in DIMENSIONS:
            return None
        return Scope((*ALWAYS, name), NO_FILTERS, "segment-cells")

    def _find(self, scope: Scope, campaign: str) -> pa.Table | None:
        key = self._key(scope, campaign)
        rows = KEPT.find(key)
        if rows is None and self._has_file(scope, campaign):
            rows = read_counts(self.layers[campaign], scope.file, self._digest_with(scope))
            if rows is not None:
                KEPT.keep(key, rows)
        return rows

    def _has_file(self, scope: Scope, campaign: str) -> bool:
        return bool(scope.file) and self._cut(campaign) is None

    def _key(self, scope: Scope, campaign: str) -> Hashable:
        version = self.layers[campaign].version()
        return ("cells", version, self._digest(), self._cut(campaign), scope.key())

    def _cut(self, campaign: str) -> datetime | None:
        """The last moment that counts; None where that is after its last event."""
        if self.asked.cuts is None:
            return None
        cut = self.asked.cuts[campaign]
        return None if counts_whole(self.layers[campaign], cut) else cut

    def _digest_with(self, scope: Scope) -> str:
        text = " ".join([self._digest(), *scope.by])
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    def _digest(self) -> str:
        """Of all that cells depend on besides the layer, the cut and the scope."""
        asked = self.asked
        parts = (asked.digest, asked.providers.digest, asked.timezone, asked.segments.digest)
        return " ".join(parts)


def define_cells(relations: Definitions, known: KnownCells, asked: Asked) -> None:
    """
    What questions read of the messages that are asked about, by their cells.

    The states of whole campaigns without a split are kept as they are: they are even fewer.
    """
    relations.lend("cells", known.rows)
    where = known.scope.filters_left(asked.where)
    relations.register("wanted_cells", wanted_values(where.values()))
    query = messages_query(
        asked.by,
        where,
        known.scope.dimensions(asked.dimensions),
        rows="cells",
        wanted="wanted_cells",
    )
    relations.define("cells_asked_about", query)
    own = known.scope.dimensions(asked.dimensions)
    if own.keys() >= set(SENDING_HOUR):
        relations.define("states_by_hour", by_hour_query("cells_asked_about", own))
    relations.define("folded_cells", statement("folded_cells"))
    if asked.by or asked.where or asked.cuts is not None:
        relations.define("states", "select * from cells_asked_about")
    relations.define("delay_hours", statement("hours_of_cells"))
    if not known.scope.where:
        relations.define("messages_to_count", "select * from cells")


def _flat(counted: pa.Table, scope: Scope) -> pa.Table:
    """The one column `split` as columns of their own."""
    import pyarrow.compute as pc

    split = counted["split"]
    rows = counted.drop_columns(["split"])
    for place in range(len(scope.by)):
        rows = rows.append_column(_column(place), pc.struct_field(split, [place]))
    return rows


def _is_worth_it(rows: pa.Table) -> bool:
    """Whether cells are read faster than the messages that they stand for."""
    import pyarrow.compute as pc

    if not rows.column_names:
        return False
    most = MOST_CELLS
    messages = pc.sum(rows["messages"]).as_py()
    if messages:
        most = max(most, messages // LEAST_MESSAGES)
    is_worth_it: bool = rows.num_rows <= most
    return is_worth_it


def _not_worth_it() -> pa.Table:
    """What is kept in the place of cells that aren't, so that they aren't counted again."""
    import pyarrow as pa

    return pa.table({})
