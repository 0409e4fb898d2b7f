"""
A table as people read it, on a page and in a terminal: headings in words, shares in percent,
durations with a unit, missing as a dash.
"""

from __future__ import annotations

import html as _html
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from cxtools import wording
from cxtools.charts.columns import BOUND, shown_columns
from cxtools.charts.rows import SHOWN_ROWS, Row, question_of, rows_of

if TYPE_CHECKING:
    import pandas as pd

#: Count -> its rate, which is missing where the feed doesn't measure it.
RATE_OF = {"opened": "open_rate", "clicked": "click_rate"}
#: Columns of our own identifiers, which are shown as words; what others wrote stays as it is.
IDENTIFIERS = ("category", "check")
NOT_MEASURED = "not measured"
#: In a terminal, the widest column keeps at least so many characters.
LEAST_WIDTH = 20
GUTTER = "  "


# --- HTML ---


def html(table: pd.DataFrame) -> str:
    """
    A table as HTML, each share with its interval beside it; at most as many rows as are read.

    >>> import pandas as pd
    >>> html(pd.DataFrame({"provider": ["gmail"], "delivered": [9412]}))
    '<table>...<th scope="col" class="n">Delivered</th></tr></thead><tbody><tr><td>gmail</td><td
    class="n">9,412</td></tr></tbody></table>'
    """
    rows = rows_of(table)
    question = question_of(table)
    columns = shown_columns(table)
    if question and not rows:
        return f"<p>{question.empty}</p>"
    if question and question.name == "data_quality":
        return _findings(columns, rows)
    caption = question.caption if question else ""
    return html_table(columns, rows[:SHOWN_ROWS], caption + wording.cut(SHOWN_ROWS, len(rows)))


def _findings(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """What the checks found, and what they couldn't measure; the others are only counted."""
    findings = [row for row in rows if row["count"] != 0]
    silent = len(rows) - len(findings)
    if not silent:
        return html_table(columns, findings)
    return html_table(columns, findings, f"{wording.counted(silent, 'other check')} found nothing.")


def html_table(columns: Sequence[str], rows: Sequence[Row], caption: str = "") -> str:
    """The same from plain rows: the form in which a figure carries its table."""
    shown = [column for column in columns if not BOUND.fullmatch(column)]
    classes = {column: _class(column, rows) for column in shown}
    head = "".join(_heading(column, classes[column]) for column in shown)
    body = "".join(_line(row, classes) for row in rows)
    title = f"<caption>{_html.escape(caption.strip())}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _class(column: str, rows: Sequence[Row]) -> str:
    return ' class="n"' if is_numeric(column, rows) else ""


def _heading(column: str, css_class: str) -> str:
    return f'<th scope="col"{css_class}>{_html.escape(wording.label(column))}</th>'


def _line(row: Row, classes: Mapping[str, str]) -> str:
    cells = "".join(_cell(column, row, css_class) for column, css_class in classes.items())
    return f"<tr>{cells}</tr>"


def _cell(column: str, row: Row, css_class: str) -> str:
    """A value; one that had to be cut is whole in the cell's hint."""
    text = value_text(column, row)
    whole = str(row[column])
    was_cut = "…" in text and "…" not in whole
    hint = f' title="{_html.escape(whole)}"' if was_cut else ""
    return f"<td{css_class}{hint}>{_html.escape(text)}</td>"


def is_numeric(column: str, rows: Sequence[Row]) -> bool:
    """Whether a column holds numbers, which stand to the right."""
    return any(isinstance(row[column], int | float) for row in rows)


# --- terminal ---


def text(table: pd.DataFrame, width: int = 120) -> str:
    """
    A table for a terminal: shares without their intervals; where lines would be longer than
    *width*, the widest column is cut.

    >>> import pandas as pd
    >>> print(text(pd.DataFrame({"provider": ["gmail", "other"], "delivered": [9412, 7], "click_rate": [0.0956, None]})))
    Provider  Delivered  Click rate
    gmail         9,412        9.6%
    other             7           –
    """
    rows = rows_of(table)
    columns = [column for column in shown_columns(table) if not BOUND.fullmatch(column)]
    lines = [[wording.label(column) for column in columns]]
    lines += [[terminal_text(column, row) for column in columns] for row in rows]
    widths = _widths(lines, width)
    right = [is_numeric(column, rows) for column in columns]
    return "\n".join(_terminal_line(line, widths, right) for line in lines)


def _widths(lines: Sequence[Sequence[str]], width: int) -> list[int]:
    """How wide each column is; what is too much is taken from the widest."""
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    gutters = len(GUTTER) * (len(widths) - 1)
    others = sum(widths) - max(widths)
    room = max(LEAST_WIDTH, width - others - gutters)
    return [min(own, room) for own in widths]


def _terminal_line(line: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    cells = []
    for cell, width, to_the_right in zip(line, widths, right, strict=True):
        short = wording.short(cell, width)
        cells.append(short.rjust(width) if to_the_right else short.ljust(width))
    return GUTTER.join(cells).rstrip()


def terminal_text(column: str, row: Row) -> str:
    """A value without its interval, and with a dash for what isn't measured."""
    if _is_share(column):
        return wording.percent(row[column])
    value = value_text(column, row)
    return wording.MISSING if value == NOT_MEASURED else value


# --- values ---


def value_text(column: str, row: Row) -> str:
    """One value in the words of its column: the ending of the column's name tells the unit."""
    value = row[column]
    if _is_unmeasured(column, row):
        return NOT_MEASURED
    if value is None or value == "":
        return wording.MISSING
    if _is_share(column):
        return wording.interval(value, row.get(f"{column}_low"), row.get(f"{column}_high"))
    if column == "confidence":
        return wording.percent(value, 0)
    if column.endswith("_s"):
        return wording.duration(value)
    if column.endswith("_at"):
        return wording.moment_text(datetime.fromisoformat(value))
    return _plain_text(column, value)


def _plain_text(column: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return wording.count(value)
    text = str(value)
    if column in IDENTIFIERS:
        text = wording.spaced(text)
    longest = 60 if column.endswith("_url") else 300
    return wording.short(text, longest)


def _is_share(column: str) -> bool:
    return column.endswith(("rate", "share"))


def _is_unmeasured(column: str, row: Row) -> bool:
    """Whether the feed holds nothing of a kind, which is not a zero."""
    if column == "count":
        return row[column] is None
    if column not in RATE_OF or not row.get("delivered"):
        return False
    return row.get(RATE_OF[column], row[column]) is None
