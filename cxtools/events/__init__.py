"""
Events kept and brought in: the store (immutable Parquet, one folder per campaign) and imports of
other systems' files.

The store is no database file: DuckDB lets one writer lock every reader out, whereas Parquet files
that never change take any number of readers and writers at once, and any engine reads them.

Called as a function, `cx.events("q3-update")`, the package answers with the events themselves:

One row per event, each once, as the view `events` of `cx.sql`.

Arguments:
    campaigns  names of campaigns; all of them when none is given
    addresses  show whole addresses
    home       another folder than CXTOOLS_HOME

Raises:
    StoreError: a campaign is unknown, or there are more rows than fit into `memory`

Example:
    cx.events("q3-update")["kind"].value_counts()
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Events(ModuleType):
    """
    The package as a function: people say `cx.events(…)`, and Python binds the package to that name
    as soon as any module imports it.
    """

    def __call__(self, *campaigns: str, **options: Any) -> Any:
        return import_module("cxtools.inquiry").events(*campaigns, **options)


sys.modules[__name__].__class__ = _Events
