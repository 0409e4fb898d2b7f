"""What is odd about the events themselves."""

from __future__ import annotations

from cxtools.measures.question import Column, Part, Question
from cxtools.measures.sql import tsv_rows

#: What can be odd about events.
CHECKS = tuple(Part(*row) for row in tsv_rows("checks"))

DATA_QUALITY = Question(
    name="data_quality",
    question="What is odd about the events?",
    grain="campaign × check",
    columns=(
        Column("check", "text", "what was looked for"),
        Column("count", "number", "how often it was found; missing where it isn't measured"),
        Column("total", "number", "of how many"),
        Column("share", "share", "count / total", "count", "total", has_interval=False),
        Column("meaning", "text", "the check as a sentence"),
    ),
    note=(
        "What many feeds leave out (opens, clicks, deferrals, complaints, unsubscribes) is "
        'missing, "not measured", when there is none of that kind at all.'
    ),
    example='cx.data_quality("q3-update")',
    parts=CHECKS,
    splits=False,
    filters=False,
    shown=("meaning", "count", "total", "share"),
)
