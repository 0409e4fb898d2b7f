"""What people did with the messages that were delivered, and who may have been a machine."""

from __future__ import annotations

from cxtools.measures.question import Column, Part, Question
from cxtools.measures.sql import tsv_rows

LINKS = Question(
    name="links",
    question="Which links were clicked?",
    grain="campaign × link",
    columns=(
        Column(
            "link_url",
            "text",
            "without tracking parameters; links that differ only in what tells recipients apart "
            "are one: https://x.example/p?u=…",
        ),
        Column("purpose", "text", "content, or unsubscribe (preference links too)"),
        Column(
            "people",
            "messages",
            "whose recipient clicked it and doesn't behave like a scanner (see `suspects`)",
        ),
        Column(
            "clickers",
            "messages",
            "with a click on it, scanners too; links don't add up, who clicks two is in both",
        ),
        Column("clicks", "clicks", "on it, repeated ones too"),
        Column("all_people", "messages", "with a click on anything, scanners left out"),
        Column("all_clickers", "messages", "with a click on anything"),
        Column("first_at", "moment", "of the first click; missing when none has a moment"),
        Column("last_at", "moment", "of the last click"),
        Column("people_share", "share", "people / all_people", "people", "all_people"),
        Column("share", "share", "clickers / all_clickers", "clickers", "all_clickers"),
    ),
    example='cx.links("q3-update").chart()',
    chart="links",
    shown=("link_url", "purpose", "people", "people_share", "clickers", "clicks"),
    empty="No click is known.",
)

TIMING = Question(
    name="timing",
    question="How long after delivery came the first open and the first click?",
    grain="campaign × kind (open, click)",
    columns=(
        Column("kind", "text", "open or click"),
        Column("recipients", "messages", "with one whose moment is known"),
        Column("delivered", "messages", "attempted and not bounced in the end"),
        Column("p10_s", "seconds", "within which a tenth of the recipients did so"),
        Column("p25_s", "seconds", "within which a quarter did so"),
        Column("median_s", "seconds", "within which half of them did so"),
        Column("p75_s", "seconds", "within which three quarters did so"),
        Column("p90_s", "seconds", "within which nine tenths did so"),
    ),
    note=(
        "Times are missing where nobody did so. An open that clocks put before the delivery counts "
        "as 0 s."
    ),
    example='cx.timing("q3-update").chart()',
    chart="timing",
)

CURVE = Question(
    name="curve",
    question="How many had opened or clicked within so many hours of delivery?",
    grain="campaign × kind (open, click) × hour in which somebody did so first",
    columns=(
        Column("kind", "text", "open or click"),
        Column(
            "hours", "hours", "since delivery: 1 is the first hour, after three days whole days"
        ),
        Column("recipients", "messages", "that came since the row before"),
        Column("cumulative", "messages", "that had come by then"),
        Column("delivered", "messages", "attempted and not bounced in the end"),
        Column("rate", "share", "cumulative / delivered", "cumulative", "delivered"),
    ),
    example='cx.curve("q3-update").chart()',
    chart="curve",
    shown=("kind", "hours", "recipients", "cumulative", "rate"),
)

#: What makes a clicker look like a machine, after Marketo, Paminga and Omeda: one strong rule is
#: enough, of the weak ones it takes two.
RULES = tuple(Part(*row) for row in tsv_rows("rules"))

SUSPECTS = Question(
    name="suspects",
    question="How many clickers behave like machines?",
    grain='campaign × rule, then "suspect" and "human", and of these what they followed',
    columns=(
        Column("rule", "text", "r1 to r5, suspect, human, human_clicked or human_unsubscribed"),
        Column("clickers", "messages", "whose clicks the rule hits"),
        Column("total", "messages", "delivered, with a click that has a moment"),
        Column("meaning", "text", "what the rule says"),
        Column("share", "share", "clickers / total", "clickers", "total"),
    ),
    note=(
        "Tagged, never dropped: without user agents and addresses of networks no rule is certain, "
        "and filters that delete have deleted people."
    ),
    example='cx.suspects("q3-update")',
    parts=RULES,
    shown=("meaning", "clickers", "total", "share"),
    caption=(
        "Of all who followed any link, unsubscribe and preference links too; the funnel's clicked "
        "leaves those links out."
    ),
    empty="No click is known.",
)
