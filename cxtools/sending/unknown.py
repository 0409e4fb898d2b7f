"""
Batches of which nobody knows whether they were sent: the answer to their POST was lost.

They are settled by an event that proves it, by the server that knows their key, or by an operator;
never by posting them anew.
"""

from __future__ import annotations

from cxtools.context import Context
from cxtools.errors import ConfigError
from cxtools.ledger.batches import BatchRow
from cxtools.model import Job
from cxtools.sending.message import BATCH_TAG
from cxtools.sending.post import MAX_TRIES, post_claimed, wait_s

#: Outcomes of a repeated POST after which one more repetition would tell nothing new.
FINAL_KINDS = ("accepted", "refused", "exhausted")


def settle_by_evidence(context: Context, name: str) -> None:
    """
    Settle unknown batches that an event proves to be sent: it carries the batch's tag, and names
    the job.

    The API tells events by job, so such an event comes from elsewhere: an export, a stream, a file
    that was imported. That there is none proves nothing.
    """
    unknown = context.ledger.batches.rows(name, ["unknown"])
    for row in unknown:
        tag = f"{BATCH_TAG}{row.id}"
        job_id = context.store.job_with_tag(name, tag)
        if job_id:
            context.ledger.unknown.reconcile(
                row.id,
                job_id=job_id,
                reason="an event carries the batch's tag",
            )


def post_again(context: Context, name: str) -> None:
    """
    POST unknown batches again, same key and same bytes, where the server is declared to know the
    key.

    Unless the API takes the batch, its outcome stays unknown: any other answer says nothing about
    the first POST.
    """
    within_s = context.settings.idempotency_window_s / 2
    if within_s < context.settings.call_deadline_s:
        return  # a slow POST could arrive after the window
    give_up_at = context.now() + context.settings.patience_s
    unknown = context.ledger.batches.rows(name, ["unknown"])
    for row in unknown:
        _post_again(context, row.id, within_s, give_up_at)


def _post_again(context: Context, batch_id: str, within_s: float, give_up_at: float) -> None:
    for tries in range(MAX_TRIES):
        claim = context.ledger.posts.claim_again(batch_id, within_s=within_s)
        if claim is None:
            return
        outcome = post_claimed(context, claim)
        if outcome.kind in FINAL_KINDS or outcome.denied:
            return
        pause_s = wait_s(context, outcome, tries)
        if context.now() + pause_s > give_up_at:
            return
        context.sleep(pause_s)


def check_job(context: Context, batch_id: str, job_id: str) -> None:
    """
    See that this job can be what became of the batch: a wrong answer can't be taken back later.

    Raises:
        ConfigError: another account's batch, or a job of another size.
        ApiError: the API knows no such job.
    """
    rows = context.ledger.batches.rows(states=["unknown", "submitting"])
    for row in rows:
        if row.id == batch_id:
            context.refuse_foreign(row.campaign)
            _check_size(row, context.api.fetch_job(job_id))


def _check_size(row: BatchRow, job: Job) -> None:
    people = job.total_recipients
    if people is None or people == row.recipients:
        return
    raise ConfigError(
        f"job {job.job_id} has {people:,} recipients, batch {row.id} {row.recipients:,}",
        do="look the job's id up once more; nothing was changed",
    )
