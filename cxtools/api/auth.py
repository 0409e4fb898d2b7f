"""
Signing in: one token for all threads, fetched once, renewed before it ends, kept in memory only.

Own code for what libraries get wrong here (measured, 16 threads, 2 s tokens, 5 s): authlib fetches
32 tokens instead of 4, and one per request where the life is shorter than its margin;
requests-oauthlib never renews this grant.
"""

from __future__ import annotations

import copy
import math
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlsplit

from requests import PreparedRequest

from cxtools.api.answer import Answer, failure_text
from cxtools.api.grants import DISCOVERY, GRANTS
from cxtools.api.redaction import Masked, Redaction
from cxtools.api.refusals import as_error
from cxtools.api.wire import request
from cxtools.errors import ContractError, CxError, Denied, Unreachable
from cxtools.settings import LOOPBACK, Secret, Settings

#: The rights that the three kinds of call need; the tutorial's names.
SCOPES = {
    "send": "communications:email:send",
    "read": "communications:email:read",
    "analytics": "communications:email:analytics",
}
#: Seconds until a token without `expires_in` is renewed; CXone's usually live an hour.
UNKNOWN_LIFE_S = 600.0
#: A token is renewed when this share of its life is left, or this many seconds where that is less.
MARGIN_SHARE = 0.2
LONGEST_MARGIN_S = 60.0
#: What may stand in a token: printable ASCII without blanks, so that it can't smuggle in a header.
TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
#: Statuses of a sign-in that say that the credentials are wrong.
WRONG_CREDENTIALS = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


@dataclass(frozen=True)
class Token:
    """
    A token in use. `stale_at` is on the client's clock; `scopes` is None when the answer didn't
    name any.
    """

    text: Secret
    stale_at: float
    scopes: frozenset[str] | None = None

    @property
    def header(self) -> Masked:
        """The value of the Authorization header."""
        return Masked(f"Bearer {self.text.reveal()}")


class Send(Protocol):
    """`Retrier.send`: sends what *make* makes until it is answered or *ends_at* is near."""

    def __call__(
        self,
        method: str,
        path: str,
        make: Callable[[], PreparedRequest],
        ends_at: float,
    ) -> Answer: ...


