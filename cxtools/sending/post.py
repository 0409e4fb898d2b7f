"""One POST of a batch that was claimed before, and the record of what came back."""

from __future__ import annotations

from cxtools.api import backoff
from cxtools.api.outcome import PostOutcome
from cxtools.context import Context
from cxtools.errors import StoreError
from cxtools.ledger.posts import Claim

#: A POST is repeated until patience is over; never more often than this.
MAX_TRIES = 1_000


def post_claimed(context: Context, claim: Claim) -> PostOutcome:
    """
    POST a batch and write down what became of it.

    Raises:
        StoreError: the ledger can't keep the answer; where the API took the batch, the error names
            its job.
    """
    outcome = context.api.submit(
        claim.payload,
        idempotency_key=claim.idempotency_key,
        leave_by=claim.lease_until,
    )
    try:
        context.ledger.posts.record_outcome(claim, outcome)
    except StoreError as refused:
        if outcome.job_id is None:
            raise
        reason = refused.what
    else:
        return outcome
    reconcile = f"cxtools reconcile {claim.batch_id} --job-id {outcome.job_id}"
    raise StoreError(
        f"{reason}; the API had taken batch {claim.batch_id} as job {outcome.job_id}",
        do=f"mend the ledger's place, then `{reconcile}`",
    )


def wait_s(context: Context, outcome: PostOutcome, tries: int) -> float:
    """Seconds before the next try: what the server asks for, else growing with the tries."""
    if outcome.retry_after_s:  # a Retry-After of 0 asks for nothing
        return outcome.retry_after_s
    return backoff.backoff_s(tries, rng=context.rng)
