"""
The questions: one entry each. A new question is an SQL file, an entry in a file of this folder and
a figure.

The unit is one message to one recipient: distinct (message id, recipient id), the address where a
feed has no recipient id. Never "opens × clicks", never a sum over days, links or segments: who
clicks two links is one clicker. A message belongs to the day on which it was sent, whenever its
opens came; one of which only a late bounce is told, to that of its job's last sending before.

Definitions follow SparkPost, Iterable (clicks / confirmed opens) and Customer.io (cohort by send).
"""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

from cxtools.errors import ConfigError
from cxtools.measures.catalogue import audience, bounces, delivery, engagement, feed, trend
from cxtools.measures.question import Dimension, Question
from cxtools.measures.sql import tsv_rows
from cxtools.wording import did_you_mean

#: What messages can be split and filtered by, in the order of their columns.
DIMENSIONS = {row[0]: Dimension(*row) for row in tsv_rows("dimensions")}


def questions_in(files: Iterable[ModuleType]) -> dict[str, Question]:
    """Name -> entry of every question that stands in one of these files."""
    questions = {}
    for file in files:
        for entry in vars(file).values():
            if isinstance(entry, Question):
                questions[entry.name] = entry
    return questions


#: Name -> entry, in the order in which they are listed: that of the files and within them.
QUESTIONS = questions_in((delivery, bounces, engagement, feed, trend, audience))


def named(name: str) -> Question:
    """
    The question of that name.

    Raises:
        ConfigError: there is none; the message lists those there are.
    """
    if name not in QUESTIONS:
        raise ConfigError(
            f"there is no question {name!r}",
            do=f"{did_you_mean(name, QUESTIONS)}choose from: {', '.join(QUESTIONS)}",
        )
    return QUESTIONS[name]
