"""
Chance that repeats itself: every draw depends on what it is for, never on a clock or on the order
of requests, so the same campaign has the same story on every machine.

Only `Random.random()` is used of the standard generator: it alone is promised to stay the same
between Python versions.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from itertools import pairwise
from random import Random
from typing import TypeVar

T = TypeVar("T")
#: Knots of a distribution: (share of the cases, seconds). Between two of them the seconds grow
#: geometrically.
Curve = Sequence[tuple[float, float]]


def digest(*parts: object) -> str:
    """64 hexadecimal digits that depend on nothing but *parts*."""
    text = "\x1f".join(str(part) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()


def dice(*parts: object) -> Random:
    """A generator that depends on nothing but *parts*."""
    digits = digest(*parts)[:16]
    return Random(int(digits, base=16))


def uuid_of(*parts: object) -> str:
    """An identifier that depends on nothing but *parts*."""
    digits = digest(*parts)[:32]
    return str(uuid.UUID(hex=digits))


def draw_seconds(curve: Curve, rng: Random) -> float:
    """Seconds drawn from a curve."""
    share = rng.random()
    for (low, short_s), (high, long_s) in pairwise(curve):
        if share <= high:
            part = (share - low) / (high - low)
            return float(short_s * (long_s / short_s) ** part)
    raise ValueError("a curve ends at the share 1")


def draw_key(
    weights: Mapping[str, float],
    rng: Random,
    total: float | None = None,
) -> str:
    """A key, each with its weight; "" for what is missing to *total*."""
    if total is None:
        total = sum(weights.values())
    point = rng.random() * total
    for name, weight in weights.items():
        point -= weight
        if point < 0:
            return name
    return ""


def draw_one(rows: Sequence[T], rng: Random) -> T:
    """One of the rows, each as likely as the others."""
    return rows[draw_below(len(rows), rng)]


def draw_below(count: float, rng: Random) -> int:
    """A whole number from 0 to below *count*."""
    return int(rng.random() * count)
