"""Which columns a reader sees of a table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cxtools.charts.groups import GROUPS, groups_of
from cxtools.charts.rows import question_of

if TYPE_CHECKING:
    import pandas as pd

#: The bounds of an interval stand beside their share, not in columns of their own.
BOUND = re.compile(r".+_(low|high)")


def shown_columns(table: pd.DataFrame) -> list[str]:
    """
    The columns for readers: those that split the table, then those that its question shows, then
    those that somebody added.

    >>> import pandas as pd
    >>> shown_columns(pd.DataFrame({"campaign": ["q3"], "provider": ["gmail"], "attempted": [7]}))
    ['provider', 'attempted']
    """
    own = [str(column) for column in table.columns]
    question = question_of(table)
    wanted = own
    if question and question.shown:
        known = question.column_names()
        added = [column for column in own if column not in known]
        wanted = [*question.shown, *added]
    splits = groups_of(table)
    groups = [column for column in own if column in splits]
    others = [column for column in wanted if column in own]
    return groups + [column for column in others if column not in (*GROUPS, *splits)]
