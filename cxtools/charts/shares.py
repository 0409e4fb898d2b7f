"""Counts with their shares, one bar a row: the figure of questions that need no other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cxtools import wording
from cxtools.charts import bars
from cxtools.charts.bars import Bar
from cxtools.charts.frame import sentence
from cxtools.charts.groups import SEPARATOR, groups_of, part_name
from cxtools.charts.rows import SHOWN_ROWS, Row, question_of, rows_of
from cxtools.charts.style import INK
from cxtools.measures.question import Column, Question

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

#: What a row is of, in columns that are no count.
NAMING = ("text", "number", "hours")
NOT_MEASURED = "Not measured: the feed holds nothing of that kind."


def figure(table: pd.DataFrame) -> go.Figure:
    """The first rate of each row, as many as are shown, in the order of the table."""
    question = question_of(table)
    if question is None:
        return sentence("", "", table)
    rate = question.rates[0]
    rows = [row for row in rows_of(table) if row.get(rate.name) is not None]
    if not rows:
        text = NOT_MEASURED if len(table) else question.empty
        return sentence(question.question, text, table)
    splits = groups_of(table)
    drawn = [_bar(row, question, rate, splits) for row in rows[:SHOWN_ROWS]]
    part, whole = (wording.label(name) for name in (rate.part, rate.whole))
    caption = f"{part}, and their share of {whole.lower()}. {question.caption}".strip()
    return bars.figure(drawn, title=question.question, caption=caption, table=table)


def _bar(row: Row, question: Question, rate: Column, splits: Sequence[str]) -> Bar:
    parts = [part_name(split, row[split]) for split in splits]
    parts += [_name(column, row) for column in question.columns if _names(column, splits)]
    name = SEPARATOR.join(parts) or wording.label(rate.part)
    note = wording.percent(row[rate.name])
    return Bar(name, row[rate.part] or 0, note, INK["blue"])


def _names(column: Column, splits: Sequence[str]) -> bool:
    return column.kind in NAMING and column.name not in splits


def _name(column: Column, row: Row) -> str:
    """What a row is of: `24 h`, `3 times`, a word."""
    value = row[column.name]
    if column.kind == "hours":
        return f"{value} h"
    if column.kind == "number":
        return f"{value} {column.name}" if value != 1 else f"1 {column.name.removesuffix('s')}"
    return wording.spaced(str(value)) if column.name == "category" else str(value)
