"""What is mailed: submits become jobs, jobs have a status and events."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections import Counter
from typing import Any, NamedTuple

from cxtools.simulator.clock import Clock
from cxtools.simulator.dice import dice, uuid_of
from cxtools.simulator.jobs import Job
from cxtools.simulator.orders import faults_of
from cxtools.simulator.paging import next_cursor, read_span
from cxtools.simulator.setup import Setup
from cxtools.simulator.stories import Story, tell_story
from cxtools.simulator.wire import Answer, Ask, answer, iso, problem

LARGEST_BODY = 16 << 20
#: Faults of an order that are named in one answer.
MOST_FAULTS = 50

#: A letter to somebody: address, template id, subject.
Sent = tuple[str, str, str]


class Kept(NamedTuple):
    """What is remembered under an idempotency key: when, for which body, and the answer to it."""

    at: float
    body_sha256: str
    reply: Answer


class Mail:
    """All jobs of the tenant, and how often anybody got the same letter."""

    def __init__(self, setup: Setup, clock: Clock) -> None:
        self.setup = setup
        self.clock = clock
        self.jobs: dict[str, Job] = {}
        self.sends: Counter[Sent] = Counter()
        self._stories: dict[str, Story] = {}
        self._bodies: Counter[str] = Counter()
        self._keys: dict[str, Kept] = {}

    def submit(self, ask: Ask) -> Answer:
        """The answer to POST …/messages."""
        if len(ask.body) > LARGEST_BODY:
            return answer(413, {"Message": "the body is larger than 16 MB"})
        try:
            order = json.loads(ask.body)
        except (ValueError, RecursionError):
            return problem(400, "malformed_json", "the body is not JSON")
        faults = list(faults_of(order).items())
        if faults:
            details = [{"field": name, "message": why} for name, why in faults[:MOST_FAULTS]]
            return problem(400, "validation_failed", "the message is not valid", details)
        sha = hashlib.sha256(ask.body).hexdigest()
        key = ask.headers.get("idempotency-key", "")
        replay = self._replay(key, sha, ask.now)
        return replay or self._accept(order, sha, key, ask)

    def job(self, ask: Ask) -> Answer:
        """The answer to GET …/jobs/{jobId}."""
        _, _, job_id = ask.path.rpartition("/")
        job = self.jobs.get(job_id)
        if job is None:
            return problem(404, "job_not_found", "there is no job with this id")
        delivered = self.story(job).delivered
        created = self.clock.created_at(job)
        progress = self.clock.progress(job, ask.now)
        has_ended = progress >= 1 and job.ending != "never"
        body: dict[str, Any] = {
            "jobId": job.job_id,
            "status": job.status(progress),
            "createdAt": iso(created),
            "completedAt": None,
            "totalRecipients": len(job.order["recipients"]),
            "delivered": int(delivered * progress),
            "bounced": int((job.reached - delivered) * progress),
            "spamScore": None,
        }
        if has_ended:
            body["completedAt"] = iso(self.clock.ended_at(job))
            body["spamScore"] = _spam_score(job)
        return answer(200, body)

    def events(self, ask: Ask) -> Answer:
        """The answer to GET …/events."""
        job = self.jobs.get(ask.query.get("jobId", ""))
        if job is None:
            status = 404 if ask.query.get("jobId") else 400
            return problem(status, "job_not_found", "jobId is missing or unknown")
        words = ask.query.get("eventType", "").lower()
        kinds = set(words.split(",")) - {""}
        mark = f"{job.job_id}{','.join(sorted(kinds))}"
        span = read_span(ask.query, mark, cursors=not self.setup.no_cursors)
        if span is None:
            message = "limit must be 1 to 1000, cursor ours for this query"
            error = {"field": "limit, cursor", "message": message}
            return answer(400, {"errors": [error]})
        page = self._visible(job, kinds, ask.now)[span]
        if not page and self.setup.empty_204:
            return answer(204)
        cursor = None if self.setup.no_cursors else next_cursor(span, page, mark)
        results = b",".join(page)
        return answer(
            200, b'{"results":[%b],"nextCursor":%b}' % (results, json.dumps(cursor).encode())
        )

    def restore(self, job: Job) -> None:
        """Take in a job that was accepted elsewhere, or before this world began."""
        if job.job_id in self.jobs:
            return
        self._bodies[job.body_sha256] += 1
        self.sends.update(_letters(job.order))
        self.clock.offset_s = max(self.clock.offset_s, job.offset_s)
        self.jobs[job.job_id] = job

    def story(self, job: Job) -> Story:
        """The story of a job, told once."""
        if job.job_id not in self._stories:
            self._stories[job.job_id] = tell_story(
                self.setup.seed,
                job,
                self.clock.epoch,
                event_ids=not self.setup.no_event_ids,
            )
        return self._stories[job.job_id]

    def _replay(self, key: str, sha: str, now: float) -> Answer | None:
        kept = self._keys.get(key)
        if kept is None or now - kept.at > self.setup.idempotency_window_s:
            return None
        if sha != kept.body_sha256:
            return problem(422, "idempotency_key_reused", "the key was used for another body")
        return kept.reply

    def _accept(
        self,
        order: dict[str, Any],
        sha: str,
        key: str,
        ask: Ask,
    ) -> Answer:
        self._bodies[sha] += 1
        letters = _letters(order)
        job = Job(
            job_id=uuid_of(self.setup.seed, sha, self._bodies[sha]),
            order=order,
            body_sha256=sha,
            idempotency_key=key,
            nths=[self.sends[letter] for letter in letters],
            accepted_at=ask.now,
            offset_s=self.clock.offset_s,
            ending=ask.ending,
        )
        self.sends.update(letters)
        self.jobs[job.job_id] = job
        reply = answer(202, {"jobId": job.job_id, "status": "queued"})
        if key and self.setup.idempotency_window_s:
            self._keys[key] = Kept(ask.now, sha, reply)
        return reply

    def _visible(
        self,
        job: Job,
        kinds: set[str],
        now: float,
    ) -> list[bytes]:
        """The events of these kinds (none: all) that can be seen by now."""
        events = self.story(job).events
        age_s = self.clock.event_age_s(job, now)
        end = bisect_right(events, age_s, key=lambda event: event.age_s)
        visible = events[:end]
        if kinds:
            visible = [event for event in visible if event.kind in kinds]
        return [event.wire for event in visible]


def _letters(order: dict[str, Any]) -> list[Sent]:
    """The letters of an order, one to each recipient."""
    return [
        (row["toAddress"].lower(), order["templateId"], order["subject"])
        for row in order["recipients"]
    ]


def _spam_score(job: Job) -> float:
    rng = dice(job.order["subject"], job.order["templateId"])
    return round(rng.random() * 3, 1)
