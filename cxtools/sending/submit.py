"""
Submit planned batches: leave out who must not be mailed, claim, POST, record.

A batch is posted only while patience lasts, and again only where nothing of it was sent for
certain.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from cxtools.api.outcome import PostOutcome
from cxtools.context import Context
from cxtools.errors import ApiError, Denied, RateLimited, Unreachable
from cxtools.ledger.batches import BatchRow
from cxtools.ledger.suppressions import Suppressed
from cxtools.model import Recipient
from cxtools.sending.clearance import OneByOne, SuppressionCheck, WholeList
from cxtools.sending.exclusion import ERASED, Exclusion, day_of
from cxtools.sending.message import message_body
from cxtools.sending.post import MAX_TRIES, post_claimed, wait_s
from cxtools.sending.spec import Spec, parse_spec

#: Batches submitted side by side; the checks of one run while another's POST is under way.
BATCHES_AT_ONCE = 4


def submit(context: Context, name: str) -> None:
    """Check and POST all planned batches; the first error stops the rest, which stay planned."""
    rows = context.ledger.batches.rows(name, ["planned"])
    spec = parse_spec(context.ledger.plans.spec(name), any_template_id=True)
    limit = context.settings.daily_cap(spec.limits.daily)
    # With a daily limit one after the other, so that a small later batch doesn't take what an
    # earlier one needs.
    at_once = BATCHES_AT_ONCE if limit is None else 1
    stop = threading.Event()
    _forget_lapsed_answers(context)
    with (
        context.progress(sum(row.recipients for row in rows), "recipients") as bar,
        ThreadPoolExecutor(context.settings.workers) as checks,
        ThreadPoolExecutor(at_once) as batches,
    ):
        check: SuppressionCheck = OneByOne(context, checks, bar, stop)
        if context.settings.suppression_listing:
            check = WholeList(context, bar)
        submission = Submission(context, spec, limit, check, stop)
        running = [batches.submit(submission.submit_batch, row) for row in rows]
        _wait_for(running, stop)


def _own_reason(cause: Suppressed) -> str:
    """Why our own ledger leaves a person out, and since when."""
    reason = f"bounced before: {cause.reason}"
    if cause.source != "campaign":
        reason = f"suppressed {cause.source}: {cause.reason}"
    return str(Exclusion(reason, day_of(cause.since)))


def _forget_lapsed_answers(context: Context) -> None:
    lapsed_at = context.now() - context.settings.suppression_age_s
    context.ledger.answers.forget_lapsed(context.settings.account, before=lapsed_at)


def _wait_for(running: list[Future[None]], stop: threading.Event) -> None:
    try:
        for future in as_completed(running):
            future.result()
    except BaseException:
        stop.set()
        for future in running:
            future.cancel()
        raise


@dataclass(frozen=True)
class Submission:
    """What the batches of a campaign share while they are submitted."""

    context: Context
    spec: Spec
    limit: int | None
    check: SuppressionCheck
    stop: threading.Event

    def submit_batch(self, row: BatchRow) -> None:
        """Check and POST one batch; it waits, unchecked, where the day's quota can't hold it."""
        people = self.context.ledger.batches.candidates(row.id)
        if self.stop.is_set() or self._quota_left() < row.recipients:
            return
        excluded = self._excluded(row.id, people)
        mailed = [person for person in people if person.key not in excluded]
        if self.stop.is_set():
            return
        if not mailed:
            self.context.ledger.posts.leave_empty(row.id, excluded)
        elif not self._post(row.id, mailed, excluded):
            return
        keys = [person.key for person in people]
        self.context.ledger.answers.forget(self.context.settings.account, keys)

    def _quota_left(self) -> float:
        return self.context.ledger.quota.left(self.context.settings.account, self.limit)

    def _excluded(self, batch_id: str, people: list[Recipient]) -> dict[str, str]:
        """
        Which of a batch must not be mailed, by earlier bounces, by the API, and since they were
        erased: key -> reason.
        """
        causes = self.context.ledger.suppressions.causes([person.key for person in people])
        excluded = {key: _own_reason(cause) for key, cause in causes.items()}
        gone = self.context.ledger.batches.keys(batch_id) - {person.key for person in people}
        excluded |= dict.fromkeys(gone, ERASED)
        asked = [person for person in people if person.key not in excluded]
        for person, reason in zip(asked, self.check.reasons(asked), strict=True):
            if reason is not None:
                excluded[person.key] = f"suppressed: {reason}"
        return excluded

    def _post(
        self,
        batch_id: str,
        people: list[Recipient],
        excluded: Mapping[str, str],
    ) -> bool:
        """
        Claim, POST, record, until it is taken or refused, or patience is over; False where the
        batch isn't ours, or waits.
        """
        context = self.context
        body = message_body(self.spec, people, batch_id=batch_id)
        give_up_at = context.now() + context.settings.patience_s
        for tries in range(MAX_TRIES):
            claim = context.ledger.posts.claim(
                batch_id,
                body,
                recipients=len(people),
                excluded=excluded,
                lease_s=context.settings.call_deadline_s * 2 + 60,
                limit=self.limit,
                account=context.settings.account,
            )
            if claim is None:
                # Another worker has it, or the day's quota is used up: `status` tells which.
                return False
            outcome = post_claimed(context, claim)
            if outcome.denied:
                raise self._denied(outcome)
            if outcome.kind not in ("not_sent", "limited"):
                return True
            pause_s = wait_s(context, outcome, tries)
            if self.stop.is_set() or context.now() + pause_s > give_up_at:
                raise self._out_of_patience(outcome)
            context.sleep(pause_s)
        return False

    def _denied(self, outcome: PostOutcome) -> Denied:
        return Denied(
            f"the API refused the sign-in or the right to send: {outcome.detail}",
            **self._facts(outcome),
            do="check the client's scopes (communications:email:send), role and permissions, "
            "then run the same command again",
        )

    def _out_of_patience(self, outcome: PostOutcome) -> ApiError:
        error: type[ApiError] = RateLimited if outcome.kind == "limited" else Unreachable
        patience_s = self.context.settings.patience_s
        return error(
            f"the batch could not be sent in {patience_s:.0f} s: {outcome.detail}",
            **self._facts(outcome),
            do="nothing of it was sent; run the same command again later",
        )

    def _facts(self, outcome: PostOutcome) -> dict[str, Any]:
        return {
            "method": "POST",
            "path": self.context.settings.paths.messages,
            "status": outcome.status,
            "trace_id": outcome.trace_id,
        }
