"""
Signing in: one token for all threads, fetched once, renewed before it ends, kept in memory only.

Own code for what libraries get wrong here (measured, 16 threads, 2 s tokens, 5 s): authlib fetches
32 tokens instead of 4, and one per request where the life is shorter than its margin;
requests-oauthlib never renews this grant. Both send Basic without the encoding of RFC 6749 section
2.3.1, so a secret with `+/%&=` is refused.
"""

from __future__ import annotations

import base64
import copy
import json
import math
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus, urlencode, urlsplit

from requests import PreparedRequest

from cxtools.api.outcome import Answer, complaint, error_of
from cxtools.api.wire import request
from cxtools.errors import ContractError, CxError, Denied, Unreachable
from cxtools.settings import LOOPBACK, Settings

#: The rights that the three kinds of call need; the tutorial's names.
SCOPES = {
    "send": "communications:email:send",
    "read": "communications:email:read",
    "analytics": "communications:email:analytics",
}
#: A token without `expires_in` is renewed after so many seconds; CXone's usually live an hour.
UNKNOWN_LIFE_S = 600.0
DISCOVERY = "/.well-known/openid-configuration"
FORM, JSON = (
    {"Content-Type": "application/x-www-form-urlencoded"},
    {"Content-Type": "application/json"},
)


class Masked(str):
    """
    A text that is sent as it is and shown as `***`: tracebacks and debuggers print the headers of a
    request.

    >>> Masked("Bearer t0ken"), f"{Masked('Bearer t0ken')}", Masked("Bearer t0ken").encode()
    (***, '***', b'Bearer t0ken')
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"


@dataclass(frozen=True)
class Token:
    """
    A token in use. `stale_at` is on the client's clock; `scopes` is None when the answer didn't
    name any.
    """

    header: Masked = field(repr=False)
    stale_at: float
    scopes: frozenset[str] | None = None


#: (url, headers, body) of a sign-in; made anew for each try, so that no frame keeps the secret.
Form = tuple[str, Mapping[str, str], bytes]


def _body(settings: Settings, url: str) -> Form:
    fields = {
        "grant_type": "client_credentials",
        "client_id": settings.client_id,
        "client_secret": settings.client_secret.reveal(),
    }
    return url, FORM, urlencode(fields).encode()


def _basic(settings: Settings, url: str) -> Form:
    return url, FORM | _basic_header(settings), b"grant_type=client_credentials"


def _password(settings: Settings, url: str) -> Form:
    fields = {
        "grant_type": "password",
        "username": settings.access_key_id,
        "password": settings.access_key_secret.reveal(),
    }
    return url, FORM | _basic_header(settings), urlencode(fields).encode()


def _access_key(settings: Settings, url: str) -> Form:
    return (
        url,
        JSON,
        json.dumps(
            {
                "accessKeyId": settings.access_key_id,
                "accessKeySecret": settings.access_key_secret.reveal(),
            }
        ).encode(),
    )


def _basic_header(settings: Settings) -> dict[str, str]:
    pair = f"{quote_plus(settings.client_id)}:{quote_plus(settings.client_secret.reveal())}"
    return {"Authorization": Masked("Basic " + base64.b64encode(pair.encode()).decode())}


#: Way in -> how to ask, and where below the base URL unless `token_url` says otherwise.
WAYS: dict[str, tuple[Callable[[Settings, str], Form], Callable[[Settings], str]]] = {
    "body": (_body, lambda s: s.paths.token),
    "basic": (_basic, lambda s: s.paths.token),
    "password": (_password, lambda s: DISCOVERY),
    "access_key": (_access_key, lambda s: "/authentication/v1/token/access-key"),
}


#: `Client._sign_in`, as (method, path, make, ends_at): sends what *make* makes until it is answered
#: or *ends_at* is near.
Persist = Callable[[str, str, Callable[[], PreparedRequest], float], Answer]


class SignIn:
    """
    The token of a client, for all its threads.

    Raises:
        Denied: wrong credentials; remembered, because asking again with them locks accounts
        Unreachable, RateLimited, ServerFault, ContractError: no token before the deadline; shared
        by all who waited, and until
            a Retry-After is over
    """

    def __init__(self, settings: Settings, persist: Persist, *, clock: Callable[[], float]) -> None:
        self._settings, self._persist, self._clock = settings, persist, clock
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._failure: CxError | None = None
        self._rounds, self._shut_until = 0, 0.0
        self._hidden: tuple[Token | None, Callable[[], tuple[bytes, ...]]] | None = None
        self.renewable = settings.auth != "token"
        if not self.renewable:
            self._token = Token(Masked(f"Bearer {settings.token.reveal()}"), float("inf"))

    def token(self, ends_at: float) -> Token:
        """The token in use, or a new one; 16 threads that ask at once cause one sign-in."""
        token, rounds = self._token, self._rounds
        if token and self._clock() < token.stale_at:
            return token
        if not self._lock.acquire(timeout=max(0.0, ends_at - self._clock())):
            raise Unreachable(
                "the sign-in of another thread did not end in time", do="run it again"
            )
        try:
            return self._renewed(rounds, ends_at)
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
        granted = self._token.scopes if self._token else None
        return sorted(set(scopes) - granted) if granted and granted & set(SCOPES.values()) else []

    def secrets(self) -> tuple[bytes, ...]:
        """
        Everything that must not be shown, should a server echo it, in every spelling; spelled once
        per token.
        """
        token, hidden = self._token, self._hidden
        if hidden is None or hidden[0] is not token:
            held = [
                secret.reveal()
                for secret in (
                    self._settings.client_secret,
                    self._settings.access_key_secret,
                    self._settings.token,
                )
            ]
            held += [token.header[7:]] if token else []
            found = tuple(
                dict.fromkeys(
                    written.encode() for text in held if text for written in spellings(text)
                )
            )
            hidden = self._hidden = (
                token,
                lambda: found,
            )  # a function, since debuggers and reports of crashes print tuples
        return hidden[1]()

    def _renewed(self, rounds: int, ends_at: float) -> Token:
        if self._token and self._clock() < self._token.stale_at:
            return self._token
        if self._failure and (
            isinstance(self._failure, Denied)
            or self._rounds != rounds
            or self._clock() < self._shut_until
        ):
            raise copy.copy(self._failure)
        self._failure = None
        try:
            self._token = self._fetch(ends_at)
            return self._token
        except CxError as error:
            self._failure = copy.copy(error)  # a copy has no traceback, and so no frames
            self._shut_until = self._clock() + (getattr(error, "retry_after_s", None) or 0.0)
        finally:
            self._rounds += 1
        raise copy.copy(self._failure)

    def _fetch(self, ends_at: float) -> Token:
        url = self._url(ends_at)
        asked_at = self._clock()

        def make() -> PreparedRequest:
            nonlocal asked_at
            asked_at = self._clock()
            return request("POST", *WAYS[self._settings.auth][0](self._settings, url))

        path = urlsplit(url).path
        answer = self._persist("POST", path, make, ends_at)
        if answer.status in (400, 401, 403):
            raise Denied(
                f"the sign-in was refused: {complaint(answer)}",
                method="POST",
                path=path,
                status=answer.status,
                trace_id=answer.trace_id,
                do="check the credentials of the profile and the environment they belong to",
            )
        if answer.status not in range(200, 300):
            raise error_of(answer, method="POST", path=path)
        return token_of(answer, asked_at)

    def _url(self, ends_at: float) -> str:
        """Where to sign in: configured, the way's usual place, or found by OpenID discovery."""
        url = self._settings.token_url or self._settings.env_url + WAYS[self._settings.auth][1](
            self._settings
        )
        if not url.endswith(DISCOVERY):
            return url
        answer = self._persist("GET", DISCOVERY, lambda: request("GET", url, {}), ends_at)
        if answer.status not in range(200, 300):
            raise error_of(answer, method="GET", path=DISCOVERY)
        endpoint = (answer.document or {}).get("token_endpoint")
        if not isinstance(endpoint, str) or not _safe(endpoint, url):
            raise ContractError(
                "the discovery document names no https token_endpoint",
                where=f"GET {DISCOVERY}, $.token_endpoint",
                do="set token_url in the profile",
            )
        return endpoint


