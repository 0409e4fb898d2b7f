"""Pages of a long list: which rows a request asks for, and the cursor that leads on."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from cxtools.simulator.dice import digest

PAGE = 1000


def read_span(
    query: Mapping[str, str],
    mark: str,
    *,
    cursors: bool = True,
) -> slice | None:
    """
    The rows of a page; None if the limit is out of bounds, or the cursor is not ours or belongs to
    another query. *mark* tells queries apart.
    """
    limit = query.get("limit", str(PAGE))
    if not limit.isdecimal() or not 1 <= int(limit) <= PAGE:
        return None
    cursor = query.get("cursor", "") if cursors else ""
    if not cursor:
        return slice(0, int(limit))
    try:
        owner, position, *_ = base64.urlsafe_b64decode(cursor).decode().split(":")
        start = int(position)
    except ValueError:
        return None
    if owner != _owner(mark):
        return None
    return slice(start, start + int(limit))


def next_cursor(span: slice, page: Sequence[Any], mark: str) -> str | None:
    """
    A full page has a cursor even if nothing follows: without one nobody could tell it from a page
    that was cut.
    """
    if len(page) < span.stop - span.start:
        return None
    cursor = f"{_owner(mark)}:{span.stop}"
    return base64.urlsafe_b64encode(cursor.encode()).decode()


def _owner(mark: str) -> str:
    return digest(mark)[:8]
