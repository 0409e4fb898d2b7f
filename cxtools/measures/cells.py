"""
Cells: messages that are alike in all that is counted, and in what most questions are split and
limited by, as one row with their number.

A million messages that are sent within hours are some ten thousand cells; sent through a month, by
hours and days, more than a hundred thousand. Whoever will ask a lot of the same campaigns, as the
explorer does, has them counted first (`Engine.count_cells`); from then on a question that they can
answer reads them in the place of messages. They are what the questions' own SQL counts, split by
all of these dimensions at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cxtools.events.messages.layer import Layer, read_rows
from cxtools.files import write_whole
from cxtools.measures.catalogue import DIMENSIONS
from cxtools.measures.cuts import counts_whole
from cxtools.measures.definitions import Definitions
from cxtools.measures.kept import KEPT
from cxtools.measures.messages import Asked, messages_query
from cxtools.measures.sql import statement

if TYPE_CHECKING:
    import pyarrow as pa

#: A campaign has many domains and jobs, and few messages of each: cells aren't parted by them.
MANY_VALUES = {"domain", "job"}
#: What takes long to look up as of a moment, for which cells are counted while somebody waits.
SLOW_AS_OF = {"domain_kind", "scanned"}
#: A dimension of cells is a column of theirs.
COLUMNS = {
    name: replace(dimension, expression=name)
    for name, dimension in DIMENSIONS.items()
    if name not in MANY_VALUES
}
#: Within how many hours something came, by its delay.
HOURS = """
case when {delay_s} < 3600 then 1
     when {delay_s} <= 72 * 3600 then cast(ceil({delay_s} / 3600e0) as integer)
     else 24 * cast(ceil({delay_s} / 86400e0) as integer) end
"""


def hours_of(delay_s: str) -> str:
    """The SQL of the hours within which something came, by that of its delay in seconds."""
    return HOURS.format(delay_s=delay_s)


def cells_query() -> str:
    """The SQL of the cells of the messages that are asked about."""
    return statement("cells").format(
        open_hours=hours_of("open_delay_s"), click_hours=hours_of("click_delay_s")
    )


@dataclass(frozen=True)
class Cells:
    """Those of some campaigns, by the events that count in what is asked."""

    layers: Mapping[str, Layer]
    asked: Asked

    def dimensions(self) -> list[str]:
        """What they are parted by."""
        is_whole = all(self._cut(campaign) is None for campaign in self.layers)
        return [name for name in COLUMNS if is_whole or name not in SLOW_AS_OF]

    def find(self) -> pa.Table | None:
        """Their rows, where they were counted and can answer what is asked; else None."""
        asked_for = {*self.asked.by, *self.asked.where}
        is_told = bool(self.asked.digest) and "" not in self.layers
        is_folded = bool(self.asked.least_group)  # cells know no people, whose groups are folded
        if not is_told or is_folded or self.asked.job_ids is not None:
            return None
        if not asked_for.issubset(self.dimensions()):
            return None
        return self._rows()

    def _rows(self) -> pa.Table | None:
        import pyarrow as pa

        tables = []
        for campaign in self.layers:
            rows = self._find(campaign)
            if rows is None:
                return None
            tables.append(rows)
        return pa.concat_tables(tables, promote_options="default")

    def keep(self, counted: pa.Table) -> None:
        """Keep those of one campaign, which were counted split by all of their dimensions."""
        [campaign] = self.layers
        rows = _flat(counted, self.asked.by)
        KEPT.keep(self._key(campaign), rows)
        if self._cut(campaign) is None:
            _write(rows, self._file(campaign))

    def _find(self, campaign: str) -> pa.Table | None:
        key = self._key(campaign)
        rows = KEPT.find(key)
        if rows is None and self._cut(campaign) is None:
            with suppress(FileNotFoundError):
                rows = read_rows(self._file(campaign))
                KEPT.keep(key, rows)
        return rows

    def _key(self, campaign: str) -> Hashable:
        version = self.layers[campaign].version()
        return ("cells", version, self._digest(), self._cut(campaign))

    def _cut(self, campaign: str) -> datetime | None:
        """The last moment that counts; None where that is after its last event."""
        if self.asked.cuts is None:
            return None
        cut = self.asked.cuts[campaign]
        return None if counts_whole(self.layers[campaign], cut) else cut

    def _file(self, campaign: str) -> Path:
        return self.layers[campaign].folder / f"cells-{self._digest()}.parquet"

    def _digest(self) -> str:
        """Of all that cells depend on besides the layer and the cut."""
        text = f"{self.asked.digest} {self.asked.providers.digest} {self.asked.timezone}"
        return hashlib.sha256(text.encode()).hexdigest()[:24]


def define_cells(relations: Definitions, rows: pa.Table, asked: Asked) -> None:
    """
    What questions read of the messages that are asked about, by their cells.

    The states of whole campaigns without a split are kept as they are: they are even fewer.
    """
    relations.register("cells", rows)
    query = messages_query(asked.by, asked.where, COLUMNS, rows="cells")
    relations.define("cells_asked_about", query)
    if asked.by or asked.where or asked.cuts is not None:
        relations.define("states", "select * from cells_asked_about")
    relations.define("delay_hours", statement("hours_of_cells"))
    relations.define("messages_to_count", "select * from cells")


def _flat(counted: pa.Table, dimensions: Sequence[str]) -> pa.Table:
    """The one column `split` as columns of their own."""
    import pyarrow.compute as pc

    split = counted["split"]
    rows = counted.drop_columns(["split"])
    for place, name in enumerate(dimensions):
        rows = rows.append_column(name, pc.struct_field(split, [place]))
    return rows


def _write(rows: pa.Table, file: Path) -> None:
    """Keep cells for other processes; where that can't be, they count them again."""
    import pyarrow.parquet as pq

    if not file.parent.exists():  # somebody removed the layer, which is made again
        return
    with suppress(OSError):
        write_whole(file, partial(pq.write_table, rows))
