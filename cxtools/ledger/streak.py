"""Since when a campaign has its word. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Streak:
    """
    The word that a campaign has: `id` is the first judgement that said so, `since` its moment (Unix
    time in seconds), `before` the word until then ("": there was none).
    """

    word: str
    id: str
    since: float
    before: str = ""
