"""
The states of the messages of whole campaigns, counted once a layer and kept beside it.

A campaign's totals are sums over some hundred rows then, however many messages it has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from cxtools.events.database import FUNCTIONS
from cxtools.events.messages.layer import Layer, read_rows
from cxtools.files import write_whole
from cxtools.measures import sql

if TYPE_CHECKING:
    import pyarrow as pa

#: The code that counts states.
MEASURES = Path(__file__).parent
#: Campaigns -> their states, counted now.
Count = Callable[[Sequence[str]], "pa.Table"]


def kept_states(layers: Mapping[str, Layer], digest: str, count: Count) -> pa.Table:
    """
    The states of these layers, as `sql/counted_states.sql` counts them.

    *digest* is of all that they depend on besides the layer; "" where that isn't known: then
    nothing is kept.
    """
    import pyarrow as pa

    if not digest:
        return count(list(layers))
    tables = {}
    for campaign, layer in layers.items():
        with suppress(FileNotFoundError):
            tables[campaign] = read_rows(_file(layer, digest))
    missing = [campaign for campaign in layers if campaign not in tables]
    if missing:
        counted = count(missing)
        for campaign in missing:
            tables[campaign] = _rows_of(counted, campaign)
            _keep(tables[campaign], _file(layers[campaign], digest))
    return pa.concat_tables(tables.values())


def states_digest(rules_digest: str, runs_on: str) -> str:
    """The digest of rules, engine, SQL and code; "" for rules that have none."""
    if not rules_digest:
        return ""
    text = f"{rules_digest} {runs_on} {_code()}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]


@cache
def _code() -> str:
    """The digest of the SQL and of the code that defines what it reads."""
    digest = hashlib.sha256(FUNCTIONS.read_bytes())
    for file in sorted(MEASURES.glob("*.py")):
        digest.update(file.read_bytes())
    for name in sorted(file.name for file in sql.FOLDER.iterdir()):
        if name.endswith((".sql", ".tsv")):
            digest.update(sql.FOLDER.joinpath(name).read_bytes())
    return digest.hexdigest()


def _rows_of(counted: pa.Table, campaign: str) -> pa.Table:
    import pyarrow.compute as pc

    return counted.filter(pc.equal(counted["campaign"], campaign))


def _file(layer: Layer, digest: str) -> Path:
    return layer.folder / f"states-{digest}.parquet"


def _keep(rows: pa.Table, file: Path) -> None:
    """Keep states; where that can't be they are counted again at the next question."""
    import pyarrow.parquet as pq

    if not file.parent.exists():  # somebody removed the layer, which is made again
        return
    with suppress(OSError):
        write_whole(file, partial(pq.write_table, rows))
