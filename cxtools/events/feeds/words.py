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
    "emaildelivered": "delivery",
    "bounced": "bounce",
    "emailbounced": "bounce",
    "hardbounce": "bounce",
    "hardbounced": "bounce",
    "softbounce": "bounce",
    "softbounced": "bounce",
    "blockbounce": "bounce",
    "opened": "open",
    "openedemail": "open",
    "emailopen": "open",
    "emailopened": "open",
    "firstopen": "open",
    "uniqueopen": "open",
    "uniqueopened": "open",
    "clicked": "click",
    "clickedemail": "click",
    "clickedlink": "click",
    "emailclick": "click",
    "emailclicked": "click",
    "linkclick": "click",
    "linkclicked": "click",
    "uniqueclick": "click",
    "uniqueclicked": "click",
    "spam": "complaint",
    "spamreport": "complaint",
    "spamcomplaint": "complaint",
    "abuse": "complaint",
    "abusereport": "complaint",
    "complained": "complaint",
    "emailreported": "complaint",
    "markedasspam": "complaint",
    "unsub": "unsubscribe",
    "unsubscribed": "unsubscribe",
    "optout": "unsubscribe",
    "optedout": "unsubscribe",
    "deferred": "deferral",
    "delayed": "deferral",
    "dropped": "suppressed",
    "skipped": "suppressed",
    "notsent": "suppressed",
    "send": "sent",
    "emailsent": "sent",
    "sentemail": "sent",
    "queued": "sent",
    "processed": "sent",
    "injected": "sent",
    "submitted": "sent",
}
