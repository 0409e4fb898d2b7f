"""
The questions: one entry each. A new question is an SQL file, an entry here and a figure.

The unit is one message to one recipient: distinct (message id, recipient id), the address where a
feed has no recipient id. Never "opens × clicks", never a sum over days, links or segments: who
clicks two links is one clicker. A message belongs to the day of its first event, whenever its opens
came.

Definitions follow SparkPost, Iterable (clicks / confirmed opens) and Customer.io (cohort by send).
"""

from __future__ import annotations

from cxtools.errors import ConfigError
from cxtools.measures.catalogue.bounces import BOUNCES, REASONS, UNKNOWN
from cxtools.measures.catalogue.delivery import COMPARISON, FUNNEL, JOBS
from cxtools.measures.catalogue.engagement import CURVE, LINKS, SUSPECTS, TIMING
from cxtools.measures.catalogue.feed import DATA_QUALITY
from cxtools.measures.question import Dimension, Question
from cxtools.measures.sql import tsv_rows

#: What messages can be split and filtered by, in the order of their columns.
DIMENSIONS = {row[0]: Dimension(*row) for row in tsv_rows("dimensions")}

#: Name -> entry, in the order in which they are listed.
QUESTIONS: dict[str, Question] = {
    question.name: question
    for question in (
        FUNNEL,
        BOUNCES,
        REASONS,
        LINKS,
        TIMING,
        CURVE,
        JOBS,
        SUSPECTS,
        DATA_QUALITY,
        COMPARISON,
        UNKNOWN,
    )
}


def named(name: str) -> Question:
    """
    The question of that name.

    Raises:
        ConfigError: there is none; the message lists those there are.
    """
    if name not in QUESTIONS:
        raise ConfigError(
            f"there is no question {name!r}", do=f"choose from: {', '.join(QUESTIONS)}"
        )
    return QUESTIONS[name]
