"""
What a figure says, in one sentence: the heading of its place on a page, where the question that it
answers would only be asked.

Each sentence holds numbers that stand in the figure's own table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from cxtools import wording
from cxtools.charts.groups import groups_of, part_name
from cxtools.charts.rows import Row, question_of, rows_of, rows_with

if TYPE_CHECKING:
    import pandas as pd

#: Parts with fewer messages are not named as the best or the worst: chance makes them so.
FEWEST = 100
DAY_H = 24


def headline(table: pd.DataFrame) -> str:
    """
    The answer that a table gives to its question; "" where no sentence is short and true enough.

    >>> import pandas as pd
    >>> headline(pd.DataFrame({"attempted": [7]}))
    ''
    """
    question = question_of(table)
    if question is None or not len(table):
        return ""
    splits = groups_of(table)
    if question.name == "comparison":
        return of_comparison(rows_of(table))
    if not splits and question.name in WHOLE:
        return WHOLE[question.name](rows_of(table))
    if len(splits) == 1 and question.name in PARTS:
        columns = [splits[0], *COLUMNS_OF_PARTS]
        return PARTS[question.name](rows_with(table, columns), splits[0])
    return ""


# --- one campaign as a whole ---


def of_funnel(rows: Sequence[Row]) -> str:
    """How much was delivered, and how much of that was clicked."""
    [row] = rows
    if row["delivery_rate"] is None:
        return ""
    delivered = f"{wording.percent(row['delivery_rate'])} of the mail was delivered"
    if row["click_rate"] is None:
        return delivered
    return f"{delivered}, {wording.percent(row['click_rate'])} of that was clicked"


def of_causes(rows: Sequence[Row]) -> str:
    """The most frequent cause."""
    top = max(rows, key=lambda row: row["recipients"])
    cause = wording.label(top["category"])
    part = _part_of(top, "recipients", "bounced")
    return f"{cause} is the most frequent cause: {part} bounces"


def of_links(rows: Sequence[Row]) -> str:
    """The link that most people followed, of those that lead to content."""
    content = [row for row in rows if row["purpose"] == "content" and row["people"]]
    if not content:
        return ""
    top = max(content, key=lambda row: row["people"])
    url = wording.short(top["link_url"].partition("://")[2])
    return f"Most followed: {url}, by {wording.people(top['people'])}"


def of_timing(rows: Sequence[Row]) -> str:
    """How long half of those who loaded the images took."""
    for row in rows:
        if row["kind"] == "open" and row["recipients"] >= FEWEST:
            return f"Half of those who loaded the images did so within {_duration(row, 'median_s')}"
    return ""


def of_curve(rows: Sequence[Row]) -> str:
    """How many had loaded the images after a day, and by the end."""
    opens = [row for row in rows if row["kind"] == "open"]
    first_day = [row for row in opens if row["hours"] <= DAY_H]
    if not first_day or opens[-1]["hours"] <= DAY_H:
        return ""
    soon = wording.percent(first_day[-1]["rate"])
    late = wording.percent(opens[-1]["rate"])
    return f"{soon} had loaded the images within a day of delivery, {late} by the end"


def of_jobs(rows: Sequence[Row]) -> str:
    """How long the slowest job took."""
    times = [row["delivery_median_s"] for row in rows if row["delivery_median_s"] is not None]
    if not times:
        return ""
    if not rows[1:]:
        return f"1 send job, which delivered half of its mail within {wording.duration(times[0])}"
    jobs = wording.quantity(len(rows), "send job")
    return f"{jobs}; the slowest delivered half of its mail within {wording.duration(max(times))}"


# --- parts ---


def of_rates(rows: Sequence[Row], split: str) -> str:
    """Where least and most of the mail was delivered."""
    large = _large(rows)
    if not large[1:]:
        return ""
    worst = min(large, key=lambda row: row["delivery_rate"])
    best = max(large, key=lambda row: row["delivery_rate"])
    if best["delivery_rate"] - worst["delivery_rate"] < wording.LEVEL:
        return ""
    ends = f"from {_rate_at(worst, split)} to {_rate_at(best, split)}"
    return f"Delivered: {ends}{_of_large(large, rows)}"


def of_bounces(rows: Sequence[Row], split: str) -> str:
    """Where the largest share of the mail came back."""
    parts: dict[str, Row] = {}
    for row in rows:
        part = parts.setdefault(part_name(split, row[split]), row | {"recipients": 0})
        part["recipients"] += row["recipients"]
    large = _large(list(parts.values()))
    if not large[1:]:
        return ""
    worst = max(large, key=lambda row: row["recipients"] / row["attempted"])
    share = wording.percent(worst["recipients"] / worst["attempted"])
    name = part_name(split, worst[split])
    counts = _part_of(worst, "recipients", "attempted")
    return f"The largest share came back at {name}: {counts} ({share}){_of_large(large, rows)}"


def of_comparison(rows: Sequence[Row]) -> str:
    """The place of the last campaign among the others."""
    known = [row for row in rows if row["delivery_rate"] is not None]
    if not known[1:] or known[-1] is not rows[-1]:
        return ""
    places = [_place(known, "delivered", "delivery_rate"), _place(known, "clicked", "click_rate")]
    said = [place for place in places if place]
    return f"{rows[-1]['campaign']}: {', '.join(said)}"


def _place(rows: Sequence[Row], word: str, rate: str) -> str:
    """The last row's rate and its place among all, "" where it isn't measured."""
    own = rows[-1][rate]
    rates = [row[rate] for row in rows if row[rate] is not None]
    if own is None:
        return ""
    above = [other for other in rates if other > own]
    place = wording.ordinal(len(above) + 1)
    return f"{wording.percent(own)} {word} ({place} of {len(rates)})"


# --- words ---


def _large(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if (row["attempted"] or 0) >= FEWEST]


def _of_large(large: Sequence[Row], rows: Sequence[Row]) -> str:
    """Said where parts were left out for being small."""
    small = [row for row in rows if (row["attempted"] or 0) < FEWEST]
    return f", among those with {FEWEST} messages or more" if small else ""


def _rate_at(row: Row, split: str) -> str:
    return f"{wording.percent(row['delivery_rate'])} ({part_name(split, row[split])})"


def _part_of(row: Row, part: str, whole: str) -> str:
    return f"{wording.count(row[part])} of {wording.count(row[whole])}"


def _duration(row: Row, column: str) -> str:
    return wording.duration(row[column])


#: Question -> the sentence on a campaign as a whole.
WHOLE: Mapping[str, Callable[[Sequence[Row]], str]] = {
    "funnel": of_funnel,
    "bounces": of_causes,
    "links": of_links,
    "timing": of_timing,
    "curve": of_curve,
    "jobs": of_jobs,
}
#: What is told of parts.
COLUMNS_OF_PARTS = ("attempted", "delivery_rate", "recipients")
#: Question -> the sentence on its parts.
PARTS: Mapping[str, Callable[[Sequence[Row], str], str]] = {
    "funnel": of_rates,
    "bounces": of_bounces,
}
