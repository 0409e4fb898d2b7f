"""
Selects with names that stand in front of the statements that read them, as their WITH clauses.

A view would be planned when it is made, with all that it reads, and again by each statement: a
question of a few rows would take twice the time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

COMMENT = re.compile(r"--.*")
READ = re.compile(r"\b(?:from|join)\s+(\w+)")
OWN_PART = re.compile(r"\b(\w+) as \(")
#: A statement that has clauses of its own.
WITH = re.compile(r"\A(?:\s|--.*\n)*with\b")


@dataclass(frozen=True)
class Clause:
    """What a name selects, and which names that reads."""

    select: str
    names: tuple[str, ...] = ()


class Clauses:
    """The selects that have names, until they are forgotten."""

    def __init__(self) -> None:
        self._clauses: dict[str, Clause] = {}

    def define(self, name: str, select: str) -> None:
        """What a statement selects under a name, whatever its own names are when it is read."""
        self._clauses[name] = Clause(select, tuple(names_read(select)))

    def define_source(self, name: str, select: str) -> None:
        """What a statement selects that reads no other name."""
        self._clauses[name] = Clause(select)

    def forget(self, name: str) -> None:
        """The name is a table's from now on."""
        self._clauses.pop(name, None)

    def statement(self, sql: str) -> str:
        """
        A statement with all that it reads in front of it.

        >>> clauses = Clauses()
        >>> clauses.define("b", "select 1 as x")
        >>> print(clauses.statement("with a as (select x from b) select x from a"))
        with b as not materialized (
        select 1 as x
        ),
         a as (select x from b) select x from a
        """
        found: dict[str, Clause] = {}
        for name in names_read(sql):
            self._find(name, found)
        if not found:
            return sql
        clauses = ",\n".join(
            f"{name} as not materialized (\n{clause.select}\n)" for name, clause in found.items()
        )
        own = WITH.match(sql)
        if own:
            return f"with {clauses},\n{sql[own.end() :]}"
        return f"with {clauses}\n{sql}"

    def _find(self, name: str, found: dict[str, Clause]) -> None:
        """Add a name to those that are found, after all that it reads."""
        clause = self._clauses.get(name)
        if clause is None or name in found:
            return
        for other in clause.names:
            self._find(other, found)
        found[name] = clause


def names_read(sql: str) -> list[str]:
    """
    The names that rows are taken from, without those that the statement gives to its own parts.

    >>> names_read("with a as (select x from b) select * from a semi join c using (x) -- from d")
    ['b', 'c']
    """
    plain = COMMENT.sub("", sql)
    own = OWN_PART.findall(plain)
    return [name for name in READ.findall(plain) if name not in own]
