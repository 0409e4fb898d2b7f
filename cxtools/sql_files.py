"""SQL files: each holds one statement and a head that says what it answers."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def sql_text(package: str, name: str) -> str:
    """The text of the file *name*.sql of a package."""
    path = files(package).joinpath(f"{name}.sql")
    return path.read_text(encoding="utf-8")
