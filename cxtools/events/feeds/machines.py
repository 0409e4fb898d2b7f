"""
Who opened or clicked, a person or a machine, by user agent and network; see `machines.toml`. Pure.

The vendor's word stays as it is: this only fills the field `by_machine` where the feed says
nothing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

READING = ("open", "click")


class Machine(NamedTuple):
    """A row of `machines.toml`; its head says what each field is."""

    name: str
    kinds: Sequence[str]
    by_machine: bool
    source: str
    pattern: str = ""
    begins: Sequence[str] = ()


@cache
def user_agents() -> tuple[Machine, ...]:
    """What is known by its user agent; the first that matches decides."""
    return _machines("user_agent")


@cache
def networks() -> tuple[Machine, ...]:
    """What is known by the network it comes from."""
    return _machines("network")


def _machines(table: str) -> tuple[Machine, ...]:
    text = files("cxtools.events.feeds").joinpath("machines.toml").read_text("utf-8")
    return tuple(Machine(**row) for row in tomllib.loads(text)[table])


def with_machines(events: pa.Table) -> pa.Table:
    """
    Events with the columns of `Event`, whose opens and clicks say whether a machine made them, as
    far as that is known.

    >>> events = pa.table(
    ...     {
    ...         "kind": ["open", "open", "click"],
    ...         "user_agent": ["Mozilla/5.0", "Thunderbird", "curl/8.5"],
    ...         "ip": ["", "17.58.1.1", ""],
    ...         "by_machine": pa.array([None, False, None], pa.bool_()),
    ...     }
    ... )
    >>> with_machines(events)["by_machine"].to_pylist()
    [True, False, True]
    """
    place = events.schema.get_field_index("by_machine")
    is_told = pc.is_valid(events["by_machine"])
    is_reading = pc.is_in(events["kind"], pa.array(READING))
    is_asked = pc.and_not(is_reading, is_told)
    if not pc.any(is_asked, min_count=0).as_py():
        return events
    found = pc.coalesce(events["by_machine"], _by_user_agent(events), _by_network(events))
    said = pc.if_else(is_asked, found, events["by_machine"])
    return events.set_column(place, "by_machine", said)


def _by_user_agent(events: pa.Table) -> pa.ChunkedArray:
    found = pa.nulls(len(events), pa.bool_())
    encoded = events["user_agent"].combine_chunks().dictionary_encode()
    agents = encoded.dictionary.to_pylist()
    for kind in READING:
        verdicts = pa.array([by_user_agent(kind, agent) for agent in agents], pa.bool_())
        is_kind = pc.equal(events["kind"], kind)
        found = pc.if_else(is_kind, verdicts.take(encoded.indices), found)
    return found


def by_user_agent(kind: str, agent: str) -> bool | None:
    """
    Whether an event of a kind was made by a machine, by what it says of itself; None where that
    isn't known.

    >>> by_user_agent("open", "Mozilla/5.0 (via ggpht.com GoogleImageProxy)")
    False
    """
    for machine in user_agents():
        if agent and kind in machine.kinds and re.search(machine.pattern, agent):
            return machine.by_machine
    return None


def _by_network(events: pa.Table) -> pa.ChunkedArray:
    found = pa.nulls(len(events), pa.bool_())
    for machine in networks():
        is_kind = pc.is_in(events["kind"], pa.array(list(machine.kinds)))
        for beginning in machine.begins:
            is_from_there = pc.and_(is_kind, pc.starts_with(events["ip"], beginning))
            found = pc.if_else(is_from_there, pa.scalar(machine.by_machine), found)
    return found
