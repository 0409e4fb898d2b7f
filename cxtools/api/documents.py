"""
What a 2xx answer must hold: lists of results, suppressions and cursors in their shape.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cxtools.errors import ContractError
from cxtools.model import Suppression


def read_results(document: Mapping[str, Any], path: str) -> list[Any]:
    """
    The list `results`.

    Raises:
        ContractError: there is none
    """
    results = document.get("results")
    if not isinstance(results, list):
        raise ContractError(
            "the answer doesn't hold a list of results",
            where=f"GET {path}, $.results",
            do="check the profile's paths",
        )
    return results


def read_suppressions(document: Mapping[str, Any], path: str) -> list[Suppression]:
    """
    The entries of the suppression list on this page.

    Raises:
        ContractError: one of them can't be read; a list with a hole clears nobody
    """
    entries: list[Suppression] = []
    for n, row in enumerate(read_results(document, path)):
        where = f"GET {path}, $.results[{n}]"
        if not isinstance(row, dict):
            raise ContractError("an entry is not an object", where=where)
        entries.append(Suppression.from_api(row, where))
    return entries


def read_cursor(document: Mapping[str, Any], where: str) -> str:
    """
    The cursor of the next page; "" when there is none.

    Raises:
        ContractError: it is not a text
    """
    cursor = document.get("nextCursor")
    if cursor is None:
        return ""
    if not isinstance(cursor, str):
        raise ContractError("the cursor is not a text", where=where)
    return cursor
