"""
A table as people read it, on a page and in a terminal: headings in words, shares in percent,
durations with a unit, missing as a dash.

The terminal's table is our own twenty lines: `rich.table` cuts the narrow columns instead of the
widest, and its import and first table cost 50 to 170 ms where ours costs 2 (20 rows; 2,000 rows:
2 s instead of 0.1 s).
"""

from __future__ import annotations

import html as _html
import re
import sys
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from cxtools import wording
from cxtools.charts.columns import BOUND, shown_columns
from cxtools.charts.groups import GROUPS, heading, limits_note, part_name, splits_of
from cxtools.charts.rows import SHOWN_ROWS, Row, question_of, rows_at, rows_of
from cxtools.text import printable

if TYPE_CHECKING:
    import pandas as pd

#: Count -> its rate, which is missing where the feed doesn't measure it.
RATE_OF = {"opened": "open_rate", "clicked": "click_rate"}
#: Columns of our own identifiers, which are shown as words; what others wrote stays as it is.
IDENTIFIERS = ("category", "cause", "check", "metric")
NOT_MEASURED = "not measured"
#: The question whose rows are checks, of which only those that found something are shown.
FINDINGS = "data_quality"
TABLE = (
    '<table class="answer">{caption}<thead><tr>{headings}</tr></thead>'
    "<tbody>{lines}</tbody></table>"
)
#: JupyterLab sets all cells to the right by a rule of two classes; a class named twice outdoes it.
STYLE = (
    "<style>table.answer.answer td,table.answer.answer th{text-align:left}"
    "table.answer.answer .n{text-align:right;white-space:nowrap}"
    "table.answer.answer .name{white-space:nowrap}"
    "table.answer.answer caption{text-align:left}</style>"
)
#: The class of a number's cell, and the sign of a text that was cut.
NUMERIC = ' class="n"'
#: The class of a name that stands on one line: a browser would break it at its hyphens.
NAME = ' class="name"'
SHORT_NAME = re.compile(r"[^\s-]*[-/]\S*")
SHORT_NAME_LETTERS = 24
CUT = "…"
LONGEST_TEXT = 300
LONGEST_NAME = 60
#: A text that had to be cut stands in a title, up to so many letters of it.
WHOLE_TEXT = 2000
#: The dash of an interval, at which no line may break.
DASH = re.compile(r"(?<=\d)–(?=\d)")
JOINER = "\u2060"
#: In a terminal, the widest column keeps at least so many characters.
LEAST_WIDTH = 20
GUTTER = "  "


# --- HTML ---


def html(
    table: pd.DataFrame,
    most: int = SHOWN_ROWS,
    remedy: str = "",
) -> str:
    """
    A table as HTML, each share with its interval beside it; of more rows than *most* the first
    ones, with the *remedy* in the caption: how to see all.

    >>> import pandas as pd
    >>> html(pd.DataFrame({"provider": ["gmail"], "delivered": [9412]}))
    '<table class="answer">...<th scope="col" class="n" title="delivered">Delivered</th>...<td
    class="n">9,412</td></tr></tbody></table>'
    """
    question = question_of(table)
    columns = shown_columns(table)
    if question and table.empty:
        nothing = question.nothing(splits_of(table))
        return f"<p>{_html.escape(nothing + limits_note(table))}</p>"
    if question and question.name == FINDINGS:
        return _findings(columns, rows_of(table, WHOLE_TEXT))
    caption = question.caption if question else ""
    note = wording.shown_note(most, len(table))
    if note and remedy:
        note = f"{note} {remedy}"
    return html_table(
        columns,
        rows_at(table, range(min(most, len(table))), WHOLE_TEXT),
        caption + note + limits_note(table),
    )


