"""
Words for what happened that many systems use: what tables say, and feeds of which nobody knows all
words. Pure.
"""

from __future__ import annotations

from cxtools.model import KINDS

#: A word as `spelling` leaves it -> our kind.
COMMON_WORDS = {
    **{kind: kind for kind in KINDS},
    "delivered": "delivery",
    "bounced": "bounce",
    "hardbounce": "bounce",
    "softbounce": "bounce",
    "opened": "open",
    "clicked": "click",
    "spam": "complaint",
    "spamreport": "complaint",
    "complained": "complaint",
    "unsub": "unsubscribe",
    "unsubscribed": "unsubscribe",
    "optout": "unsubscribe",
    "deferred": "deferral",
    "delayed": "deferral",
    "dropped": "suppressed",
    "send": "sent",
    "processed": "sent",
    "injected": "sent",
}
