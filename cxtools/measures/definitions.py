"""
Relations that are defined when a statement first reads them: a question reads a few of many, and
most cost some milliseconds even where nobody asks them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cxtools.events.clauses import names_read
from cxtools.events.relations import ReadRelations

if TYPE_CHECKING:
    import pyarrow as pa


class Definitions:
    """The relations of a session. What each is made of is defined before it, whatever the order."""

    def __init__(self, relations: ReadRelations) -> None:
        self._relations = relations
        self._waiting: dict[str, Callable[[], None]] = {}

    def read(self, name: str, files: Sequence[Path]) -> None:
        """The rows of Parquet files of one schema as a relation."""
        self._waiting[name] = partial(self._relations.read, name, files)

    def register(self, name: str, table: pa.Table) -> None:
        """A small Arrow table as a relation."""
        self._waiting[name] = partial(self._relations.register, name, table)

    def lend(self, name: str, table: pa.Table) -> None:
        """An Arrow table of many columns as a relation that stays where it is."""
        self._waiting[name] = partial(self._relations.lend, name, table)

    def define(self, name: str, sql: str) -> None:
        """What a statement selects as a relation, read whenever it is asked."""
        self._waiting[name] = partial(self._make, self._relations.define, name, sql)

    def keep(self, name: str, sql: str) -> None:
        """What a statement selects when it is first asked, as a relation that stays as it is."""
        self._waiting[name] = partial(self._make, self._relations.keep, name, sql)

    def share(self, name: str, sql: str) -> None:
        """What a statement selects as a relation that others read several times."""
        self._waiting[name] = partial(self._make, self._relations.share, name, sql)

    def compute(self, name: str, table: Callable[[], pa.Table]) -> None:
        """The table that a function returns, when it is first asked, as a relation."""
        self._waiting[name] = lambda: self._relations.register(name, table())

    def rows(self, sql: str) -> pa.Table:
        """What a statement selects."""
        self.define_all_in(sql)
        return self._relations.rows(sql)

    def define_all_in(self, sql: str) -> None:
        """Define what a statement reads, without running it."""
        for name in names_read(sql):
            define = self._waiting.pop(name, None)
            if define:
                define()

    def _make(self, make: Callable[[str, str], None], name: str, sql: str) -> None:
        self.define_all_in(sql)
        make(name, sql)
