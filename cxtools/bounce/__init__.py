"""
From the code and text of a bounce to a verdict that an operator can act on. The taxonomy is
explained in README.md beside this file.

>>> from cxtools.bounce import classify
>>> classify("550 5.1.1", "").category
'invalid_recipient'
"""

from cxtools.bounce.classify import Judge, classify, explain, judge
from cxtools.bounce.codes import Codes
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
