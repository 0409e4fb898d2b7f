"""
Messages that had ended by some hour: all their events had come before it. What they were at any
moment after it is what they are.

Their cells, parted by the hour of the last event, stand beside the layer. Cells as of a moment are
those of the messages that had ended by then, and of the others, which alone are looked at one by
one. Irregular messages, whose rows don't tell what they were at a moment, are always among these.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cxtools.events.messages.layer import Layer
from cxtools.measures.kept import KEPT
from cxtools.measures.layer_files import keep_counts, read_counts

if TYPE_CHECKING:
    import pyarrow as pa

#: What the files are called, and the column of the hour.
NAME = "ended-cells"
HOUR = "last_hour"
STATES_BY_HOUR = "(select *, date_trunc('hour', last_at) as last_hour from single_states)"
#: The columns that are summed up; all others tell cells apart.
SUMS = {
    "messages": "sum",
    "first_at": "min",
    "last_at": "max",
    "first_bounced_at": "min",
    "last_bounced_at": "max",
}


def find_ended(layer: Layer, digest: str) -> pa.Table | None:
    """The cells of the messages of a layer by the hour of their last event, if they are known."""
    key = (NAME, layer.version(), digest)
    rows = KEPT.find(key)
    if rows is None:
        rows = read_counts(layer, NAME, digest)
        if rows is not None:
            KEPT.keep(key, rows)
    return rows


def keep_ended(layer: Layer, digest: str, rows: pa.Table) -> None:
    """Keep them for this process, and beside the layer for others."""
    keep_counts(layer, NAME, digest, rows)
    KEPT.keep((NAME, layer.version(), digest), rows)


def last_full_hour(moment: datetime) -> datetime:
    """
    The end of the last hour that was over at a moment, to its microsecond.

    >>> str(last_full_hour(datetime(2026, 9, 14, 23, 59, 59, 999_999, UTC)))
    '2026-09-15 00:00:00+00:00'
    >>> str(last_full_hour(datetime.fromisoformat("2026-09-14T09:40+05:30")))
    '2026-09-14 04:00:00+00:00'
    """
    after = moment.astimezone(UTC) + timedelta(microseconds=1)
    return after.replace(minute=0, second=0, microsecond=0)


@dataclass(frozen=True)
class Ended:
    """The messages of a campaign that had ended by an hour, as cells by the hour of each."""

    hour: datetime
    rows: pa.Table

    def with_others(self, others: pa.Table) -> pa.Table:
        """The cells of these and of all other messages."""
        import pyarrow as pa
        import pyarrow.compute as pc

        hour = pa.scalar(self.hour, self.rows.schema.field(HOUR).type)
        ended = self.rows.filter(pc.less(self.rows[HOUR], hour)).drop_columns([HOUR])
        return _summed(pa.concat_tables([others, ended], promote_options="default"))


def _summed(cells: pa.Table) -> pa.Table:
    """Cells that are alike as one."""
    keys = [name for name in cells.column_names if name not in SUMS]
    summed = cells.group_by(keys, use_threads=False).aggregate(list(SUMS.items()))
    names = {f"{name}_{how}": name for name, how in SUMS.items()}
    summed = summed.rename_columns([names.get(name, name) for name in summed.column_names])
    return summed.select(cells.column_names)
