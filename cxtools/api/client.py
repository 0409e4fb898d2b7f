"""
The five endpoints of the CXone Email API, each call with one end for all its tries, and paced
together with all others.

Every answer is either proven or an error: a suppression check says "clear" only on the API's own
word, a page of events that may be cut short says so. Reading is repeated (`pace.next_step`), a
submit never is, but for a 401, which the API sends before it looks at the request. All errors are
raised outside `except` blocks: what requests raises holds the request, with token and address, and
Python would keep it as `__context__`.
"""

from __future__ import annotations

import json
import math
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from requests import PreparedRequest

from cxtools.api import outcome, pace, wire
from cxtools.api.auth import JSON, SCOPES, SignIn, Token
from cxtools.api.outcome import Answer, PostOutcome
from cxtools.errors import (
    ConfigError,
    ContractError,
    CxError,
    Denied,
    PossiblyTruncated,
    RateLimited,
    ServerFault,
    without_locals,
)
from cxtools.model import Event, Job, Suppression
from cxtools.settings import Settings

PAGE = 1000
#: More pages than any job or list has: a cursor that never ends.
MOST_PAGES = 10_000
EVENT_TYPES = "delivery,bounce,open,click"
#: A host that never answered in this process is rather a wrong address than an outage: patience for
#: it, in seconds.
FIRST_CONTACT_S = 10.0
#: What began before a call's end may take so much longer, so that the last try isn't cut off at
#: once.
GRACE_S = 0.5


@dataclass
class Counters:
    """What a client did so far; `requests` counts every exchange, sign-ins and retries included."""

    requests: int = 0
    retries: int = 0
    throttled: int = 0
    token_fetches: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add(self, name: str) -> None:
        with self._lock:
            setattr(self, name, getattr(self, name) + 1)


@dataclass(frozen=True)
class EventPage:
    """
    One page of a job's events; `malformed` are rows that can't be read, each as (JSON, reason).
    `next_cursor` is "" on the last page.
    """

    events: list[Event]
    next_cursor: str = ""
    malformed: list[tuple[str, str]] = field(default_factory=list, repr=False)


