"""
What is counted of whole campaigns once a layer, and kept beside it: the states of its messages, and
the links that were clicked.

A campaign's totals are sums over some hundred rows then, however many messages it has; a trend over
many campaigns reads the messages of the newest alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from cxtools.events.database import FUNCTIONS
from cxtools.events.messages.layer import Layer
from cxtools.measures import sql
from cxtools.measures.layer_files import keep_counts, read_counts

if TYPE_CHECKING:
    import pyarrow as pa

#: The code that counts states.
MEASURES = Path(__file__).parent
#: Campaigns -> the rows of each, counted now.
Count = Callable[[Sequence[str]], "pa.Table"]


def kept_counts(layers: Mapping[str, Layer], name: str, digest: str, count: Count) -> pa.Table:
    """
    What is counted of these layers, campaign by campaign, under this name.

    *digest* is of all that it depends on besides the layer; "" where that isn't known: then nothing
    is kept.
    """
    import pyarrow as pa

    if not digest:
        return count(list(layers))
    known = {each: read_counts(layer, name, digest) for each, layer in layers.items()}
    missing = [campaign for campaign, rows in known.items() if rows is None]
    if missing:
        counted = count(missing)
        for campaign in missing:
            known[campaign] = _rows_of(counted, campaign)
            keep_counts(layers[campaign], name, digest, known[campaign])
    return pa.concat_tables([rows for rows in known.values() if rows is not None])


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
