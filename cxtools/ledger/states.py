"""
The states of a batch: what each says, and every arrow between them.

Pure: `transitions.move` refuses an arrow that ARROWS doesn't hold.
"""

from __future__ import annotations

from typing import NamedTuple

#: state -> what it says of a batch
STATES: dict[str, str] = {
    "planned": "its people are on record, and nothing was sent to them",
    "submitting": "a worker has claimed it, and may be posting it now",
    "unknown": "it may have been sent: the answer to its POST is not on record",
    "submitted": "the API took it and gave it a job",
    "completed": "its job ended well; its events are still to be fetched",
    "failed": "its job failed; some of its people may have been mailed",
    "cancelled": "its job was cancelled; some of its people may have been mailed",
    "settling": "its events were fetched; late ones may still come",
    "settled": "all its events are in; the CRM is still to be told of some",
    "synced": "all its events are in, and the CRM was told of them",
    "rejected": "the API refused it; nothing of it was sent",
    "abandoned": "whether it was sent was not found out, and an operator gave it up",
    "empty": "everyone in it was left out, so there was nothing to send",
}

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


class AfterPost(NamedTuple):
    """The state that a POST leads to, and whether its quota is given back."""

    state: str
    refund: bool


#: What became of a POST -> what comes after it. Quota is given back only where nothing was sent for
#: certain. "accepted" is the word that `attempt.outcome` and the audit log have held since 0.1.0
#: for what is called submitted everywhere else.
OUTCOMES: dict[str, AfterPost] = {
    "accepted": AfterPost("submitted", refund=False),
    "not_sent": AfterPost("planned", refund=True),
    "limited": AfterPost("planned", refund=True),
    "exhausted": AfterPost("planned", refund=True),
    "refused": AfterPost("rejected", refund=True),
    "unknown": AfterPost("unknown", refund=False),
}

#: States of a batch whose job has ended, and whose events are not fetched yet.
ENDED = ("completed", "failed", "cancelled")
#: States in which a run has something to do: send, follow, settle, or fetch for the first time.
UNFINISHED = ("planned", "submitting", "unknown", "submitted", *ENDED)
#: States in which a job's events can be asked for.
COLLECTABLE = (*ENDED, "settling", "settled", "synced")
#: States in which more events of a job may still come.
UNSETTLED = ("submitted", *ENDED, "settling")
#: States in which a job exists: the API took the batch's recipients.
SUBMITTED = ("submitted", *COLLECTABLE)


class AfterScan(NamedTuple):
    """The state after a scan of a job's events, and whether the CRM is to be told."""

    state: str
    tells_crm: bool


def state_after_scan(
    state: str, *, has_new_events: bool, has_untold_events: bool, is_quiet: bool
) -> AfterScan:
    """
    The CRM is told at the first scan, at settling if more came meanwhile, and of late events.

    >>> state_after_scan(
    ...     "completed", has_new_events=True, has_untold_events=True, is_quiet=False
    ... )
    AfterScan(state='settling', tells_crm=True)
    >>> state_after_scan("settled", has_new_events=True, has_untold_events=True, is_quiet=False)
    AfterScan(state='settling', tells_crm=True)
    >>> state_after_scan("settling", has_new_events=True, has_untold_events=True, is_quiet=False)
    AfterScan(state='settling', tells_crm=False)
    >>> state_after_scan("settling", has_new_events=False, has_untold_events=True, is_quiet=True)
    AfterScan(state='settled', tells_crm=True)
    """
    if state in ENDED:
        return AfterScan("settling", tells_crm=True)
    if state in ("settled", "synced") and has_new_events:
        return AfterScan("settling", tells_crm=True)
    if state == "settling" and is_quiet:
        return AfterScan("settled", tells_crm=has_untold_events)
    return AfterScan(state, tells_crm=False)
