"""The statements that make messages of events."""

from __future__ import annotations

from cxtools.sql_files import sql_text


def statement(name: str) -> str:
    """The text of one SQL file."""
    return sql_text(__package__, name)
