"""
Why mail came back: causes as bars, the kinds over the days, or a map of causes and parts; two
splits are a map of bounce rates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from cxtools import wording
from cxtools.charts import bars, heatmap
from cxtools.charts.bars import Bar
from cxtools.charts.cells import (
    FEWEST,
    Cell,
    Grid,
    Panel,
    Share,
    compared,
    cross,
    plain,
    strength,
    sums,
)
from cxtools.charts.frame import Trace, draw, nothing_to_compare, sentence, too_many_splits
from cxtools.charts.groups import group_named, groups_of, in_order, part_name, row_name, words
from cxtools.charts.rows import SHOWN_ROWS, Row, largest, rows_of, rows_with
from cxtools.charts.style import BOUNCE_COLOURS, INK
from cxtools.measures.stats import wilson

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

WHY = "Why did mail come back?"
SAID = "What did the receiving servers say?"
NO_BOUNCES = "No bounces."
#: Room for a line of the legend, and for the names of the days, which may stand upright.
LEGEND_PX = 22
UPRIGHT_PX = 84
FLAT_PX = 30
MOST_FLAT = 3
#: Room for the numbers beside the days.
COUNTS_PX = 60
#: How many days are drawn, the last ones.
MOST_DAYS = 200
#: A share of fewer bounces tells little.
FEWEST_BOUNCES = 20
#: So many columns have room for a percentage beside each number.
MOST_WITH_SHARE = 3
#: So many have room for the tenths of a percentage.
MOST_WITH_TENTHS = 7
#: Those who refuse mail themselves, in a title.
REFUSING = ("provider", "domain")


def figure(table: pd.DataFrame) -> go.Figure:
    """The causes of the bounces, by what the table is split by."""
    if not len(table):
        return sentence(WHY, NO_BOUNCES, table)
    match groups_of(table):
        case ():
            return causes(table, "category", WHY)
        case (split,):
            return _parts(table, split)
        case (_, _) as splits:
            return _rate_map(table, splits)
        case splits:
            return too_many_splits(WHY, splits, table)


def _parts(table: pd.DataFrame, split: str) -> go.Figure:
    parts = table[split].nunique()
    if not parts:
        return sentence(WHY, "No bounce has a known time yet.", table)
    if parts == 1:
        return nothing_to_compare(table, split, "all mail that came back")
    if split == "day":
        return _days(table)
    return _cause_map(table, split, "category", _cause_title(split))


def reasons(table: pd.DataFrame) -> go.Figure:
    """What the receiving servers said, most frequent first; split once, a map of texts by part."""
    match groups_of(table):
        case (split,) if table[split].nunique() > 1:
            return _cause_map(table, split, "reason", SAID)
        case _:
            return causes(table, "reason", SAID)


# --- bars ---


def causes(
    table: pd.DataFrame,
    label: str,
    title: str,
) -> go.Figure:
    """Bars of causes, coloured by kind of bounce, the kind also in words."""
    rows = rows_of(table)
    if not rows:
        return sentence(title, NO_BOUNCES, table)
    splits = groups_of(table)
    ranked = [_cause(row, label, splits) for row in largest(rows, "recipients")]
    caption = _causes_caption(rows, splits)
    return bars.figure(
        ranked,
        title=title,
        caption=caption,
        table=table,
    )


def _cause(
    row: Row,
    label: str,
    splits: Sequence[str],
) -> Bar:
    kind = row["kind"]
    cause = wording.spaced(row["category"])
    if label == "reason":
        cause = row["reason"] or cause
    name = row_name(splits, row, cause, kind)
    share = wording.percent(row.get("share"))
    return Bar(name, row["recipients"], share, BOUNCE_COLOURS[kind])


def _causes_caption(rows: Sequence[Row], splits: Sequence[str]) -> str:
    counted = "Messages that bounced, by cause"
    if splits:
        counted = f"Messages that bounced, by {words(splits)} and cause"
    if "campaign" in splits:
        return f"{counted}; percentages are of all bounces of the same campaign."
    total = sum(row["recipients"] for row in rows)
    if total == 1:
        return f"{counted}; percentages are of 1 bounce."
    return f"{counted}; percentages are of all {wording.count(total)} bounces."


# --- days ---


def _days(table: pd.DataFrame) -> go.Figure:
    rows = [row for row in rows_of(table) if row["day"]]
    known = sorted({row["day"] for row in rows})
    days = known[-MOST_DAYS:]
    total = wording.count(sum(row["recipients"] for row in rows))
    caption = (
        "Messages that bounced, by the day (UTC) on which they were sent and by kind; "
        f"{total} in all."
        f"{wording.shown_note(len(days), len(known))}"
    )
    counts = _counts(rows, "kind", "day")
    kinds = [kind for kind in BOUNCE_COLOURS if any(own == kind for own, _ in counts)]
    layout = {
        "height": 316 + LEGEND_PX * len(kinds),
        "margin": {
            "t": LEGEND_PX * len(kinds),
            "b": UPRIGHT_PX if len(days) > MOST_FLAT else FLAT_PX,
            "l": COUNTS_PX,
        },
        "barmode": "stack",
        "showlegend": True,
        "xaxis": {"type": "category", "tickangle": -90 if len(days) > MOST_FLAT else 0},
        "yaxis": {"tickformat": ",d", "nticks": 5},
    }
    traces = [_day_trace(counts, kind, days) for kind in kinds]
    title = "When did mail come back?"
    return draw(
        traces,
        title=title,
        caption=caption,
        table=table,
        layout=layout,
    )


def _day_trace(
    counts: Mapping[tuple[Any, Any], int],
    kind: str,
    days: Sequence[str],
) -> Trace:
    return {
        "type": "bar",
        "name": kind,
        "x": list(days),
        "y": [counts.get((kind, day), 0) for day in days],
        "marker": {"color": BOUNCE_COLOURS[kind]},
    }


def _counts(
    rows: Sequence[Row],
    down: str,
    across: str,
) -> dict[tuple[Any, Any], int]:
    """How many recipients each pair of values has."""
    counts: dict[tuple[Any, Any], int] = {}
    for row in rows:
        pair = row[down], row[across]
        counts[pair] = counts.get(pair, 0) + row["recipients"]
    return counts


# --- maps ---


def _cause_map(
    table: pd.DataFrame,
    split: str,
    label: str,
    title: str,
) -> go.Figure:
    """Causes and parts; the colour is a cause's share of its part."""
    told = [split, label, "category", "kind", "recipients", "attempted"]
    rows = [row | {"row_name": _cause_name(row, label)} for row in rows_with(table, told)]
    by_part = sums(rows, split, "recipients")
    by_cause = sums(rows, "row_name", "recipients")
    parts = in_order(split, by_part)
    largest_first = sorted(by_cause, key=lambda cause: -by_cause[cause])
    drawn = largest_first[:SHOWN_ROWS]
    base = _base(rows, split)
    counts = {
        (cause, part): count
        for (cause, part), count in _counts(rows, "row_name", split).items()
        if part in parts and cause in drawn
    }
    shares = {
        (cause, part): count / base.wholes[part]
        for (cause, part), count in counts.items()
        if base.wholes[part] >= base.fewest
    }
    most = max(shares.values(), default=1.0)
    has_room = len(parts) <= MOST_WITH_SHARE
    cells = {}
    for (cause, part), count in counts.items():
        share = shares.get((cause, part))
        text = wording.count(count)
        if has_room and share is not None:
            text = f"{text} ({wording.percent(share)})"
        shade = None if share is None else strength(share / most)
        cells[cause, part_name(split, part)] = Cell(text, shade)
    columns = [part_name(split, part) for part in parts]
    one = group_named(split).one
    total = wording.count(sum(by_part.values()))
    what = f"{base.words} the same {one}"
    named = "cause" if label == "category" else "reason"
    counted = f"Messages that bounced ({total} in all): {named} by {one}."
    percentages = f"Percentages are of {what}. " if has_room else ""
    caption = (
        f"{counted} {percentages}The stronger the colour, the larger the share of {what}; grey: of "
        f"fewer than {base.fewest}, which tells little."
        f"{wording.shown_note(len(parts), len(by_part))}"
    )
    if len(drawn) < len(by_cause):
        caption = f"{caption} Rows are the {len(drawn)} most frequent of {len(by_cause)} causes."
    return heatmap.figure(
        [Panel(cells, INK["orange"])],
        Grid(drawn, columns),
        title=title,
        caption=caption,
        table=table,
    )


