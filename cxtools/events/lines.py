"""What the readers of files give: single rows with their lines, or blocks of plain ones. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from cxtools.events.blocks import Block


@dataclass(frozen=True)
class Unreadable:
    """What stood where a row should be, and why it can't be read."""

    reason: str
    text: str


class Line(NamedTuple):
    """
    A row and the line that it begins on (of a Parquet file: its number). A row that can be used is
    a dict; `names` are the columns where it is a row of a table, None where it may have any.
    """

    number: int
    row: object
    names: tuple[str, ...] | None = None


if TYPE_CHECKING:
    Piece: TypeAlias = Line | Block