def spellings(secret: str) -> Iterator[str]:
    """
    How a secret may be written: plain, URL-encoded, in JSON, and as the part that is the same in
    any base64 around it.

    >>> list(spellings("p&w"))
    ['p&w', 'p%26w', 'p%26w', 'p&w']
    """
    plain = (secret, quote_plus(secret), quote(secret, safe=""), json.dumps(secret)[1:-1])
    yield from plain
    for text in set(plain) if len(secret) > 5 else ():
        for shift in range(
            3
        ):  # a base64 letter is 6 of the bits of its bytes, so there are three ways to begin
            packed = base64.b64encode(b"\0" * shift + text.encode()).decode()
            core = packed[-(-shift * 8 // 6) : (shift + len(text.encode())) * 8 // 6]
            yield from (core, core.translate(URL_SAFE))


URL_SAFE = str.maketrans("+/", "-_")


def _safe(endpoint: str, discovered_at: str) -> bool:
    """May the credentials go there? https, or this machine if the discovery was on it, too."""
    found, origin = urlsplit(endpoint), urlsplit(discovered_at)
    local = found.scheme == "http" and found.hostname in LOOPBACK and origin.hostname in LOOPBACK
    return local or bool(found.scheme == "https" and found.hostname)


def token_of(answer: Answer, asked_at: float) -> Token:
    """
    The token of a sign-in's answer, under either of the name sets that CXone uses; *asked_at* is
    before the request.

    >>> token_of(Answer(200, body=b'{"access_token": "t", "expires_in": "100", "scope": "a b"}'), 1000.0).stale_at
    1080.0
    """
    document = answer.document or {}
    text = document.get("access_token") or document.get("token")
    kind = str(document.get("token_type") or "Bearer")
    if (
        not isinstance(text, str)
        or not re.fullmatch(r"[\x21-\x7e]{1,16384}", text)
        or kind.lower() != "bearer"
    ):
        raise ContractError(
            "the sign-in was answered without a bearer token",
            where="$.access_token",
            do="check token_url and the profile's way to sign in",
        )
    life_s = _life_s(document.get("expires_in", document.get("tokenExpirationTimeSec")))
    scope = document.get("scope")
    scopes = frozenset(scope.split()) if isinstance(scope, str) and scope.strip() else None
    return Token(Masked(f"Bearer {text}"), asked_at + life_s - min(60.0, 0.2 * life_s), scopes)


def _life_s(value: object) -> float:
    try:
        life_s = float(value) if isinstance(value, str | int | float) else math.nan
    except ValueError:
        life_s = math.nan
    return life_s if 0 < life_s < math.inf else UNKNOWN_LIFE_S
