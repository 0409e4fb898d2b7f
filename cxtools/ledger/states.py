"""
The states of a batch: every one, and every arrow between them, stands in ARROWS.

Pure: ledger and outbox obey these tables, and `tables.move` refuses what they don't hold.
"""

from __future__ import annotations

#: state -> the states it may turn into. `planned` and `unknown` are where a human or another run
#: takes over.
ARROWS: dict[str, tuple[str, ...]] = {
    "planned": ("submitting", "empty"),
    "submitting": ("submitted", "planned", "rejected", "unknown"),
    "unknown": ("submitted", "planned", "abandoned", "unknown"),
    "submitted": ("completed", "failed", "cancelled"),
    "completed": ("settling",),
    "failed": ("settling",),
    "cancelled": ("settling",),
    "settling": ("settled",),
    "settled": ("synced", "settling"),
    "synced": ("settling",),
    "rejected": (),
    "abandoned": (),
    "empty": (),
}
#: what became of a POST -> the batch's next state, and whether its quota is given back (only where
#: nothing was sent for certain)
OUTCOMES: dict[str, tuple[str, bool]] = {
    "accepted": ("submitted", False),
    "not_sent": ("planned", True),
    "limited": ("planned", True),
    "exhausted": ("planned", True),
    "refused": ("rejected", True),
    "unknown": ("unknown", False),
}
ENDED = ("completed", "failed", "cancelled")
UNFINISHED = ("planned", "submitting", "unknown", "submitted", *ENDED)
COLLECTABLE = (*ENDED, "settling", "settled", "synced")
#: states in which a job exists, its recipients are accepted by the API
ACCEPTED = ("submitted", *COLLECTABLE)


def scan_verdict(state: str, *, news: bool, untold: bool, ripe: bool) -> tuple[str, bool]:
    """
    The state after a scan, and whether the CRM is to be told: at the first scan, at settling if
    more came meanwhile, and of late events.

    >>> scan_verdict("completed", news=True, untold=True, ripe=False), scan_verdict("settled", news=True, untold=True, ripe=False)
    (('settling', True), ('settling', True))
    >>> scan_verdict("settling", news=True, untold=True, ripe=False), scan_verdict("settling", news=False, untold=True, ripe=True)
    (('settling', False), ('settled', True))
    """
    if state in ENDED or (state in ("settled", "synced") and news):
        return "settling", True
    if state == "settling" and ripe:
        return "settled", untold
    return state, False
