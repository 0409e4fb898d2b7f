"""Whether two contestants gave the same answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]

#: The columns that everyone's answer to a question must have, and have alike.
COMPARED: dict[str, tuple[str, ...]] = {
    "funnel": (
        "attempted",
        "delivered",
        "bounced",
        "opened",
        "opened_strict",
        "clicked",
        "clicks_without_open",
        "first_at",
        "last_at",
    ),
    "bounces": ("category", "kind", "recipients", "bounced", "attempted"),
    "reasons": ("reason", "category", "kind", "recipients", "bounced", "first_at", "last_at"),
    "unknown": ("code", "text", "recipients"),
    "links": ("link_url", "purpose", "clickers", "clicks", "all_clickers", "first_at", "last_at"),
    "timing": ("kind", "recipients", "p10_s", "p25_s", "median_s", "p75_s", "p90_s"),
    "curve": ("kind", "hours", "recipients", "cumulative"),
    "jobs": (
        "job_id",
        "attempted",
        "delivered",
        "bounced",
        "first_at",
        "last_at",
        "span_s",
        "delivery_median_s",
        "delivery_p90_s",
    ),
    "suspects": ("rule", "clickers", "total"),
    # 0.1.0 counted late bounces as parts of another total.
    "data_quality": ("check", "count"),
    "verdict": ("word",),
    "engagement tables": ("table", "content"),
    "bounce tables": ("table", "content"),
    "cells": ("cell",),
}
COMPARED["comparison"] = ("campaign", *COMPARED["funnel"])
COMPARED["funnel by provider"] = ("provider", *COMPARED["funnel"])
COMPARED["bounces by provider"] = ("provider", *COMPARED["bounces"])
#: Rows of suspects that nobody else's answer has.
OUR_RULES = ("human_clicked", "human_unsubscribed")
#: Parts of a second, which percentiles and medians have.
DIGITS = 6


def _is_ours(row: Row) -> bool:
    return row.get("rule") in OUR_RULES


def difference(question: str, right: Sequence[Row], answer: Sequence[Row]) -> str:
    """
    What the first different row says; "" when both say the same, in whatever order.

    >>> difference("verdict", [{"word": "PASS"}], [{"word": "WARN"}])
    "1 and 1 rows; the first different ones: ('PASS',) and ('WARN',)"
    >>> difference("verdict", [{"word": "PASS"}], [{"word": "PASS", "more": 1}])
    ''
    """
    columns = COMPARED[question]
    rows = sorted(_comparable(row, columns) for row in right if not _is_ours(row))
    others = sorted(_comparable(row, columns) for row in answer if not _is_ours(row))
    if rows == others:
        return ""
    pairs = zip([*rows, ()], [*others, ()], strict=False)
    first = next((pair for pair in pairs if pair[0] != pair[1]), ((), ()))
    return (
        f"{len(rows)} and {len(others)} rows; the first different ones: {first[0]} and {first[1]}"
    )


def _comparable(row: Row, columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(_text(row[column]) for column in columns)


def _text(value: Any) -> str:
    """
    A value as text: numbers whatever their type, moments however they are written.

    >>> _text(3.0), _text(3), _text("2026-09-14T10:00:00+02:00"), _text(float("nan"))
    ('3', '3', '2026-09-14T08:00:00+00:00', 'None')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "None"
    if isinstance(value, int | float):
        return f"{round(value, DIGITS):.{DIGITS}f}".rstrip("0").rstrip(".")
    return _moment(str(value))


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    if moment.tzinfo is None:
        return text
    return datetime.fromtimestamp(moment.timestamp(), tz=UTC).isoformat()
