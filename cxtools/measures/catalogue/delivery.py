"""How far messages got: the funnel, a campaign among earlier ones, and each job."""

from __future__ import annotations

from cxtools.measures.question import Column, Question

FIRST_AT = Column(
    "first_at", "moment", "of the first event; of a sending, delivery or bounce, if any"
)
LAST_AT = Column("last_at", "moment", "of the last event")

FUNNEL_COLUMNS = (
    Column("attempted", "messages", "with a delivery or a bounce; without deliveries: sent"),
    Column("delivered", "messages", "attempted and not bounced in the end"),
    Column("late_bounced", "messages", "bounced after a delivery"),
    Column(
        "bounced",
        "messages",
        "attempted, and the last final word is a bounce; auto-replies and complaints don't count",
    ),
    Column(
        "opened",
        "messages",
        "delivered, with an open or a click on content: a click proves what blocked images hide",
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
    "of that kind at all; but of at most 100 deliveries that were opened and not clicked, clicks "
    "are none."
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
    note=f"Each one before it is cut at the age that the named one has reached. {NOT_MEASURED}",
    example='cx.comparison("q3-update").chart()',
    sql="funnel",
    splits=False,
    earlier=8,
    chart="rates.comparison",
    shown=FUNNEL_SHOWN,
)

#: Up to so many parts of a campaign are compared with each other; more, each with all the others.
MOST_IN_PAIRS = 4
THE_OTHERS = "the others"
#: What the words of a comparison mean; `differences.finding` obeys it.
RULE = (
    "Significant: chance alone makes such a difference at most 1 time in 20, all pairs of the rate "
    "taken together (Holm), and its 95% interval (Newcombe) leaves 0 out. Promising: at most 1 "
    "time in 10, the pair taken by itself. Too few: a side has fewer than 20 messages, or both "
    "together have fewer than 5 that did, or that didn't."
)

COMPARE = Question(
    name="compare",
    question="Which rates differ by more than chance?",
    grain="campaign × rate × what it is compared with",
    columns=(
        Column("metric", "text", "the rate: delivery_rate, open_rate, click_rate, …"),
        Column("part", "messages", "of `whole` that did what the rate counts"),
        Column("whole", "messages", "that the rate is of: attempted, delivered or opened"),
        Column("share", "share", "part / whole", "part", "whole"),
        Column("beside", "text", "what it is compared with"),
        Column("beside_part", "messages", "the same of what it is compared with"),
        Column("beside_whole", "messages", "the same"),
        Column(
            "beside_share", "share", "beside_part / beside_whole", "beside_part", "beside_whole"
        ),
        Column("difference", "points", "share - beside_share"),
        Column("difference_low", "points", "from here …"),
        Column("difference_high", "points", "… to here is its 95 % interval, by Newcombe"),
        Column(
            "chance",
            "score",
            "0..1, how likely chance alone makes so much of a difference; missing for too few",
        ),
        Column("chance_holm", "score", "the same, all pairs of the rate taken together"),
        Column(
            "finding", "text", "significant, promising, no difference shown or too few: see below"
        ),
    ),
    note=(
        "Campaigns are compared with the one that is named first (the oldest where none is named), "
        "all at the age that the youngest has reached; one that hasn't begun is left out, and so "
        "is a rate that the first one's events don't tell of. With `by`, the parts of each "
        "campaign are compared: up to four with each other, more of them each with all the "
        f"others. {RULE}"
    ),
    example='cx.compare("q3-update", by="provider").chart()',
    sql="funnel",
    derived=True,
    chart="differences",
    shown=("metric", "share", "beside", "beside_share", "difference", "finding"),
    caption=RULE,
    empty="There is nothing to compare: name two campaigns, or a column that parts one in two.",
    empty_by="There is nothing to compare by {by}.",
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
        Column("latency_s", "seconds", "until the API was done with the job"),
        Column("spam_score", "score", "as the API gave it"),
    ),
    note=(
        "Times are missing where nothing was delivered; latency and spam score where the API gave "
        "none, or the job was not sent from this home."
    ),
    example='cx.jobs("q3-update").chart()',
    chart="jobs",
    report="bounce_report",
    shown=(
        "job_id",
        "attempted",
        "delivered",
        "bounced",
        "first_at",
        "delivery_median_s",
        "delivery_p90_s",
        "latency_s",
        "spam_score",
    ),
)

DEFERRALS = Question(
    name="deferrals",
    question="How much mail had to wait, and how long did delivery take?",
    grain="campaign",
    columns=(
        Column("attempted", "messages", "with a delivery or a bounce; without deliveries: sent"),
        Column("waiting", "messages", "told to come again later, and no final word yet"),
        Column("messages", "messages", "attempted or waiting"),
        Column("deferred", "messages", "of these, told to come again later at least once"),
        Column("deferrals", "events", "how often that was said"),
        Column("delivered", "messages", "attempted and not bounced in the end"),
        Column("timed", "messages", "delivered, with a sending or a deferral before the delivery"),
        Column("median_s", "seconds", "from the first of these to the delivery, the median"),
        Column("p90_s", "seconds", "within which nine tenths of the timed were delivered"),
        Column(
            "deferral_rate",
            "share",
            "deferred / messages",
            "deferred",
            "messages",
            "deferred_measured",
        ),
    ),
    note=(
        "Mail that waits still counts: it is deferred, and not attempted until its final word. "
        'The rate is missing, "not measured", where the events hold no deferral at all; '
        "times are missing where neither sendings nor deferrals are told."
    ),
    example='cx.deferrals("q3-update", by="provider").chart()',
    chart="shares",
    report="bounce_report",
    shown=("messages", "deferred", "waiting", "deferral_rate", "deferrals", "median_s", "p90_s"),
    empty="Nothing was attempted or deferred yet.",
)
