"""The digest of all that counts depend on besides the layer: rules, engine, SQL and code."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from cxtools.events import database, spark
from cxtools.measures import sql

#: The code that counts.
MEASURES = Path(__file__).parent


def counts_digest(rules_digest: str, runs_on: str) -> str:
    """The digest; "" for rules that have none."""
    if not rules_digest:
        return ""
    text = f"{rules_digest} {runs_on} {_code()}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]


@cache
def _code() -> str:
    """The digest of the SQL and of the code that defines what it reads."""
    digest = hashlib.sha256(database.FUNCTIONS.read_bytes())
    digest.update(spark.FUNCTIONS.read_bytes())
    for file in sorted(MEASURES.glob("*.py")):
        digest.update(file.read_bytes())
    for name in sorted(file.name for file in sql.FOLDER.iterdir()):
        if name.endswith((".sql", ".tsv")):
            digest.update(sql.FOLDER.joinpath(name).read_bytes())
    return digest.hexdigest()
