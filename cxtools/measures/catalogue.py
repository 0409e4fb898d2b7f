"""
The questions: one entry each. A new question is an SQL file, an entry here and a figure.

The unit is one message to one recipient: distinct (message id, recipient id), the address where a
feed has no recipient id. Never "opens × clicks", never a sum over days, links or segments: who
clicks two links is one clicker. A message belongs to the day of its first event, whenever its opens
came.

Definitions follow SparkPost, Iterable (clicks / confirmed opens) and Customer.io (cohort by send).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from cxtools.errors import ConfigError
from cxtools.measures.question import Column, Dimension, Part, Question

FOLDER = files(__package__) / "sql"


def rows_of(name: str) -> list[list[str]]:
    """The rows of a table that stands beside the SQL, without its head."""
    lines = FOLDER.joinpath(f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines[1:]]


#: What messages can be split and filtered by, in the order of their columns.
DIMENSIONS = {row[0]: Dimension(*row) for row in rows_of("dimensions")}
#: What can be odd about events.
CHECKS = tuple(Part(*row) for row in rows_of("checks"))
#: What makes a clicker look like a machine, after Marketo, Paminga and Omeda: one strong rule is
#: enough, of the weak ones it takes two.
RULES = tuple(Part(*row) for row in rows_of("rules"))

FIRST_AT = Column(
    "first_at", "moment", "of the first event; of a sending, delivery or bounce, if any"
)
LAST_AT = Column("last_at", "moment", "of the last event")

FUNNEL_COLUMNS = (
    Column("attempted", "messages", "with a delivery or a bounce"),
    Column("delivered", "messages", "attempted and not bounced in the end"),
    Column("late_bounced", "messages", "bounced after a delivery"),
    Column(
        "bounced",
        "messages",
        "attempted, and the last final word is a bounce; auto-replies and complaints are not bounces",
    ),
    Column(
        "opened",
        "messages",
        "delivered, with an open or a click: a click proves what blocked images hide",
    ),
    Column(
        "opened_strict",
        "messages",
        "delivered, with an open that the feed doesn't mark as a machine's",
    ),
    Column(
        "clicked",
        "messages",
        "delivered, with a click on content; unsubscribe and preference links don't count",
    ),
    Column("clicks_without_open", "messages", "clicked without any open"),
    Column("delivery_rate", "share", "delivered / attempted", "delivered", "attempted"),
    Column("bounce_rate", "share", "bounced / attempted", "bounced", "attempted"),
    Column("open_rate", "share", "opened / delivered", "opened", "delivered", "opened_measured"),
    Column(
        "click_rate", "share", "clicked / delivered", "clicked", "delivered", "clicked_measured"
    ),
    Column(
        "click_to_open_rate", "share", "clicked / opened", "clicked", "opened", "clicked_measured"
    ),
    FIRST_AT,
    LAST_AT,
)
FUNNEL_SHOWN = (
    "attempted",
    "delivered",
    "opened",
    "clicked",
    "clicks_without_open",
    "delivery_rate",
    "open_rate",
    "click_rate",
)
NOT_MEASURED = (
    'Rates of opens and clicks are missing, "not measured", where the campaign\'s events hold none '
    "of that kind at all."
)

FUNNEL = Question(
    name="funnel",
    question="How far did the messages get?",
    grain="campaign",
    columns=FUNNEL_COLUMNS,
    note=NOT_MEASURED,
    example='cx.funnel("q3-update", by="provider").chart()',
    chart="funnel",
    shown=FUNNEL_SHOWN,
)

COMPARISON = Question(
    name="comparison",
    question="How does a campaign compare with the ones before it, at the same age?",
    grain="campaign: the one that is named and up to eight before it, oldest first",
    columns=FUNNEL_COLUMNS,
    note=f"Each campaign is cut at the age that the named one has reached. {NOT_MEASURED}",
    example='cx.comparison("q3-update").chart()',
    sql="funnel",
    splits=False,
    earlier=8,
    chart="comparison",
    shown=FUNNEL_SHOWN,
)

BOUNCES = Question(
    name="bounces",
    question="Why did messages bounce?",
    grain="campaign × category × kind",
    columns=(
        Column("category", "text", "the cause, as the taxonomy of bounces names it"),
        Column("kind", "text", "hard, soft, block or undetermined"),
        Column("recipients", "messages", "bounced for that cause"),
        Column("bounced", "messages", "bounced in the campaign"),
        Column("attempted", "messages", "attempted in the campaign (and value of `by`)"),
        Column(
            "share",
            "share",
            "recipients / bounced; sums to 1 over the rows of a campaign",
            "recipients",
            "bounced",
        ),
        Column("rate", "share", "recipients / attempted", "recipients", "attempted"),
    ),
    example='cx.bounces("q3-update", by=["provider", "day"]).chart()',
    chart="bounces",
    report="bounce_report",
    shown=("category", "kind", "recipients", "share", "rate"),
    empty="No bounces.",
)

REASONS = Question(
    name="reasons",
    question="What did the receiving servers say when they refused?",
    grain="campaign × normalised text, most frequent first",
    columns=(
        Column("reason", "text", "the text, with addresses, hosts and ids masked"),
        Column("bounce_code", "text", "an example of the codes that came with it"),
        Column("category", "text", "the cause, as the taxonomy of bounces names it"),
        Column("kind", "text", "hard, soft, block or undetermined"),
        Column("confidence", "score", "0..1, of the least sure of its bounce verdicts"),
        Column("rule", "text", "the rule or code that gave the least sure verdict"),
        Column("recipients", "messages", "bounced so"),
        Column("bounced", "messages", "bounced in the campaign"),
        Column("first_at", "moment", "of the first such bounce; missing when none has a moment"),
        Column("last_at", "moment", "of the last such bounce"),
        Column("share", "share", "recipients / bounced", "recipients", "bounced"),
    ),
    example='cx.reasons("q3-update").head(10)',
    chart="reasons",
    report="bounce_report",
    shown=("reason", "recipients", "share", "category", "kind", "confidence", "bounce_code"),
    empty="No bounces.",
)

UNKNOWN = Question(
    name="unknown",
    question="Which refusals does no rule understand, or only just?",
    grain="campaign × code × raw text, most frequent first",
    columns=(
        Column("code", "text", "as it came"),
        Column("text", "text", "as it came, addresses included"),
        Column("recipients", "messages", "bounced so"),
    ),
    note=(
        "What is judged with a confidence below 0.5 is here, too: there the next rule is missing. "
        "The texts are there to write the next rule from, not to be passed on."
    ),
    example='cx.unknown("q3-update").head(10)',
    report="bounce_report",
    empty="Every bounce is understood.",
    verbatim=True,
)

LINKS = Question(
    name="links",
    question="Which links were clicked?",
    grain="campaign × link",
    columns=(
        Column(
            "link_url",
            "text",
            "without tracking parameters; links that differ only in what tells recipients apart are "
            "one: https://x.example/p?u=…",
        ),
        Column("purpose", "text", "content, or unsubscribe (preference links too)"),
        Column(
            "clickers",
            "messages",
            "whose recipient clicked it; links don't add up, who clicks two is in both",
        ),
        Column("clicks", "clicks", "on it, repeated ones too"),
        Column("all_clickers", "messages", "with a click on anything"),
        Column("first_at", "moment", "of the first click; missing when none has a moment"),
        Column("last_at", "moment", "of the last click"),
        Column("share", "share", "clickers / all_clickers", "clickers", "all_clickers"),
    ),
    example='cx.links("q3-update").chart()',
    chart="links",
    shown=("link_url", "purpose", "clickers", "share", "clicks"),
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

JOBS = Question(
    name="jobs",
    question="How did each send job run?",
    grain="campaign × job",
    columns=(
        Column("job_id", "text", "the job, as the API names it"),
        Column("attempted", "messages", "with a delivery or a bounce"),
        Column("delivered", "messages", "attempted and not bounced in the end"),
        Column("bounced", "messages", "attempted, and the last final word is a bounce"),
        FIRST_AT,
        LAST_AT,
        Column("span_s", "seconds", "from its first to its last delivery or bounce"),
        Column(
            "delivery_median_s", "seconds", "from the job's first event to a delivery, the median"
        ),
        Column("delivery_p90_s", "seconds", "within which nine tenths were delivered"),
    ),
    note="Times are missing where nothing was delivered.",
    example='cx.jobs("q3-update").chart()',
    chart="jobs",
    report="bounce_report",
    shown=(
        "job_id",
        "attempted",
        "delivered",
        "bounced",
        "first_at",
        "last_at",
        "delivery_median_s",
        "delivery_p90_s",
    ),
)

SUSPECTS = Question(
    name="suspects",
    question="How many clickers behave like machines?",
    grain='campaign × rule, then "suspect" and "human"',
    columns=(
        Column("rule", "text", "r1 to r5, suspect or human"),
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
        "What many feeds leave out (opens, clicks, deferrals, complaints, unsubscribes) is missing, "
        '"not measured", when there is none of that kind at all.'
    ),
    example='cx.data_quality("q3-update")',
    parts=CHECKS,
    splits=False,
    filters=False,
    shown=("meaning", "count", "total", "share"),
)

QUESTIONS = {
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


@cache
def sql(name: str) -> str:
    """The text of one SQL file."""
    return FOLDER.joinpath(f"{name}.sql").read_text(encoding="utf-8")
