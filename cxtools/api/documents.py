"""
What a 2xx answer must hold: lists of results, suppressions, cursors and events in their shape.

Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cxtools.errors import ContractError
from cxtools.model import Event, Suppression


@dataclass(frozen=True)
class EventPage:
    """
    One page of a job's events; `malformed` are rows that can't be read, each as (JSON, reason).
    `next_cursor` is "" on the last page.
    """

    events: list[Event]
    next_cursor: str = ""
    malformed: list[tuple[str, str]] = field(default_factory=list, repr=False)


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


def read_events(rows: list[Any], job_id: str, next_cursor: str) -> EventPage:
    """The events of a page; a row that can't be read costs only itself."""
    events: list[Event] = []
    malformed: list[tuple[str, str]] = []
    for n, row in enumerate(rows):
        try:
            events.append(_read_event(row, job_id, f"$.results[{n}]"))
        except ContractError as error:
            raw = json.dumps(row, ensure_ascii=False)
            malformed.append((raw, f"{error.what} ({error.where})"))
    return EventPage(events, next_cursor, malformed)


def _read_event(row: Any, job_id: str, where: str) -> Event:
    if not isinstance(row, dict):
        raise ContractError("an event is not an object", where=where)
    event = Event.from_api(row, where)
    if not event.job_id:
        return replace(event, job_id=job_id)
    if event.job_id != job_id:
        raise ContractError("an event of another job", where=f"{where}.jobId")
    return event
