"""
The five endpoints of the CXone Email API, each call with one end for all its tries, and paced
together with all others.

Every answer is either proven or an error: a suppression check says "clear" only on the API's own
word, a page of events that may be cut short says so. Reading is repeated (`retrier`), a submit
never is, but for a 401 (`submitter`).
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from cxtools.api.answer import ID, is_own_error
from cxtools.api.auth import SCOPES, SignIn, Token
from cxtools.api.documents import read_suppressions
from cxtools.api.event_pages import EventPage, event_page
from cxtools.api.outcome import PostOutcome
from cxtools.api.pacer import Pacer
from cxtools.api.reader import PAGE_ROWS, Query, Reader
from cxtools.api.redaction import Redaction
from cxtools.api.retrier import Retrier
from cxtools.api.submitter import Batch, Submitter
from cxtools.api.transport import Counters, Transport
from cxtools.errors import ConfigError, ContractError, CxError, without_locals
from cxtools.model import Job, Suppression
from cxtools.settings import Settings

EVENT_TYPES = "delivery,bounce,open,click"
#: An address that is on nobody's list, to ask for (RFC 2606).
NOBODY = "nobody@example.invalid"


@dataclass(frozen=True)
class Probe:
    """
    What the API was seen to do. `scopes` is None when the sign-in named none; `failure` is what is
    wrong with a suppression check, None when it was answered; `lists_suppressions` says whether the
    API seems to list them all.
    """

    url: str
    auth: str
    scopes: list[str] | None
    missing_scopes: list[str]
    failure: CxError | None
    lists_suppressions: bool


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
        page_rows: int = PAGE_ROWS,
    ) -> None:
        self.settings = settings.needs("api")
        self.counters = Counters()
        self._clock = clock
        rng = rng or random.Random()
        redaction = Redaction(settings)
        pacer = Pacer(settings.requests_per_s, clock=clock, sleep=sleep)
        transport = Transport(settings, redaction, self.counters, clock=clock)
        retrier = Retrier(transport, pacer, self.counters, now=now, clock=clock, rng=rng)
        self.auth = SignIn(settings, retrier.sign_in, redaction, clock=clock)
        self._reader = Reader(settings, self.auth, retrier, clock=clock, page_rows=page_rows)
        self._submitter = Submitter(
            settings, self.auth, transport, pacer, retrier, now=now, clock=clock, rng=rng
        )

    @without_locals
    def fetch_suppression(self, email: str) -> Suppression | None:
        """
        The entry of one address on the suppression list; None only when the API itself says that
        there is none.

        Raises:
            ContractError: an answer of another shape, or for another address: neither is a
                clearance
        """
        query = self._suppressions(email=email, limit=1)
        answer = self._reader.get(query)
        if answer.status == HTTPStatus.NOT_FOUND and is_own_error(answer):
            return None
        entries = read_suppressions(self._reader.document(answer, query), query.path)
        if not entries:
            return None
        if _plain(entries[0].email) != _plain(email):
            raise ContractError(
                "the suppression list answered for another address",
                where=f"GET {query.path}, $.results[0].emailAddress",
                do="check the profile's paths; nobody is cleared by such an answer",
            )
        return entries[0]

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
        query = self._suppressions(limit=self._reader.page_rows)
        for page in self._reader.pages(query):
            yield read_suppressions(page.document, query.path)

    @without_locals
    def fetch_job(self, job_id: str) -> Job:
        """
        One job as it stands. `Refused` with status 404 shortly after the submit may be replication
        lag.
        """
        _check_id(job_id)
        query = Query(f"{self.settings.paths.jobs}/{job_id}", {}, "read")
        job = Job.from_api(self._reader.get_document(query))
        if job.job_id != job_id:
            raise ContractError(
                "one job was asked for, and another one came", where=f"GET {query.path}, $.jobId"
            )
        return job

    @without_locals
    def fetch_event_pages(self, job_id: str, *, cursor: str = "") -> Iterator[EventPage]:
        """
        All events of a job, page by page, from *cursor* on; duplicates and disorder as the API
        gives them.

        Raises:
            PossiblyTruncated: after a full page without a cursor; the pages so far are good, the
                set isn't complete
            ContractError: a cursor came twice
        """
        _check_id(job_id)
        parameters = {"jobId": job_id, "limit": self._reader.page_rows, "eventType": EVENT_TYPES}
        query = Query(self.settings.paths.events, parameters, "analytics")
        for page in self._reader.pages(query, cursor=cursor):
            yield event_page(page.document["results"], page.body, job_id, page.next_cursor)

    @without_locals
    def submit(
        self, body: bytes, *, idempotency_key: str, leave_by: float = math.inf
    ) -> PostOutcome:
        """
        Post one batch, once, over a connection of its own; whatever network and server do, the
        answer is an outcome and not an error.

        It leaves before *leave_by* (Unix time) or not at all, so that a worker that was paused
        doesn't post what others have taken over. The wall clock is asked: the monotonic one stands
        still while a machine is suspended.

        It waits at most `patience_s` for its turn, and ends `call_deadline_s` after it left: a
        second try, after a 401, leaves in the first half of that or not at all, because a POST that
        is cut short has an unknown outcome.
        """
        return self._submitter.submit(Batch(body, idempotency_key), leave_by)

    @without_locals
    def sign_in(self) -> Token:
        """The token in use; signs in if there is none, within `patience_s`."""
        return self.auth.token(self._clock() + self.settings.patience_s)

    @without_locals
    def probe(self) -> Probe:
        """Can we sign in, which rights were granted, does the API answer?"""
        scopes = self.sign_in().scopes
        failure = None
        try:
            self.fetch_suppression(NOBODY)
        except CxError as error:
            failure = error
        return Probe(
            self.settings.env_url,
            self.settings.auth,
            scopes=None if scopes is None else sorted(scopes),
            missing_scopes=self.auth.missing(SCOPES.values()),
            failure=failure,
            lists_suppressions=failure is None and self._lists_suppressions(),
        )

    def fetch_moment(self) -> datetime | None:
        """The moment that the API's clock tells, to a second; None where its answers tell none."""
        answer = self._reader.get(self._suppressions(email=NOBODY, limit=1))
        with suppress(ValueError):
            return parsedate_to_datetime(answer.headers.get("date", ""))
        return None

    def _lists_suppressions(self) -> bool:
        answer = self._reader.get(self._suppressions(limit=1))
        results = (answer.document or {}).get("results")
        return answer.status == HTTPStatus.OK and isinstance(results, list)

    def _suppressions(self, **parameters: Any) -> Query:
        return Query(self.settings.paths.suppressions, parameters, "read")


def _plain(email: str) -> str:
    return email.strip().casefold()


def _check_id(job_id: str) -> None:
    if not ID.fullmatch(job_id):
        raise ConfigError(
            "that can't be a job id: 1 to 128 letters, digits, - and _",
            do="copy the id as `cxtools status` shows it",
        )
