"""The rows of parts and of layers as relations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cxtools.events import parts
from cxtools.events.messages.sql import statement
from cxtools.events.relations import ReadRelations


def define_received(relations: ReadRelations, name: str, files: Sequence[Path]) -> None:
    """
    The rows of parts of all versions as one relation: their campaign, and the columns of the
    current version.
    """
    import pyarrow as pa

    columns = ", ".join(["campaign", *parts.schema().names])
    selects = []
    for number, version in enumerate(parts.VERSIONS):
        own = [file for file in files if parts.version_of(file) is version]
        if own:
            relation = f"{name}_{number}"
            relations.read(relation, own)
            rows = f"(select {version.columns} from {relation}) as rows_{number}"
            selects.append(f"select {columns} from {rows}")
    if selects:
        relations.define(name, " union all ".join(selects))
    else:
        schema = parts.schema().append(pa.field("campaign", pa.string()))
        relations.register(name, schema.empty_table())


def define_messages(
    relations: ReadRelations,
    name: str,
    main: str,
    tail: str,
    keys: Sequence[str],
) -> None:
    """The messages of a layer, those of its tail in the place of those that they replace."""
    rows = statement("stored_messages").format(main=main, tail=tail, keys=", ".join(keys))
    relations.define(name, rows)
