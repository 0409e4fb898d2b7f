"""The judge: codes and text of a bounce become a verdict."""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from cxtools.bounces import codes as spoken
from cxtools.bounces.verdict import Category, Verdict, treatment

# A code with no meaning of its own counts by its class; how sure that is, by how the code is trusted.
CONFIDENCE = {"high": 0.85, "medium": 0.65, "low": 0.4}


@lru_cache(maxsize=16_384)
def classify(code: str, text: str) -> Verdict:
    """
    The verdict on one bounce. *code* may be "5.1.1", "550", "550 5.1.1", "smtp; 550-5.1.1 …", empty or garbage; never raises.

    >>> classify("smtp; 550-5.1.1", "").kind
    'hard'
    >>> classify("", "").kind, classify("banana", "").kind
    ('undetermined', 'undetermined')
    """
    given = spoken.parsed(str(code)[:100], str(text)[:4_000])
    found = spoken.meaning(given)
    category = cast(Category, found.category if found else "unknown")
    return Verdict(category, *treatment(category, given.digit), confidence=CONFIDENCE[found.trust] if found else 0.0,
                   rule=found.rule if found else "none", codes=given)
