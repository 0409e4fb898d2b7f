"""
The limits of a campaign as data: what is counted, what it is a share of, how large the share may
be, who says so, and what to do above it.
"""

from __future__ import annotations

from dataclasses import dataclass

#: What a campaign or a check can be called, from bad to good.
WORDS = ("FAIL", "WARN", "NO DATA", "TOO FEW", "TOO EARLY", "PASS")


@dataclass(frozen=True)
class Limit:
    """
    A share that must stay small.

    Attributes:
        name: the check's name on pages
        part: the count that must stay small
        whole: the count that it is a share of
        target: WARN above it; 0: a single case is one too many, but it never fails
        limit: FAIL above it; None: the check never fails
        stop: above it, stop sending; None: there is no such step
        sentence: what is so when it is broken; {number} is "5 of 3,000 messages (…)"
        warning: what is so between target and limit, where that is something else
        action: what to do when it has failed, or ""
        stop_action: what to do above `stop`, or ""
        source: who says so
    """

    name: str
    part: str
    whole: str
    target: float
    limit: float | None
    stop: float | None
    sentence: str
    source: str
    action: str = ""
    stop_action: str = ""
    warning: str = ""


HARD_BOUNCES = Limit(
    name="Hard bounces",
    part="hard",
    whole="attempted",
    target=0.02,
    limit=0.05,
    stop=0.10,
    sentence="{number} bounced hard.",
    action="clean the list before the next send",
    stop_action="stop sending until the list is cleaned",
    source="Amazon SES advises under 2%, reviews at 5%, pauses at 10%",
)
AUTHENTICATION = Limit(
    name="Refused for authentication",
    part="unauthenticated",
    whole="attempted",
    target=0.0,
    limit=0.005,
    stop=None,
    sentence="{number} were refused since SPF, DKIM or DMARC failed: {action}.",
    warning=(
        "{number} failed SPF, DKIM or DMARC: forwarded mail does so now and then. Read the "
        "reasons; where they name your own domain, its records need mending."
    ),
    action="fix SPF, DKIM and DMARC before the next send",
    source=(
        "Gmail (5.7.26), Outlook.com (5.7.515) and Yahoo (5.7.9) refuse bulk mail without SPF, "
        "DKIM and DMARC; up to 0.5% may be forwarded mail (ours)"
    ),
)
UNCLASSIFIED = Limit(
    name="Bounces without a known cause",
    part="unclassified",
    whole="bounced",
    target=0.05,
    limit=None,
    stop=None,
    sentence="The cause of {number} is unknown.",
    source="ours: above it the classifier needs new rules",
)
COMPLAINTS = Limit(
    name="Complaints",
    part="complained",
    whole="delivered",
    target=0.001,
    limit=0.003,
    stop=None,
    sentence="{number} complained.",
    source="Google: under 0.1%, never 0.3%",
)
LIMITS = (HARD_BOUNCES, AUTHENTICATION, UNCLASSIFIED, COMPLAINTS)

#: What the ledger knows of recipients without a good outcome, each a warning, in this order: the
#: state, what is so, and which command helps.
UNSETTLED = {
    "unknown": (
        "Whether {people} {were} mailed is not known, since the answer to their submit was lost: "
        "`cxtools status {campaign}` lists the batches."
    ),
    "failed": (
        "{people} {were} in jobs that failed or in batches that the API refused: "
        "`cxtools status {campaign}` says why."
    ),
    "waiting": "{people} {were} not mailed yet: `cxtools resume {campaign}` continues.",
}
