"""
The verdict on a bounce: what failed, whose side it is on, and what to do about the recipient.

`CATEGORIES` is the taxonomy (explained in this folder's README.md); every other field of a verdict
follows from the category and from the class digit of the codes, so two bounces of one category
can't be treated differently.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from cxtools.bounce.codes import Codes

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


class Treatment(NamedTuple):
    """
    How a category is treated: its kind, whether to try again, whether to leave the recipient out
    from now on, whose side it is on.
    """

    kind: BounceKind
    retry: Retry
    suppress: Suppress
    scope: Scope


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

#: What differs when the server said 4xx, "not now": nothing is proven yet, so trying again is right
#: and suppressing waits for repetition.
WHEN_TRANSIENT: dict[Category, Treatment] = {
    name: treated._replace(
        kind="undetermined",
        retry="later",
        suppress="never" if name == "policy_block" else "after_n",
    )
    for name, treated in CATEGORIES.items()
    if treated.kind == "hard" or name in ("policy_block", "unknown")
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What a bounce means.

        category        one of CATEGORIES
        kind            hard (the address is dead), soft (it may work later), block (the sender's
                        side must change),
                        undetermined (can't be known from what was said), none (no bounce at all)
        retry           no, now (within the hour), later (the next wave), after_fix (when the
                        sender's side has changed)
        retry_after_s   seconds that the text asks to wait; None when it names none
        suppress        never, after_n (when it repeats, campaign after campaign), now
        scope           whose side failed: recipient, sender, message, server
        confidence      share 0..1: how sure the deciding rule is
        rule            the id of the rule or code that decided; "none" when nothing did
        codes           the codes as parsed
        provider        who said it ("google", "microsoft", …); "" when not known
        blocklist       the blocklist that was named; "" when none
        held_back_by    why it is not hard though its category is: the rule, doubt or word that
                        contradicts; "" when nothing does
        reason          the text with addresses, hosts, ids, times masked: the same for every
                        recipient with the same cause
    """

    category: Category
    kind: BounceKind
    retry: Retry
    suppress: Suppress
    scope: Scope
    confidence: float = 0.0
    rule: str = "none"
    codes: Codes = field(default_factory=Codes)
    retry_after_s: int | None = None
    provider: str = ""
    blocklist: str = ""
    held_back_by: str = ""
    reason: str = ""


def treatment(category: Category, digit: str) -> Treatment:
    """
    How to treat a category when the codes were of class *digit*.

    >>> treatment("invalid_recipient", "5").kind, treatment("invalid_recipient", "4").kind
    ('hard', 'undetermined')
    """
    return (
        WHEN_TRANSIENT.get(category, CATEGORIES[category]) if digit == "4" else CATEGORIES[category]
    )
