"""One row of a list of recipients, as its reader hands it over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

#: Columns with a meaning of their own; every other one is a merge field.
OWN_COLUMNS = ("email", "tags")


class Row(NamedTuple):
    """
    One row of a list of recipients.

        line    where it stands: the line of the file, or the row counted from 1
        cells   column name -> what stands there; text, or whatever a mapping of the user's holds
        fault   what its reader found wrong with it, else ""
    """

    line: int
    cells: Mapping[str, object]
    fault: str = ""


def cell_text(cell: object) -> str:
    """
    What a cell says; a missing one says nothing.

    >>> cell_text(None), cell_text(3)
    ('', '3')
    """
    return "" if cell is None else str(cell)