class Turns:
    """
    Gate, breaker and retry budget for all threads; the lock guards their state and is never held
    while a request is under way.
    """

    def __init__(
        self,
        requests_per_s: float | None,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._gate, self._breaker, self._budget = (
            pace.Gate(requests_per_s),
            pace.Breaker(),
            pace.Budget(),
        )
        self._clock, self._sleep, self._lock, self._trouble = clock, sleep, threading.Lock(), ""

    @contextmanager
    def turn(self, method: str, path: str, ends_at: float) -> Iterator[float]:
        """
        Wait for gate and breaker, at most until *ends_at*; the moment of leaving. A probe that
        isn't sent is left to the next.
        """
        taken_at = self._take(method, path, ends_at)
        try:
            yield taken_at
        finally:
            with self._lock:
                self._breaker.release(taken_at)

    def _take(self, method: str, path: str, ends_at: float) -> float:
        ticket = None
        while True:
            with self._lock:
                now = self._clock()
                ticket = (
                    self._gate.ticket(now, ends_at)
                    if ticket is None or now < self._gate.shut_until
                    else ticket
                )
                broken_s = 0.0 if ticket > now else self._breaker.wait_s(now)
            wait_s = max(ticket - now, broken_s)
            if wait_s <= 0:
                return now
            if now + wait_s > ends_at and broken_s:
                raise ServerFault(
                    f"the API keeps failing, so nothing more is sent to it for now (circuit breaker); last: {self._trouble}",
                    method=method,
                    path=path,
                    do="run it again later",
                )
            if now + wait_s > ends_at:
                raise RateLimited(
                    "the rate is limited for longer than we wait",
                    method=method,
                    path=path,
                    status=429,
                    retry_after_s=wait_s,
                    do="run it again later, with fewer workers or a requests_per_s that the API allows",
                )
            self._sleep(wait_s)

    def note(self, answer: Answer) -> None:
        """Learn from an answer how the server is."""
        alive = not answer.fault and (answer.status or 0) < 500
        with self._lock:
            self._breaker.record(alive, self._clock())
            if not alive:
                self._trouble = answer.reason or f"status {answer.status}"
                return
            self._budget.answered()
            if answer.status != 429:
                self._gate.passed()

    def throttle(self, wait_s: float, *, sent_at: float) -> None:
        """After a 429: shut the gate for everybody."""
        with self._lock:
            self._gate.shut(self._clock(), wait_s, sent_at=sent_at)

    def rest(self, wait_s: float, ends_at: float) -> None:
        """
        Before a retry: sleep, where the budget is used up for longer, but not beyond the call's
        end.
        """
        with self._lock:
            now = self._clock()
            budget_s = self._budget.wait_s(now)
        self._sleep(max(wait_s, min(budget_s, ends_at - now)))


class _OwnSession(threading.local):
    """A kept connection for each thread: Python runs `__init__` anew in every thread that asks."""

    def __init__(self, settings: Settings) -> None:
        self.session = wire.open_session(settings)


class Client:
    """
    A signed-in way to the API, for any number of threads.

    Every method may raise `Unreachable`, `Denied`, `Refused`, `RateLimited`, `ServerFault` or
    `ContractError`; a reading call (of a list: each page) does so after at most
    `settings.patience_s`, sign-ins, waits and all its tries included.

    Raises:
        ConfigError: address or credentials are missing; nothing was sent

    >>> Client(Settings())
    Traceback (most recent call last):
    cxtools.errors.ConfigError: not set: CXONE_ENV_URL, CXONE_CLIENT_ID, CXONE_CLIENT_SECRET
    [profile 'default']
      -> ...
    """

    def __init__(
        self,
        settings: Settings,
        *,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        rng: random.Random | None = None,
    ) -> None:
        self.settings = settings.needs("api")
        self.counters = Counters()
        self.auth = SignIn(settings, self._sign_in, clock=clock)
        self._turns = Turns(settings.requests_per_s, clock, sleep)
        self._now, self._clock, self._rng = now, clock, rng or random.Random()
        self._reached = False
        self._own = _OwnSession(settings)

    # -- the endpoints

    @without_locals
    def fetch_suppression(self, email: str) -> Suppression | None:
        """
        The entry of one address on the suppression list; None only when the API itself says that
        there is none.

        Raises:
            ContractError: an answer of another shape, or for another address: neither is a
            clearance
        """
        path = self.settings.paths.suppressions
        answer = self._get(path, {"email": email, "limit": 1}, "read")
        if answer.status == 404 and outcome.own_error(answer):
            return None
        found = _suppressions(self._document(answer, path, "read"), path)
        if found and found[0].email.strip().casefold() != email.strip().casefold():
            raise ContractError(
                "the suppression list answered for another address",
                where=f"GET {path}, $.results[0].emailAddress",
                do="check the profile's paths; nobody is cleared by such an answer",
            )
        return found[0] if found else None

    @without_locals
    def fetch_suppressions(self) -> Iterator[list[Suppression]]:
        """
        The whole suppression list in pages; needs `settings.suppression_listing`. Ends as
        `fetch_event_pages` does.
        """
        if not self.settings.suppression_listing:
            raise ConfigError(
                "the API isn't known to list all suppressions",
                do="set suppression_listing where `doctor` says it does",
            )
        path = self.settings.paths.suppressions
        for document, _ in self._pages(path, {"limit": PAGE}, "read", ""):
            yield _suppressions(document, path)

    @without_locals
    def fetch_job(self, job_id: str) -> Job:
        """
        One job as it stands. `Refused` with status 404 shortly after the submit may be replication
        lag.
        """
        path = f"{self.settings.paths.jobs}/{_checked(job_id)}"
        job = Job.from_api(self._document(self._get(path, {}, "read"), path, "read"))
        if job.job_id != job_id:
            raise ContractError(
                "one job was asked for, and another one came", where=f"GET {path}, $.jobId"
            )
        return job

    @without_locals
    def fetch_event_pages(self, job_id: str, *, cursor: str = "") -> Iterator[EventPage]:
        """
        All events of a job, page by page, from *cursor* on; duplicates and disorder as the API
        gives them.

        Raises:
            PossiblyTruncated: after a full page without a cursor; the pages so far are good, the
            set isn't complete ContractError: a cursor came twice
        """
        query = {"jobId": _checked(job_id), "limit": PAGE, "eventType": EVENT_TYPES}
        for document, next_cursor in self._pages(
            self.settings.paths.events, query, "analytics", cursor
        ):
            yield _event_page(document["results"], job_id, next_cursor)

    @without_locals
    def submit(
        self, body: bytes, *, idempotency_key: str, leave_by: float = math.inf
    ) -> PostOutcome:
        """
        Post one batch, once, over a connection of its own; whatever network and server do, the
        answer is an outcome and no error.

        It leaves before *leave_by* (Unix time) or not at all, so that a worker that was paused
        doesn't post what others have taken over. The wall clock is asked: the monotonic one stands
        still while a machine is suspended.

        It waits at most `patience_s` for its turn, and ends `call_deadline_s` after it left: a
        second try, after a 401, leaves in the first half of that or not at all, because a POST that
        is cut short has an unknown outcome.
        """
        waits_until, ends_at = (
            self._clock() + min(leave_by - self._now(), self.settings.patience_s),
            math.inf,
        )
        for again in (True, False):
            try:
                token = self.auth.token(waits_until)
                with self._turns.turn("POST", self.settings.paths.messages, waits_until) as sent_at:
                    if self._now() >= leave_by:
                        return PostOutcome("not_sent", detail="its turn came too late")
                    ends_at = min(ends_at, sent_at + self.settings.call_deadline_s)
                    answer = self._post(body, token, idempotency_key, ends_at)
                    self._turns.note(answer)
            except CxError as error:
                return _not_sent(error)
            if answer.status != 401 or not again or not self.auth.renewable:
                break
            self.auth.drop(token)
            leave_by = min(
                leave_by, self._now() + ends_at - self._clock() - self.settings.call_deadline_s / 2
            )
        hint_s = self._hint_s(answer)
        found = outcome.post_outcome(
            answer, retry_after_s=hint_s, trust_429=self.settings.trust_429
        )
        if (
            answer.status == 429 and found.kind != "exhausted"
        ):  # the day's quota is about sending: jobs and events may be read on
            self._turns.throttle(hint_s or pace.backoff_s(0, rng=self._rng), sent_at=sent_at)
        return found

    @without_locals
    def probe(self) -> dict[str, Any]:
        """
        What `doctor` tells: can we sign in, which rights were granted, does the API answer?

        Keys: url, auth, scopes (None when the answer named none), missing_scopes, suppressions
        ("ok" or what is wrong), suppression_listing (does the API seem to list them all?).
        """
        scopes = self.auth.token(self._clock() + self.settings.patience_s).scopes
        path, check = self.settings.paths.suppressions, "ok"
        try:
            self.fetch_suppression("nobody@example.invalid")
        except CxError as error:
            check = str(error)
        listing = self._get(path, {"limit": 1}, "read") if check == "ok" else Answer()
        return {
            "url": self.settings.env_url,
            "auth": self.settings.auth,
            "scopes": None if scopes is None else sorted(scopes),
            "missing_scopes": self.auth.missing(SCOPES.values()),
            "suppressions": check,
            "suppression_listing": listing.status == 200
            and isinstance((listing.document or {}).get("results"), list),
        }

    # -- reading

    def _pages(
        self, path: str, query: Mapping[str, Any], scope: str, cursor: str
    ) -> Iterator[tuple[dict[str, Any], str]]:
        """
        Documents with a list `results`, each with the cursor of the next one ("" on the last).
        """
        where, seen = f"GET {path}, $.nextCursor", {cursor}
        for _ in range(MOST_PAGES):
            document = self._document(
                self._get(path, {**query, "cursor": cursor} if cursor else query, scope),
                path,
                scope,
                empty_ok=True,
            )
            rows, cursor = _rows(document, path), _next_cursor(document, where)
            yield document, cursor
            if (
                not cursor
                and len(rows) >= PAGE
                and not ("nextCursor" in document and self._hands_out_cursors(path, query, scope))
            ):
                raise PossiblyTruncated(
                    "a full page came without a cursor: there may be more",
                    where=where,
                    do="don't take the numbers for complete; ask NICE how this endpoint pages",
                )
            if not cursor:
                return
            if cursor in seen:
                raise ContractError(
                    "a cursor came twice: the pages run in a circle",
                    where=where,
                    do="run it again; then ask NICE",
                )
            seen.add(cursor)
        raise ContractError(f"the pages did not end after {MOST_PAGES}", where=where)

    def _hands_out_cursors(self, path: str, query: Mapping[str, Any], scope: str) -> bool:
        """
        Asked for one row of many, does the API give a cursor? Then its null on a full page means
        the end, and not "what is that?".
        """
        document = self._document(
            self._get(path, {**query, "limit": 1}, scope), path, scope, empty_ok=True
        )
        return bool(_next_cursor(document, f"GET {path}, $.nextCursor"))

    def _get(self, path: str, query: Mapping[str, Any], scope: str) -> Answer:
        """The final answer to a GET: 2xx or a refusal. A 401 is answered by one fresh sign-in."""
        ends_at = self._clock() + self.settings.patience_s
        url = f"{self.settings.env_url}{path}" + (f"?{urlencode(query)}" if query else "")
        token = self.auth.token(ends_at)  # signed in before taking a turn

        def make() -> PreparedRequest:
            nonlocal token
            token = self.auth.token(ends_at)  # it may have ended while waiting
            return wire.request("GET", url, {"Authorization": token.header})

        answer = self._persist("GET", path, make, ends_at)
        if answer.status == 401 and self.auth.renewable:
            self.auth.drop(token)
            answer = self._persist("GET", path, make, ends_at)
        return answer

    def _document(
        self, answer: Answer, path: str, scope: str, *, empty_ok: bool = False
    ) -> dict[str, Any]:
        """The JSON object of a 2xx; 204 is a list without rows where *empty_ok*."""
        if answer.status not in range(200, 300):
            lacking = ", which the token lacks," if self.auth.missing([SCOPES[scope]]) else ""
            raise outcome.error_of(
                answer, method="GET", path=path, scope=f"the scope {SCOPES[scope]}{lacking}"
            )
        if answer.status == 204 and empty_ok:
            return {"results": []}
        if answer.document is None:
            raise ContractError(
                f"the answer is no JSON object ({outcome.complaint(answer)})",
                where=f"GET {path}, status {answer.status}",
                do="check CXONE_ENV_URL and the profile's paths; a proxy may be answering",
            )
        return answer.document

    # -- once, and again

    def _sign_in(
        self, method: str, path: str, make: Callable[[], PreparedRequest], ends_at: float
    ) -> Answer:
        if method == "POST":  # discovery is a GET
            self.counters.add("token_fetches")
        return self._persist(method, path, make, ends_at, signing_in=True)

    def _persist(
        self,
        method: str,
        path: str,
        make: Callable[[], PreparedRequest],
        ends_at: float,
        *,
        signing_in: bool = False,
    ) -> Answer:
        """
        Send what *make* makes until the answer is final.

        A sign-in waits for neither gate nor breaker: the breaker's only probe may be waiting for
        that very token.
        """
        started, failures, throttled = self._clock(), 0, 0
        while True:
            with (
                nullcontext(self._clock())
                if signing_in
                else self._turns.turn(method, path, ends_at) as sent_at
            ):
                answer = self._once(make, ends_at)
                if not signing_in:
                    self._turns.note(answer)
            limited, hint_s = answer.status == 429, self._hint_s(answer)
            no_contact_yet = answer.fault == "not_sent" and not self._reached
            patient_until = min(ends_at, started + FIRST_CONTACT_S) if no_contact_yet else ends_at
            step = self._next_step(
                answer, throttled if limited else failures, hint_s, patient_until
            )
            if isinstance(step, pace.Done):
                return answer
            wait_s = step.seconds if isinstance(step, pace.Wait) else hint_s or 0.0
            if limited and not signing_in:
                self._turns.throttle(wait_s, sent_at=sent_at)
            if isinstance(step, pace.GiveUp):
                raise outcome.error_of(
                    answer, method=method, path=path, given_up=step.reason, retry_after_s=hint_s
                )
            throttled, failures = throttled + limited, failures + (not limited)
            self.counters.add("throttled" if limited else "retries")
            if signing_in or not limited:
                self._turns.rest(wait_s, ends_at)

    def _once(self, make: Callable[[], PreparedRequest], ends_at: float) -> Answer:
        """One exchange; the request lives in no frame that could raise."""
        prepared = make()  # which may sign in
        deadline_s = min(self.settings.call_deadline_s, ends_at + GRACE_S - self._clock())
        return self._seen(wire.exchange(self._own.session, prepared, deadline_s=deadline_s))

    def _post(self, body: bytes, token: Token, idempotency_key: str, ends_at: float) -> Answer:
        # On a kept connection, a reset by the idle server looks the same as one after it took the
        # batch.
        headers = {
            **JSON,
            "Authorization": token.header,
            "Connection": "close",
            "Idempotency-Key": idempotency_key,
        }
        url = self.settings.env_url + self.settings.paths.messages
        with wire.open_session(self.settings) as session:
            answer = wire.exchange(
                session,
                wire.request("POST", url, headers, body),
                deadline_s=ends_at - self._clock(),
            )
        return self._seen(answer, submitted=True)

    def _seen(self, answer: Answer, *, submitted: bool = False) -> Answer:
        """
        Count the exchange; hide in what may be quoted, which no data is, whatever the server echoed
        of our secrets.
        """
        self.counters.add("requests")
        self._reached = self._reached or answer.fault != "not_sent"
        if answer.status in range(200, 300) and (
            outcome.job_id(answer) if submitted else answer.document is not None
        ):
            return answer
        body, headers = answer.body, dict(answer.headers)
        for secret in self.auth.secrets():
            body = body.replace(secret, b"***")
            headers = {name: text.replace(secret.decode(), "***") for name, text in headers.items()}
        return replace(answer, body=body, headers=headers)

    def _next_step(
        self, answer: Answer, attempt: int, hint_s: float | None, ends_at: float
    ) -> pace.Done | pace.Wait | pace.GiveUp:
        status = None if answer.fault else answer.status
        readable = status not in range(200, 300) or status == 204 or answer.document is not None
        return pace.next_step(
            status,
            attempt,
            hint_s=hint_s,
            now=self._clock(),
            deadline=ends_at,
            rng=self._rng,
            readable=readable,
        )

    def _hint_s(self, answer: Answer) -> float | None:
        return pace.retry_after_s(
            answer.headers.get("retry-after"), self._now(), date=answer.headers.get("date")
        )


def _not_sent(error: CxError) -> PostOutcome:
    facts = {name: getattr(error, name, None) for name in ("status", "retry_after_s")}
    return PostOutcome(
        "not_sent",
        trace_id=getattr(error, "trace_id", ""),
        detail=error.what,
        denied=isinstance(error, Denied),
        **facts,
    )


def _checked(job_id: str) -> str:
    if not outcome.ID.fullmatch(job_id):
        raise ConfigError(
            "that can't be a job id: 1 to 128 letters, digits, - and _",
            do="copy the id as `cxtools status` shows it",
        )
    return job_id


def _rows(document: Mapping[str, Any], path: str) -> list[Any]:
    rows = document.get("results")
    if not isinstance(rows, list):
        raise ContractError(
            "the answer holds no list of results",
            where=f"GET {path}, $.results",
            do="check the profile's paths",
        )
    return rows


def _suppressions(document: Mapping[str, Any], path: str) -> list[Suppression]:
    places = [(f"GET {path}, $.results[{n}]", row) for n, row in enumerate(_rows(document, path))]
    return [
        Suppression.from_api(row if isinstance(row, dict) else {}, where) for where, row in places
    ]


def _next_cursor(document: Mapping[str, Any], where: str) -> str:
    cursor = document.get("nextCursor")
    if not isinstance(cursor, str | None):
        raise ContractError("the cursor is no text", where=where)
    return cursor or ""


def _event_page(rows: list[Any], job_id: str, next_cursor: str) -> EventPage:
    page = EventPage([], next_cursor, [])
    for n, row in enumerate(rows):
        try:
            page.events.append(_event(row, job_id, f"$.results[{n}]"))
        except ContractError as error:
            page.malformed.append(
                (json.dumps(row, ensure_ascii=False), f"{error.what} ({error.where})")
            )
    return page


def _event(row: Any, job_id: str, where: str) -> Event:
    if not isinstance(row, dict):
        raise ContractError("an event is no object", where=where)
    event = Event.from_api(row, where)
    if event.job_id not in ("", job_id):
        raise ContractError("an event of another job", where=f"{where}.jobId")
    return event if event.job_id else replace(event, job_id=job_id)
