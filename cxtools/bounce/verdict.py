"""The verdict on a bounce: what failed, whose side it is on, and what to do about the recipient."""

from __future__ import annotations

from dataclasses import dataclass, field

from cxtools.bounce.codes import Codes
from cxtools.bounce.policy import UNAUTHENTICATED, BounceKind, Category, Retry, Scope, Suppress


@dataclass(frozen=True, slots=True)
class BounceVerdict:
    """
    What a bounce means.

        category        one of `policy.CATEGORIES`
        kind            hard (the address is dead), soft (it may work later), block (the sender's
                        side must change), undetermined (the text and the code don't say),
                        none (it is not a bounce)
        retry           no, now (within the hour), later (the next wave), after_fix (when the
                        sender's side has changed)
        suppress        never, after_n (when it repeats, campaign after campaign), now
        scope           whose side failed: recipient, sender, message, server
        confidence      share 0..1: how sure the deciding rule is
        rule            the id of the rule or code that decided; "none" when nothing did
        codes           the codes as parsed
        retry_after_s   seconds that the text asks to wait; None when it doesn't name a time
        provider        who said it ("google", "microsoft", …); "" when not known
        blocklist       the blocklist that was named; "" when none was
        held_back_by    why it is not hard though its category is: the rule, doubt or word that
                        contradicts; "" when nothing does
        reason          the text with addresses, hosts, ids and times masked: the same for every
                        recipient with the same cause

    `kind`, `retry`, `suppress` and `scope` come from the tables in `policy` and nowhere else.
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

    @property
    def is_unauthenticated(self) -> bool:
        """Whether the mail was refused since its own SPF, DKIM or DMARC failed."""
        return self.rule in UNAUTHENTICATED
