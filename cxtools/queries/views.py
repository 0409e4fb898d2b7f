"""
How the views are made: the relations that questions read, written down to be made elsewhere.

The process that runs a statement knows nothing of layers, verdicts or providers: it gets the steps,
in their order, and the files.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxtools.errors import ConfigError
from cxtools.events.database import FUNCTIONS
from cxtools.events.messages.layer import Layer
from cxtools.measures.definitions import Definitions
from cxtools.measures.distinct_events import define_events
from cxtools.measures.engine import Engine
from cxtools.measures.messages import SENDING_TIMES, Asked
from cxtools.measures.segments import NO_SEGMENTS, Segments
from cxtools.measures.session import define_relations
from cxtools.queries.columns import FUNCTIONS as VIEW_FUNCTIONS
from cxtools.queries.columns import MASKED, OF_SEGMENTS, SHOWN, VIEWS, view_columns, view_query

if TYPE_CHECKING:
    import pyarrow as pa

#: The dimensions that are looked up only where a statement names them.
LOOKED_UP = ("provider", *sorted(SENDING_TIMES))


class Steps:
    """Relations that are written down instead of made."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []

    def setup(self, sql: str) -> None:
        """A statement that isn't about a relation."""
        self.steps.append({"name": "", "setup": sql})

    def read(self, name: str, files: Sequence[Path]) -> None:
        """The rows of Parquet files as a relation."""
        self.steps.append({"name": name, "files": [str(file.absolute()) for file in files]})

    def register(self, name: str, table: pa.Table) -> None:
        """A small Arrow table as a relation."""
        import pyarrow as pa

        written = BytesIO()
        with pa.ipc.new_stream(written, table.schema) as stream:
            stream.write_table(table)
        text = base64.b64encode(written.getvalue()).decode()
        self.steps.append({"name": name, "table": text})

    def lend(self, name: str, table: pa.Table) -> None:
        """An Arrow table as a relation, however large: another process can't be lent anything."""
        self.register(name, table)

    def define(self, name: str, sql: str) -> None:
        """What a statement selects as a relation, read whenever it is asked."""
        self.steps.append({"name": name, "as": "view", "sql": sql})

    def keep(self, name: str, sql: str) -> None:
        """What a statement selects, as a relation that stays as it is."""
        self.steps.append({"name": name, "as": "table", "sql": sql})

    def share(self, name: str, sql: str) -> None:
        """What a statement selects, as a relation that others read several times."""
        self.define(name, sql)

    def rows(self, sql: str) -> pa.Table:
        """Nothing: a step that must be computed here is given its table."""
        raise NotImplementedError(sql)


def view_request(
    engine: Engine,
    layers: Mapping[str, Layer],
    named: Collection[str],
    *,
    show_addresses: bool,
) -> dict[str, Any]:
    """The steps and views for a statement that names these tables and columns."""
    views = [view for view in VIEWS if view in named]
    wanted = LOOKED_UP if "*" in named else [name for name in LOOKED_UP if name in named]
    steps = Steps()
    steps.setup(FUNCTIONS.read_text(encoding="utf-8"))
    steps.setup(VIEW_FUNCTIONS + (SHOWN if show_addresses else MASKED))
    relations = Definitions(steps)
    segments = _segments(engine, layers, named)
    asked = Asked(wanted, {}, None, None, timezone=engine.timezone, segments=segments)
    define_relations(relations, engine.store, layers, engine.verdicts(layers), asked)
    define_events(relations, engine.store, layers)
    relations.compute("providers", partial(_providers, engine, [name for name in layers if name]))
    left_out = set(LOOKED_UP).difference(wanted)
    expressions = {name: each.expression for name, each in segments.dimensions.items()}
    queries = {
        view: view_query(view, left_out, expressions if view == OF_SEGMENTS else {})
        for view in views
    }
    for query in queries.values():
        relations.define_all_in(query)
    return {"steps": steps.steps, "views": queries}


def _segments(engine: Engine, layers: Mapping[str, Layer], named: Collection[str]) -> Segments:
    """The segments that a statement names: each is a column of the messages, in any case."""
    own = {column.name for column in view_columns()}
    others = set(named).difference(own, VIEWS, "*")
    campaigns = [name for name in layers if name]
    if OF_SEGMENTS not in named or not others or not campaigns:
        return NO_SEGMENTS
    known = engine.segments(campaigns)
    wanted = [name for name in known if name.lower() in others and name.lower() not in own]
    _check_alike(wanted)
    return engine.chosen_segments(layers, wanted)


def _check_alike(names: Sequence[str]) -> None:
    """
    Refuse two segments whose names SQL takes for one: it would read the first and say nothing.

    Raises:
        ConfigError: there are such.
    """
    for name in names:
        alike = [other for other in names if other.lower() == name.lower()]
        if len(alike) > 1:
            raise ConfigError(
                f"the segments {' and '.join(alike)} are one name in SQL",
                where="SQL",
                do="limit the campaigns to those that have one of them, or split by each of them",
            )


def _providers(engine: Engine, campaigns: Sequence[str]) -> pa.Table:
    """The domains of these campaigns, and who runs the mailboxes of each."""
    with engine.session(campaigns or None, by=["provider"]) as session:
        return session.run(
            "select domain, any_value(provider) as provider from messages group by domain"
        )
