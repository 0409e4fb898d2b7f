"""
From the code and text of a bounce to a verdict that an operator can act on. The taxonomy is
explained in README.md beside this file.

>>> from cxtools.bounce import classify
>>> classify("550 5.1.1", "").category
'invalid_recipient'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxtools.bounce.codes import Codes
    from cxtools.bounce.judges import Judge, classify, explain, judge
    from cxtools.bounce.lines import classify_lines
    from cxtools.bounce.policy import CATEGORIES
    from cxtools.bounce.verdict import BounceVerdict

__all__ = [
    "CATEGORIES",
    "BounceVerdict",
    "Codes",
    "Judge",
    "classify",
    "classify_lines",
    "explain",
    "judge",
]

#: Public name -> its module, which is imported when the name is first asked for: whoever masks a
#: text needs no rules, which take 0.1 s to load.
_HOMES = {
    "CATEGORIES": "policy",
    "BounceVerdict": "verdict",
    "Codes": "codes",
    "Judge": "judges",
    "classify": "judges",
    "classify_lines": "lines",
    "explain": "judges",
    "judge": "judges",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"{__name__} has no {name!r}; it has: {', '.join(__all__)}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
