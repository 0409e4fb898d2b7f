"""
A table as a notebook displays it: an answer in words and percent, anything else that pandas made of
one as pandas shows it, with its index and every column. Texts stand to the left, numbers to the
right, whatever the notebook's own style says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cxtools.charts import tables
from cxtools.charts.frame import numbers_of
from cxtools.charts.groups import limits_note
from cxtools.charts.rows import SHOWN_ROWS, question_of

if TYPE_CHECKING:
    import pandas as pd

#: What a page reads of a table that is longer than a page shows at once.
MIME = "application/vnd.cxtools.table+json"
#: The same for what pandas writes, whose cells bear no classes: numbers but for the text columns.
PLAIN_STYLE = (
    "<style>table.answer.plain td,table.answer.plain thead th{{text-align:right}}"
    "table.answer.plain tbody th{{text-align:left}}{texts}</style>"
)
#: A text column's cells, and its heading behind those of the index.
TEXTS = (
    "table.answer.{name} tr>td:nth-of-type({cell}),"
    "table.answer.{name} thead tr>th:nth-child({heading}){{text-align:left}}"
)
REMEDY = 'To see all: pandas.options.display.max_rows = None; to keep all: .to_csv("FILE.csv").'


def html(table: pd.DataFrame) -> str:
    """
    A table as HTML with its own alignment. How many rows are shown is pandas' own option: all of up
    to `display.max_rows`, the first of more.

    >>> import pandas as pd
    >>> "Showing" in html(pd.DataFrame({"provider": ["gmail"], "attempted": [9412]}))
    False
    """
    if question_of(table) is None:
        return _plain_html(table)
    return tables.STYLE + tables.html(table, _most_rows(table), REMEDY)


def mime_bundle(table: pd.DataFrame) -> dict[str, Any]:
    """A long answer's rows for a page, which can sort, search and save all of them."""
    question = question_of(table)
    is_short = len(table) <= SHOWN_ROWS
    if question is None or question.name == tables.FINDINGS or is_short:
        return {}
    about = {"title": question.question, "caption": question.caption + limits_note(table)}
    return {MIME: about | numbers_of(table)}


def _most_rows(table: pd.DataFrame) -> int:
    from pandas import options

    most = options.display.max_rows
    if most is None or len(table) <= most:
        return len(table)
    return SHOWN_ROWS


def _plain_html(table: pd.DataFrame) -> str:
    """What pandas shows of any table, no column left out."""
    import pandas as pd

    most = _most_rows(table)
    is_number = pd.api.types.is_numeric_dtype
    places = [place for place, kind in enumerate(table.dtypes, 1) if not is_number(kind)]
    name = "-".join(["texts", *map(str, places)])
    before = table.index.nlevels
    texts = [TEXTS.format(name=name, cell=place, heading=before + place) for place in places]
    written = pd.DataFrame(table).to_html(
        max_rows=None if most >= len(table) else most,
        max_cols=None,
        show_dimensions=most < len(table),
        classes=f"answer plain {name}",
        border=0,
    )
    return PLAIN_STYLE.format(texts="".join(texts)) + written