class SignIn:
    """
    The token of a client, for all its threads.

    Raises:
        Denied: wrong credentials; remembered, because asking again with them locks accounts
        Unreachable, RateLimited, ServerFault, ContractError: no token before the deadline; shared
            by all who waited, and until a Retry-After is over
    """

    def __init__(
        self,
        settings: Settings,
        send: Send,
        redaction: Redaction,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._send = send
        self._redaction = redaction
        self._clock = clock
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._failure: CxError | None = None
        self._shut_until = 0.0
        self._rounds = 0
        self.renewable = settings.auth != "token"
        if not self.renewable:
            self._token = Token(settings.token, stale_at=math.inf)

    def token(self, ends_at: float) -> Token:
        """The token in use, or a new one; 16 threads that ask at once cause one sign-in."""
        token = self._token
        rounds = self._rounds
        if token and self._is_fresh(token):
            return token
        if not self._lock.acquire(timeout=max(0.0, ends_at - self._clock())):
            raise Unreachable(
                "the sign-in of another thread did not end in time", do="run it again"
            )
        try:
            return self._renew(rounds, ends_at)
        finally:
            self._lock.release()

    def drop(self, token: Token) -> None:
        """Forget this token, which the API refused, but not the newer one of another thread."""
        with self._lock:
            if self._token is token and self.renewable:
                self._token = None

    def missing(self, scopes: Iterable[str]) -> list[str]:
        """
        Which of these scopes the token in use lacks, by the sign-in's own answer; none when that
        named none of the tutorial's.
        """
        granted = (self._token and self._token.scopes) or frozenset()
        if granted.isdisjoint(SCOPES.values()):
            return []
        return sorted(set(scopes) - granted)

    def _is_fresh(self, token: Token) -> bool:
        return self._clock() < token.stale_at

    def _renew(self, rounds: int, ends_at: float) -> Token:
        """*rounds* is how many sign-ins had ended when the caller began to wait for this one."""
        if self._token and self._is_fresh(self._token):
            return self._token
        if self._failure and self._failure_holds(self._failure, rounds):
            raise copy.copy(self._failure)
        self._failure = None
        try:
            token = self._fetch(ends_at)
        except CxError as error:
            failure = copy.copy(error)  # a copy has no traceback, and so no frames
        else:
            self._redaction.use_token(token.text)
            self._token = token
            return token
        finally:
            self._rounds += 1
        self._failure = failure
        self._shut_until = self._clock() + (getattr(failure, "retry_after_s", None) or 0.0)
        raise copy.copy(failure)

    def _failure_holds(self, failure: CxError, rounds: int) -> bool:
        """Is the last failure the answer for this caller, too?"""
        failed_while_waiting = self._rounds != rounds
        too_early = self._clock() < self._shut_until
        return isinstance(failure, Denied) or failed_while_waiting or too_early

    def _fetch(self, ends_at: float) -> Token:
        url = self._url(ends_at)
        path = urlsplit(url).path
        asked_at = self._clock()

        def make() -> PreparedRequest:
            nonlocal asked_at
            asked_at = self._clock()
            return request("POST", url, *GRANTS[self._settings.auth].credentials(self._settings))

        answer = self._send("POST", path, make, ends_at)
        if answer.status in WRONG_CREDENTIALS:
            raise Denied(
                f"the sign-in was refused: {failure_text(answer)}",
                method="POST",
                path=path,
                status=answer.status,
                trace_id=answer.trace_id,
                do="check the credentials of the profile and the environment they belong to",
            )
        if not answer.is_2xx:
            raise as_error(answer, method="POST", path=path)
        return read_token(answer, asked_at)

    def _url(self, ends_at: float) -> str:
        """Where to sign in: configured, the grant's usual place, or found by OpenID discovery."""
        settings = self._settings
        path = GRANTS[settings.auth].path or settings.paths.token
        url = settings.token_url or settings.env_url + path
        return self._discover(url, ends_at) if url.endswith(DISCOVERY) else url

    def _discover(self, url: str, ends_at: float) -> str:
        answer = self._send("GET", DISCOVERY, lambda: request("GET", url, {}), ends_at)
        if not answer.is_2xx:
            raise as_error(answer, method="GET", path=DISCOVERY)
        endpoint = (answer.document or {}).get("token_endpoint")
        if not isinstance(endpoint, str) or not _may_get_credentials(endpoint, url):
            raise ContractError(
                "the discovery document doesn't name an https token_endpoint",
                where=f"GET {DISCOVERY}, $.token_endpoint",
                do="set token_url in the profile",
            )
        return endpoint


def _may_get_credentials(endpoint: str, discovered_at: str) -> bool:
    """https, or this machine if the discovery was on it, too."""
    target = urlsplit(endpoint)
    origin = urlsplit(discovered_at)
    if target.scheme == "http":
        return target.hostname in LOOPBACK and origin.hostname in LOOPBACK
    return target.scheme == "https" and bool(target.hostname)


def read_token(answer: Answer, asked_at: float) -> Token:
    """
    The token of a sign-in's answer, under either of the name sets that CXone uses; *asked_at* is
    before the request.

    >>> answer = Answer(200, body=b'{"access_token": "t", "expires_in": "100", "scope": "a b"}')
    >>> read_token(answer, 1000.0).stale_at
    1080.0
    """
    document = answer.document or {}
    text = document.get("access_token") or document.get("token")
    kind = str(document.get("token_type") or "Bearer")
    if not isinstance(text, str) or not TOKEN.fullmatch(text) or kind.lower() != "bearer":
        raise ContractError(
            "the sign-in was answered without a bearer token",
            where="$.access_token",
            do="check token_url and the profile's way to sign in",
        )
    life_s = _life_s(document.get("expires_in", document.get("tokenExpirationTimeSec")))
    margin_s = min(LONGEST_MARGIN_S, MARGIN_SHARE * life_s)
    return Token(Secret(text), asked_at + life_s - margin_s, _scopes(document.get("scope")))


def _scopes(value: object) -> frozenset[str] | None:
    if isinstance(value, str) and value.strip():
        return frozenset(value.split())
    return None


def _life_s(value: object) -> float:
    try:
        life_s = float(value) if isinstance(value, str | int | float) else math.nan
    except ValueError:
        life_s = math.nan
    return life_s if 0 < life_s < math.inf else UNKNOWN_LIFE_S