def _findings(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """What the checks found, and what they couldn't measure; the others are only counted."""
    findings = [row for row in rows if row["count"] != 0]
    silent = len(rows) - len(findings)
    if not silent:
        return html_table(columns, findings)
    others = wording.quantity(silent, "other check")
    return html_table(
        columns,
        findings,
        f"{others} found nothing.",
    )


def html_table(
    columns: Sequence[str],
    rows: Sequence[Row],
    caption: str = "",
) -> str:
    """The same from plain rows: the form in which a figure carries its table."""
    shown = _without_bounds(columns)
    numeric = {column for column in shown if is_numeric(column, rows)}
    headings = [_heading(column, column in numeric) for column in shown]
    lines = [_line(row, shown, numeric) for row in rows]
    return TABLE.format(
        caption=_caption(caption.strip()),
        headings="".join(headings),
        lines="".join(lines),
    )


def _caption(text: str) -> str:
    if not text:
        return ""
    return f"<caption>{_html.escape(text)}</caption>"


def _heading(column: str, numeric: bool) -> str:
    css_class = NUMERIC if numeric else ""
    label = _html.escape(heading(column))
    name = _html.escape(column)
    return f'<th scope="col"{css_class} title="{name}">{label}</th>'


def _line(
    row: Row,
    columns: Sequence[str],
    numeric: Collection[str],
) -> str:
    cells = [_cell(row, column, column in numeric) for column in columns]
    return f"<tr>{''.join(cells)}</tr>"


def _cell(
    row: Row,
    column: str,
    numeric: bool,
) -> str:
    text = value_text(column, row)
    css_class = NUMERIC if numeric else _class_of(text)
    hint = _hint(text, str(row[column]))
    safe_text = unbroken(_html.escape(text))
    return f"<td{css_class}{hint}>{safe_text}</td>"


def _class_of(text: str) -> str:
    """
    That of a short name with hyphens; the others break where they must.

    >>> _class_of("q3-up/date"), _class_of("black-friday-early-access-customers")
    (' class="name"', '')
    >>> _class_of("a - b"), _class_of("gmail")
    ('', '')
    """
    is_name = len(text) <= SHORT_NAME_LETTERS and SHORT_NAME.fullmatch(text)
    return NAME if is_name else ""


def unbroken(text: str) -> str:
    """A text without a line break inside an interval."""
    return DASH.sub(f"{JOINER}–{JOINER}", text)


def _hint(text: str, whole: str) -> str:
    """A value that had to be cut, whole."""
    if text == whole or CUT not in text:
        return ""
    safe_text = _html.escape(whole)
    return f' title="{safe_text}"'


def is_numeric(column: str, rows: Sequence[Row]) -> bool:
    """Whether a column holds numbers, which stand to the right."""
    if column == "weekday":  # which is written as its name
        return False
    values = [row[column] for row in rows]
    return any(isinstance(value, int | float) for value in values)


# --- terminal ---


def text(table: pd.DataFrame, width: int = 120) -> str:
    """
    A table for a terminal: shares without their intervals; where lines would be longer than
    *width*, the widest column is cut.

    >>> import pandas as pd
    >>> columns = {"provider": ["gmail", "other"], "delivered": [9412, 7]}
    >>> print(text(pd.DataFrame(columns | {"click_rate": [0.0956, None]})))
    Provider  Delivered  Click rate
    gmail         9,412        9.6%
    other             7           –
    """
    columns = _without_bounds(shown_columns(table))
    return _terminal_table(columns, rows_of(table), width)


def listing(table: pd.DataFrame) -> str:
    """
    Rows that answer no question, such as people, for a terminal: every column in its place, and no
    line cut, whatever the terminal's width.

    >>> import pandas as pd
    >>> print(listing(pd.DataFrame({"email": ["a***@x.example"], "category": ["mailbox_full"]})))
    Email           Category
    a***@x.example  mailbox full
    """
    columns = [str(column) for column in table.columns]
    return _terminal_table(columns, rows_of(table, LONGEST_TEXT), sys.maxsize)


def _terminal_table(columns: Sequence[str], rows: Sequence[Row], width: int) -> str:
    lines = [[heading(column) for column in columns]]
    for row in rows:
        lines.append([terminal_text(column, row) for column in columns])
    widths = _widths(lines, width)
    numeric = [is_numeric(column, rows) for column in columns]
    return "\n".join(_terminal_line(line, widths, numeric) for line in lines)


def _widths(lines: Sequence[Sequence[str]], width: int) -> list[int]:
    """How wide each column is; what is too much is taken from the widest."""
    columns = zip(*lines, strict=True)
    widths = [max(len(cell) for cell in column) for column in columns]
    gutters = len(GUTTER) * (len(widths) - 1)
    others = sum(widths) - max(widths)
    room = max(LEAST_WIDTH, width - others - gutters)
    return [min(own, room) for own in widths]


def _terminal_line(
    line: Sequence[str],
    widths: Sequence[int],
    numeric: Sequence[bool],
) -> str:
    cells = []
    for cell, width, to_the_right in zip(line, widths, numeric, strict=True):
        short = wording.short(cell, width)
        if to_the_right:
            cells.append(short.rjust(width))
        else:
            cells.append(short.ljust(width))
    return GUTTER.join(cells).rstrip()


def terminal_text(column: str, row: Row) -> str:
    """A value without its interval, and with a dash for what isn't measured."""
    if _is_share(column):
        return wording.percent(row[column])
    value = value_text(column, row)
    if value == NOT_MEASURED:
        return wording.MISSING
    return printable(value)


# --- values ---


def _without_bounds(columns: Sequence[str]) -> list[str]:
    """The columns but for the bounds of intervals, which stand beside their shares."""
    return [column for column in columns if not BOUND.fullmatch(column)]


def value_text(column: str, row: Row) -> str:
    """One value in the words of its column; what the feed doesn't measure is not a zero."""
    if _is_unmeasured(column, row):
        return NOT_MEASURED
    value = row[column]
    if value is None or value == "" or _is_of_nobody(column, row):
        return _missing_text(column, value)
    if _is_share(column):
        low = row.get(f"{column}_low")
        high = row.get(f"{column}_high")
        return wording.interval(value, low, high)
    if column == "difference":
        low = row.get(f"{column}_low")
        high = row.get(f"{column}_high")
        return wording.difference(value, low, high)
    if column in PARTS:
        return part_name(row.get("dimension", column), value)
    return _plain_text(column, value)


def _missing_text(column: str, value: Any) -> str:
    """The cause of a message that didn't bounce is None, that of an alert without one is empty."""
    if column == "cause" and value is None:
        return wording.NO_BOUNCE
    return wording.MISSING


#: Columns of parts: those of a weekday, and those of the dimension that the row itself names.
PARTS = ("weekday", "member")
#: Columns that hold no count, and how their values are written.
SCORES: dict[str, Callable[[Any], str]] = {
    "usual": wording.percent,
    "distance": wording.score,
    "confidence": partial(wording.percent, digits=0),
    "spam_score": wording.score,
}


def _plain_text(column: str, value: Any) -> str:
    """The ending of a column's name tells the unit."""
    if column in SCORES:
        return SCORES[column](value)
    if column.endswith("_s"):
        return wording.duration(value)
    if column.endswith("_at"):
        return wording.moment_text(datetime.fromisoformat(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return wording.count(value)
    return _short_text(column, str(value))


def _short_text(column: str, text: str) -> str:
    if column in IDENTIFIERS:
        return wording.spaced(text)
    is_name = column in GROUPS or column.endswith(("_url", "_id"))
    return wording.short(text, LONGEST_NAME if is_name else LONGEST_TEXT)


def _is_share(column: str) -> bool:
    return column.endswith(("rate", "share"))


def _is_unmeasured(column: str, row: Row) -> bool:
    """Whether the feed holds nothing of a kind, which is not a zero."""
    if column == "count":
        return row[column] is None
    rate = RATE_OF.get(column)
    if rate is None or not row.get("delivered"):
        return False
    return row.get(rate, row[column]) is None


def _is_of_nobody(column: str, row: Row) -> bool:
    """Whether nothing was delivered that could be opened: no 0 tells if the feed measures it."""
    if column not in RATE_OF or isinstance(row[column], bool):
        return False
    return row.get("delivered") == 0 and row[column] == 0
