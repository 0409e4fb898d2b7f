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
    A share that must stay small; or large, where it is a floor.

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
        step: the entry of `actions.STEPS` that mends it, or ""
        needs_proof: whether a campaign passes only when its share is below the target for certain
        is_floor: whether it warns below the target, not above it
        is_guidance: whether it warns as soon as the number is above the target, as those who set it
            do; others warn when chance alone wouldn't put it there
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
    step: str = ""
    needs_proof: bool = False
    is_floor: bool = False
    is_guidance: bool = False


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
    step="clean_list",
    needs_proof=True,
    is_guidance=True,
)
BLOCKED = Limit(
    name="Blocked",
    part="block",
    whole="attempted",
    target=0.02,
    limit=0.05,
    stop=None,
    sentence="{number} were blocked: refused because of the sender or the content.",
    source="ours: a campaign in good standing has under 1%",
    step="read_answers",
)
UNDETERMINED = Limit(
    name="Undetermined refusals",
    part="undetermined",
    whole="attempted",
    target=0.03,
    limit=None,
    stop=None,
    sentence="{number} were refused without a reason that can be told (undetermined).",
    source="ours",
    step="read_answers",
)
SOFT_BOUNCES = Limit(
    name="Soft bounces",
    part="soft",
    whole="attempted",
    target=0.05,
    limit=None,
    stop=None,
    sentence="{number} bounced softly: they may arrive when they are sent again.",
    source="ours: full mailboxes and busy servers are 1 to 3% of most lists",
    step="try_again",
)
NOT_DELIVERED = Limit(
    name="Bounced, whatever the reason",
    part="bounced",
    whole="attempted",
    target=0.05,
    limit=0.10,
    stop=None,
    sentence="{number} bounced.",
    source="ours: lists in good order have a delivery rate above 95%",
    step="read_answers",
)
AUTHENTICATION = Limit(
    name="Refusals for authentication",
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
    step="mend_authentication",
    needs_proof=True,
)
UNCLASSIFIED = Limit(
    name="Bounces without a known cause",
    part="unclassified",
    whole="bounced",
    target=0.10,
    limit=None,
    stop=None,
    sentence="The cause of {number} is unknown.",
    source="ours: above it the classifier needs new rules; a few odd answers are in every campaign",
    step="write_rules",
)
COMPLAINTS = Limit(
    name="Complaints",
    part="complained",
    whole="delivered",
    target=0.001,
    limit=0.003,
    stop=None,
    sentence="{number} complained: they must stay under {target}, and never reach {limit}.",
    source="Google: under 0.1%, never 0.3%",
    step="ask_consent",
)
UNSUBSCRIBES = Limit(
    name="Unsubscribes",
    part="unsubscribed",
    whole="delivered",
    target=0.01,
    limit=None,
    stop=None,
    sentence="{number} unsubscribed: more than {target}, where 0.25% are average.",
    source="Mailchimp, October 2019: 0.25% on average; four times that is ours",
    step="review_content",
)
SCANNERS = Limit(
    name="Clickers that behave like scanners",
    part="suspect",
    whole="clickers",
    target=0.40,
    limit=None,
    stop=None,
    sentence=(
        "{number} who followed a link behave like scanners: "
        "quote the clicks without them, not the click rate."
    ),
    source="M3AAWG: under 10% of clicks at consumers' mailboxes, 20 to 80% at companies'",
    step="leave_scanners_out",
)
LIMITS = (
    HARD_BOUNCES,
    BLOCKED,
    UNDETERMINED,
    SOFT_BOUNCES,
    NOT_DELIVERED,
    AUTHENTICATION,
    UNCLASSIFIED,
    COMPLAINTS,
    UNSUBSCRIBES,
    SCANNERS,
)


@dataclass(frozen=True)
class PlaceLimit:
    """
    A share that must stay small at each place that got enough mail.

    Attributes:
        dimension: what a place is: a mailbox provider, or a domain
        part: the count that must stay small, of the place's `whole`
        target: WARN above it, for certain
        limit: FAIL above it, for certain, where it hurts the whole campaign; None: never
        name: the check's name on pages, with {place}
        sentence: with {share}, {place}, {part}, {whole} and {bounds}, the share's 95 % interval;
            with {of_all} of all such bounces, or {evidence} of what the answers name
        step: the entry of `actions.STEPS` that mends it
        source: who says so
        whole: what the count is a share of
    """

    dimension: str
    part: str
    target: float
    limit: float | None
    name: str
    sentence: str
    step: str
    source: str = "ours: elsewhere the share is a fraction of it"
    whole: str = "attempted"


PLACE_LIMITS = (
    PlaceLimit(
        dimension="provider",
        part="refused",
        target=0.05,
        limit=0.20,
        name="Refused by {place}",
        sentence=(
            "{share} of the mail to {place} was refused ({part} of {whole}, {bounds}){evidence}."
        ),
        step="ask_provider",
    ),
    PlaceLimit(
        dimension="domain",
        part="hard",
        target=0.20,
        limit=None,
        name="Dead addresses at {place}",
        sentence=(
            "{share} of the addresses at {place} are dead ({part} of {whole}, {bounds}): "
            "{of_all} of all hard bounces."
        ),
        step="remove_domain",
    ),
    PlaceLimit(
        dimension="domain",
        part="refused",
        target=0.20,
        limit=None,
        name="Refused by {place}",
        sentence=(
            "{share} of the mail to {place} was refused ({part} of {whole}, {bounds}){evidence}."
        ),
        step="ask_domain",
    ),
    PlaceLimit(
        dimension="provider",
        part="hard",
        target=0.05,
        limit=None,
        name="Dead addresses at {place}",
        sentence=(
            "{share} of the addresses at {place} are dead ({part} of {whole}, {bounds}): "
            "{of_all} of all hard bounces."
        ),
        step="clean_list",
    ),
    PlaceLimit(
        dimension="provider",
        part="soft",
        target=0.10,
        limit=None,
        name="Put off by {place}",
        sentence=(
            "{share} of the mail to {place} was put off ({part} of {whole}, {bounds}){evidence}."
        ),
        step="send_slower",
    ),
    PlaceLimit(
        dimension="provider",
        part="complained",
        target=0.003,
        limit=None,
        name="Complaints at {place}",
        sentence=(
            "{share} of those at {place} who got the mail complained ({part} of {whole}, "
            "{bounds}): {of_all} of all complaints."
        ),
        step="heed_complaints",
        source="Google and Yahoo: never 0.3%",
        whole="delivered",
    ),
)

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
