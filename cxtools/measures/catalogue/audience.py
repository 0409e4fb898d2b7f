"""What becomes of an audience over many campaigns: its months, its habits, its mailings."""

from __future__ import annotations

from cxtools.measures.catalogue.delivery import FUNNEL_COLUMNS
from cxtools.measures.question import Column, Question

FUNNEL_BY_NAME = {column.name: column for column in FUNNEL_COLUMNS}
COUNTS = (
    *(FUNNEL_BY_NAME[name] for name in ("attempted", "delivered", "bounced")),
    Column("delivered_told", "messages", "delivered, in campaigns whose events tell of clicks"),
    FUNNEL_BY_NAME["clicked"],
)
RATES = (
    FUNNEL_BY_NAME["delivery_rate"],
    FUNNEL_BY_NAME["bounce_rate"],
    Column("click_rate", "share", "clicked / delivered_told", "clicked", "delivered_told"),
)
SHOWN = ("attempted", "delivery_rate", "bounce_rate", "click_rate")
WHO = 'An address is known by itself, over all campaigns; `campaign` is always "all".'

COHORTS = Question(
    name="cohorts",
    question="How fast does a list decay: what becomes of those first mailed in the same month?",
    grain="month of the first mailing × number of the mailing",
    columns=(
        Column("cohort", "text", "the month in which the address was first mailed, as 2026-09"),
        Column("mailing", "number", "1 for the first message to it, 2 for the second, …"),
        *COUNTS,
        *RATES,
    ),
    note=f"{WHO} Whoever isn't mailed any more is in no later row.",
    example="cx.cohorts()",
    derived=True,
    splits=False,
    report="trend_report",
    shown=("cohort", "mailing", *SHOWN),
)

LAST_CLICK = Question(
    name="last_click",
    question="Do those who clicked lately click again, and those who never did bounce?",
    grain="time since the last click, when the message was sent",
    columns=(
        Column(
            "last_click",
            "text",
            "first mailing, up to 14 days, up to 90 days, up to a year, over a year, never clicked",
        ),
        *COUNTS,
        *RATES,
    ),
    note=f"{WHO} The times are SparkPost's.",
    example="cx.last_click()",
    derived=True,
    splits=False,
    report="trend_report",
    shown=("last_click", *SHOWN),
)

FREQUENCY = Question(
    name="frequency",
    question="Do those who are mailed often click less, or bounce more?",
    grain="number of messages to the address in the week up to the message",
    columns=(
        Column("mails_a_week", "number", "this message included; 5 is five or more"),
        *COUNTS,
        *RATES,
    ),
    note=(
        f"{WHO} A week is six and a half days: who is mailed every week at about the same time is "
        "mailed once in it, whether he is among the first of a mailing or the last."
    ),
    example="cx.frequency()",
    derived=True,
    splits=False,
    report="trend_report",
    shown=("mails_a_week", *SHOWN),
)
