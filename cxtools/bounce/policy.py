"""
What a bounce does to its recipient: mail them again, suppress them at once, count it until it
repeats, or nothing.

The tables below are the only place where that is written. Retry waves, local suppressions, the
CRM's webhook and README.md beside this file obey them, and a test holds all four to them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Category = Literal[
    "invalid_recipient",
    "invalid_domain",
    "inactive_mailbox",
    "mailbox_full",
    "message_too_large",
    "content_rejected",
    "reputation_block",
    "authentication",
    "policy_block",
    "routing_error",
    "rate_limited",
    "greylisted",
    "temporary_failure",
    "protocol_error",
    "unknown",
    "auto_reply",
    "complaint",
    "unsubscribe",
    "suppressed",
]
BounceKind = Literal["hard", "soft", "block", "undetermined", "none"]
Retry = Literal["no", "now", "later", "after_fix"]
Suppress = Literal["never", "after_n", "now"]
Scope = Literal["recipient", "sender", "message", "server"]
#: What speaks against a hard cause: too little proof of it, or a word about the sender's side.
Objection = Literal["weak_proof", "senders_side"]
#: Nobody answered, as long as it was tried.
Silence = Literal["unreachable"]
#: How a platform's class proves a hard cause, unless that is certain.
ClassProof = Literal["likely"]


class Treatment(NamedTuple):
    """
    How a bounce is treated.

        kind       hard, soft, block, undetermined; none: it is not a bounce
        retry      now and later: the next retry wave mails the recipient again; no, after_fix: no
                   wave does
        suppress   now: at once; after_n: it counts, and suppresses when it repeats campaign after
                   campaign; never: it doesn't count, however often it repeats
        scope      whose side failed
    """

    kind: BounceKind
    retry: Retry
    suppress: Suppress
    scope: Scope


#: How each category is treated, unless one of the tables below says otherwise.
CATEGORIES: dict[Category, Treatment] = {
    "invalid_recipient": Treatment("hard", "no", "now", "recipient"),
    "invalid_domain": Treatment("hard", "no", "now", "recipient"),
    "inactive_mailbox": Treatment("hard", "no", "now", "recipient"),
    "mailbox_full": Treatment("soft", "later", "after_n", "recipient"),
    "message_too_large": Treatment("soft", "no", "never", "message"),
    "content_rejected": Treatment("block", "no", "never", "message"),
    "reputation_block": Treatment("block", "after_fix", "never", "sender"),
    "authentication": Treatment("block", "after_fix", "never", "sender"),
    "policy_block": Treatment("undetermined", "no", "never", "server"),
    "routing_error": Treatment("undetermined", "no", "after_n", "server"),
    "rate_limited": Treatment("soft", "later", "never", "sender"),
    "greylisted": Treatment("soft", "now", "never", "server"),
    "temporary_failure": Treatment("soft", "later", "never", "server"),
    "protocol_error": Treatment("soft", "no", "never", "sender"),
    "unknown": Treatment("undetermined", "no", "after_n", "server"),
    "auto_reply": Treatment("none", "no", "never", "recipient"),
    "complaint": Treatment("none", "no", "now", "recipient"),
    "unsubscribe": Treatment("none", "no", "now", "recipient"),
    "suppressed": Treatment("none", "no", "never", "recipient"),
}

#: What differs when the server said 4xx, "not now": nothing is proven yet, so it is right to try
#: again, and to suppress only when it repeats.
WHEN_TRANSIENT: dict[Category, Treatment] = {
    "invalid_recipient": Treatment("undetermined", "later", "after_n", "recipient"),
    "invalid_domain": Treatment("undetermined", "later", "after_n", "recipient"),
    "inactive_mailbox": Treatment("undetermined", "later", "after_n", "recipient"),
    "policy_block": Treatment("undetermined", "later", "never", "server"),
    "unknown": Treatment("undetermined", "later", "after_n", "server"),
}

#: What becomes of a hard cause when something speaks against it. The sender's own failure must not
#: cost a recipient, however often it repeats.
WHEN_HELD_BACK: dict[Objection, Treatment] = {
    "weak_proof": Treatment("undetermined", "no", "after_n", "recipient"),
    "senders_side": Treatment("undetermined", "no", "never", "recipient"),
}

#: What differs where nobody answered (`UNREACHABLE`): it may work later, but a host that is silent
#: campaign after campaign is as good as dead.
WHEN_UNREACHABLE: dict[Silence, Treatment] = {
    "unreachable": Treatment("soft", "later", "after_n", "server"),
}

#: What becomes of a hard cause that neither the text nor the code tells, only the class that the
#: sending platform gave it, unless the platform stops mailing such an address at once.
WHEN_CLASSED: dict[ClassProof, Treatment] = {
    "likely": Treatment("hard", "no", "after_n", "recipient"),
}

#: One word of these in a text, and its recipient is not suppressed at once, whatever else it says.
SENDERS_SIDE: tuple[Category, ...] = (
    "reputation_block",
    "authentication",
    "rate_limited",
    "content_rejected",
    "message_too_large",
)

#: Rules, codes and classes that say that the mail's own SPF, DKIM or DMARC failed: what the sender
#: has to mend. That a group takes its members' mail only, that the recipient's server has no TLS, a
#: callback, a HELO or a login are `authentication`, too, but not that.
UNAUTHENTICATED = frozenset(
    {
        "spf",
        "dkim",
        "dmarc",
        "unauthenticated_mail",
        "code:x.7.20",
        "code:x.7.21",
        "code:x.7.22",
        "code:x.7.23",
        "code:x.7.24",
        "code:x.7.26",
        "code:google:x.7.27",
        "code:google:x.7.30",
        "code:google:x.7.31",
        "code:google:x.7.32",
        "code:google:x.7.40",
        "code:microsoft:x.7.509",
        "code:microsoft:x.7.515",
        "code:yahoo:5.7.9",
        "class:spf",
        "class:dkim",
        "class:dmarc",
        "class:unauthenticated_mail",
        "class:postmark:DMARCPolicy",
        "class:postmark:100009",
        "class:kumomta:AuthenticationFailed",
    }
)

#: Rules, codes and classes that say that the host never answered, its domain couldn't be looked up,
#: or the queue expired.
UNREACHABLE = frozenset(
    {
        "no_answer",
        "queue_expired",
        "lifetime_over",
        "waited_in_vain",
        "dns_failed",
        "dns_try_again",
        "code:x.4.1",
        "code:x.4.3",
        "code:x.4.7",
        "code:441",
        "code:microsoft:x.4.300",
        "code:microsoft:x.4.312",
        "code:microsoft:x.4.316",
        "class:no_answer",
        "class:queue_expired",
        "class:lifetime_over",
        "class:dns_failed",
        "class:timeout",
        "class:dns failure",
        "class:dns error",
        "class:postfix:expired",
        "class:powermta:message-expired",
        "class:powermta:no-answer-from-host",
        "class:kumomta:message-expired",
        "class:kumomta:no-answer-from-host",
        "class:kumomta:DNSFailure",
        "class:sparkpost:21",
        "class:sparkpost:24",
        "class:mailgun:permanent old",
        "class:postmark:DnsError",
        "class:postmark:256",
        "class:hubspot:TIMEOUT",
        "class:hubspot:DNS_FAILURE",
    }
)

#: Values of `retry` for which the next wave mails the recipient again.
MAILED_AGAIN: tuple[Retry, ...] = ("now", "later")


def treatment(category: Category, digit: str) -> Treatment:
    """
    How to treat a category when the codes were of class *digit*.

    >>> treatment("invalid_recipient", "5").kind, treatment("invalid_recipient", "4").kind
    ('hard', 'undetermined')
    """
    if digit == "4" and category in WHEN_TRANSIENT:
        return WHEN_TRANSIENT[category]
    return CATEGORIES[category]


def objection(category: Category) -> Objection:
    """
    What it means when a bounce speaks of this category, too, beside a hard cause.

    >>> objection("authentication"), objection("unknown")
    ('senders_side', 'weak_proof')
    """
    if CATEGORIES[category].suppress == "never":
        return "senders_side"
    return "weak_proof"
