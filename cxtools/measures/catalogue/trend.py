"""What has changed over many campaigns: control charts, alerts, and what explains them."""

from __future__ import annotations

from cxtools.measures.catalogue.delivery import FUNNEL_COLUMNS
from cxtools.measures.question import Column, Question

FIRST_AT = Column("first_at", "moment", "of its first sending, delivery or bounce")
PART = Column("part", "messages", "of `whole` that did what the rate counts")
WHOLE = Column("whole", "messages", "that the rate is of: attempted or delivered")
SHARE = Column("share", "share", "part / whole", "part", "whole")
METRIC = Column(
    "metric", "text", "delivery_rate, hard_bounce_rate, block_rate, open_rate or click_rate"
)
SINCE = Column("since", "text", "the campaign (or week) in which the alert begins")
USUAL = Column("usual", "share", "what is usual: the median of the baseline")
DISTANCE = Column(
    "distance", "score", "from the usual, in standard deviations of campaigns of that size"
)

HOW = (
    'With by="week" (or "day") weeks take the place of campaigns, so that what is sent every day '
    'has a trend, too; of any other column, as by="provider", each value is charted and judged by '
    "itself, as if there were no other messages. The baseline is "
    "pinned: the first 8 campaigns of 100 messages, and of the first 20 those that are as usual "
    "beside them (within three standard deviations); later ones never join it. Days are charted "
    "by weekday. Opens and clicks count from the third day after a campaign's first mail on, of a "
    'week after that of its last day: what is younger is "too early".'
)

TREND = Question(
    name="trend",
    question="Is it getting better or worse, and since when?",
    grain="campaign (or week) × rate, oldest first",
    columns=(
        METRIC,
        FIRST_AT,
        PART,
        WHOLE,
        SHARE,
        USUAL,
        Column("limit_low", "share", "between this …"),
        Column("limit_high", "share", "… and this a campaign of that size is usual: 3 σ"),
        DISTANCE,
        Column("standing", "text", "baseline, usual, alert, too few or too early"),
    ),
    note=(
        "A control chart of each rate: campaigns differ by more than chance, so the limits are "
        f"widened by their own spread (Spiegelhalter 2005, Laney 2002). {HOW}"
    ),
    example="cx.trend().chart()",
    derived=True,
    chart="trend",
    report="trend_report",
    shown=("metric", "share", "usual", "distance", "standing"),
)

ALERTS = Question(
    name="alerts",
    question="What has got worse, since when, by how much, and where?",
    grain="alert: a rate, from one campaign (or week) to another",
    columns=(
        METRIC,
        SINCE,
        FIRST_AT,
        Column("until", "text", "the last campaign (or week) of it; empty when it lasts"),
        PART,
        WHOLE,
        SHARE,
        USUAL,
        DISTANCE,
        Column("excess", "messages", "fewer that did what is good, more that did what is bad"),
        Column(
            "explained_by",
            "text",
            "the provider, link or group in it that explains it, or no single group",
        ),
        Column("cause", "text", "of the bounces that explain it; empty for none"),
        Column("finding", "text", "the alert as a sentence"),
    ),
    note=(
        "An alert is farther from the usual than chance puts one history in twenty anywhere, and "
        "far enough to matter: 3 points of the delivered, 1.5 of hard bounces and blocks, two "
        "fifths of opens and clicks; three quarters of that where it lasts for four campaigns. "
        "Opens and clicks must fall at once, below what the campaigns before had (then `usual` is "
        "theirs), and not again and again; what came slowly is said below the table. An open rate "
        f"that falls only since clicks are missing is no alert of its own. {HOW}"
    ),
    example="cx.alerts()",
    derived=True,
    report="trend_report",
    shown=(
        "since",
        "until",
        "metric",
        "share",
        "usual",
        "excess",
        "explained_by",
        "cause",
        "distance",
    ),
    empty="Nothing has changed by more than campaigns differ by themselves.",
)

CONTRIBUTIONS = Question(
    name="contributions",
    question="Which provider, cause, link or group explains what has changed?",
    grain="alert × group, those that explain most first",
    columns=(
        SINCE,
        METRIC,
        Column("dimension", "text", "what the group is a part by: provider, cause, link, …"),
        Column("member", "text", "the group"),
        PART,
        WHOLE,
        SHARE,
        Column("usual", "share", "what is usual in the group, when there is no alert"),
        Column("excess", "messages", "fewer that did what is good, more that did what is bad"),
        Column(
            "explained_share", "share", "the excess of the group as a share of that of the alert"
        ),
    ),
    note=f"The campaign is the one in which the alert begins. {HOW}",
    example="cx.contributions()",
    derived=True,
    report="trend_report",
    shown=("since", "metric", "dimension", "member", "share", "usual", "excess", "explained_share"),
    empty="Nothing has changed by more than campaigns differ by themselves.",
)

LEAGUE = Question(
    name="league",
    question="Which campaigns did best, at the same age?",
    grain="campaign, the one with the highest click rate first",
    columns=(
        Column("rank", "number", "1 for the highest click rate; missing where clicks aren't told"),
        *FUNNEL_COLUMNS,
    ),
    note=(
        "All are cut at the age of three days; those that are younger than the newest event less "
        "three days are left out."
    ),
    example="cx.league().head(10)",
    sql="funnel",
    derived=True,
    splits=False,
    report="trend_report",
    shown=("rank", "attempted", "delivery_rate", "open_rate", "click_rate"),
)

DRIFT = Question(
    name="drift",
    question="Which causes of bounces are new, or more or less frequent than they were?",
    grain="cause, those whose share has changed most first",
    columns=(
        Column("category", "text", "the cause, as the taxonomy of bounces names it"),
        Column("first_seen", "text", "the campaign (or week) that had it first"),
        Column("part", "messages", "bounced for it in the last four campaigns (or weeks)"),
        Column("whole", "messages", "attempted in these"),
        SHARE,
        Column("usual", "share", "its share of the attempted before"),
        Column("difference", "points", "share - usual"),
        Column(
            "chance_holm",
            "score",
            "0..1, how likely campaigns differ so much by themselves, all causes taken together",
        ),
        Column("change", "text", "new, more, less, as usual or too few campaigns to tell"),
    ),
    note=(
        "New is a cause that had no bounce before these four and has at least five in them; more "
        "or less is one that campaigns as different as those before would have at most once in a "
        "hundred histories, all causes taken together (Holm). With by each value of a column is "
        "judged by itself."
    ),
    example="cx.drift()",
    derived=True,
    report="trend_report",
    shown=("category", "change", "share", "usual", "difference", "first_seen"),
    empty="No bounces.",
)
