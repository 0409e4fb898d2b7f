"""The SQL files, and the tables that stand beside them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

FOLDER = files(__package__)


@cache
def statement(name: str) -> str:
    """The text of one SQL file."""
    return _text(f"{name}.sql")


def tsv_rows(name: str) -> list[list[str]]:
    """The rows of a table that stands beside the SQL, without its head."""
    lines = _text(f"{name}.tsv").splitlines()
    rows = lines[1:]
    return [row.split("\t") for row in rows]


def _text(file: str) -> str:
    path = FOLDER.joinpath(file)
    return path.read_text(encoding="utf-8")