class Base(NamedTuple):
    """What causes are a share of: so many of each part, in words, and how many tell enough."""

    wholes: Mapping[Any, float]
    words: str
    fewest: int


def _base(rows: Sequence[Row], split: str) -> Base:
    """The attempted messages of each part, where the table has them; else its bounces."""
    if rows and "attempted" in rows[0]:
        wholes = {row[split]: row["attempted"] for row in rows}
        return Base(wholes, "the attempted messages of", FEWEST)
    return Base(sums(rows, split, "recipients"), "all bounces of", FEWEST_BOUNCES)


def _cause_name(row: Row, label: str) -> str:
    category = wording.spaced(row["category"])
    if label == "category":
        return category
    return f"{row['reason'] or category} · {row['kind']}"


def _rate_map(table: pd.DataFrame, splits: Sequence[str]) -> go.Figure:
    """Two splits; all causes together."""
    down, across = splits
    rows = rows_of(table)
    merged: dict[tuple[Any, Any], Row] = {}
    for row in rows:
        cell = merged.setdefault((row[down], row[across]), row | {"recipients": 0})
        cell["recipients"] += row["recipients"]
    crossing = cross(list(merged.values()), splits, "recipients")
    counts = {key: row["recipients"] for key, row in crossing.rows.items()}
    shares = {key: _bounced_share(row) for key, row in crossing.rows.items()}
    digits = 1 if len(crossing.grid.columns) <= MOST_WITH_TENTHS else 0
    panels = [
        Panel(plain(counts, wording.count), title="Bounced"),
        Panel(
            compared(shares, partial(wording.percent, digits=digits)),
            INK["orange"],
            "Bounced, of attempted",
            INK["blue"],
        ),
    ]
    caption = (
        "Messages that bounced, all causes together, and their share of the attempted; "
        "an empty cell has no bounce. Orange: more than the median of these, blue: less, the "
        "stronger the farther; without colour where chance explains it. Grey: of fewer than "
        f"{FEWEST} messages, which tells little."
        f"{wording.shown_note(len(crossing.rows), len(merged))}"
    )
    title = f"Where did mail come back: {words(splits)}?"
    return heatmap.figure(
        panels,
        crossing.grid,
        title=title,
        caption=caption,
        table=table,
    )


def _bounced_share(row: Row) -> Share:
    low, high = wilson(row["recipients"], row["attempted"])
    return Share(row["recipients"] / row["attempted"], low, high, row["attempted"])


def _cause_title(split: str) -> str:
    if split in REFUSING:
        return f"Which {group_named(split).many} refused, and why?"
    return f"Which causes in which {group_named(split).one}?"
