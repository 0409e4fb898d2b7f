"""
One HTTP exchange that always ends: a request goes out, an `Answer` comes back, by a hard deadline.

requests' `timeout` bounds the wait for each piece, so a server that drips bytes holds a call for
ever. Here every read of the socket, for the head as for the body, is granted only what is left of
the deadline (`connections`). An answer whose head was cut counts as none (urllib3 says 200 with an
empty body); a body is taken up to a cap after decompression, and must be whole. Redirects are never
followed and urllib3 never retries: either would send a POST twice. Only the look-up of a host name
is bounded by the system's resolver instead (seconds, by resolv.conf): Python can't interrupt it.
"""

from __future__ import annotations

import http.client
import logging
import socket
import ssl
import time
import zlib
from collections import deque
from collections.abc import Mapping
from typing import Any

import requests
import urllib3
from requests.structures import CaseInsensitiveDict

from cxtools.api.answer import Answer
from cxtools.api.connections import CURRENT, Adapter, Call, Resolver
from cxtools.settings import Settings

READ_CHUNK = 1 << 16
#: How zlib is told that a gzip header comes first.
GZIP = 31
#: What requests, urllib3 and Python raise when network or server fail.
FAILURES = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
    zlib.error,
)
#: Links of a chain of causes that are looked at.
LONGEST_CHAIN = 20


class Session(requests.Session):
    """
    A Session for one thread: no proxies, .netrc or certificates from the environment, no redirects.
    """

    def __init__(self, settings: Settings, resolver: Resolver | None) -> None:
        super().__init__()
        self.trust_env = False
        self.resolver = resolver
        self.connect_timeout_s = settings.connect_timeout_s
        self.max_body_bytes = settings.max_body_bytes
        self.mount("http://", Adapter())
        self.mount("https://", Adapter())

    def resolve_redirects(self, *_: Any, **__: Any) -> Any:
        return iter(())  # not even looked at: requests would read the redirect's body without a cap


def open_session(settings: Settings, *, resolver: Resolver | None = None) -> Session:
    """A session for `exchange`, to the addresses that *resolver* gives; close it after use."""
    for name in ("urllib3.connectionpool", "urllib3.connection"):
        logger = logging.getLogger(name)
        logger.addFilter(_without_query)  # adding the same filter twice does nothing
    return Session(settings, resolver)


def request(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
) -> requests.PreparedRequest:
    """
    A request ready to be sent. *url* must be quoted already: `Request.prepare()` costs more time
    than the exchange itself.
    """
    prepared = requests.PreparedRequest()
    prepared.method = method
    prepared.url = url
    prepared.body = body
    prepared.hooks = {}
    prepared.headers = CaseInsensitiveDict(
        {
            "User-Agent": "cxtools",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            **headers,
        }
    )
    if body is not None:
        prepared.headers["Content-Length"] = str(len(body))
    return prepared


def exchange(session: Session, prepared: requests.PreparedRequest, *, deadline_s: float) -> Answer:
    """Send once, read the answer whole; never raises for what network or server do."""
    call = Call(time.monotonic() + deadline_s, session.resolver)
    mark = CURRENT.set(call)
    status: int | None = None
    headers: dict[str, str] = {}
    try:
        call.left_s()  # raises when no time is left: then nothing leaves
        response = session.send(
            prepared,
            stream=True,
            allow_redirects=False,
            timeout=(min(session.connect_timeout_s, deadline_s), deadline_s),
            proxies={},
        )
        status = response.status_code
        headers = {name.lower(): value for name, value in response.headers.items()}
        body = _read(response.raw, headers.get("content-encoding", ""), session.max_body_bytes)
        return Answer(status, headers, body)
    except FAILURES as error:
        # The error itself holds the request, with token and address: only words leave this block.
        reason = _words(error)
    finally:
        CURRENT.reset(mark)
    if not call.began:
        return Answer(fault="not_sent", reason=reason)
    return Answer(status, headers, fault="cut" if status else "no_answer", reason=reason)


def _read(raw: Any, encoding: str, cap: int) -> bytes:
    try:
        return _body(raw, encoding.strip().lower(), cap)
    finally:
        raw.close()  # a connection whose answer was read to the end is back in the pool already


def _body(raw: Any, encoding: str, cap: int) -> bytes:
    """
    The whole body, decompressed. urllib3's own decompression takes a cut gzip for whole.

    Raises:
        ExchangeError: it is too long, or not whole
    """
    if encoding not in ("", "identity", "gzip"):
        raise ExchangeError("its body is compressed in a way that wasn't asked for")
    inflate = zlib.decompressobj(wbits=GZIP) if encoding == "gzip" else None
    pieces: list[bytes] = []
    size = 0
    while chunk := raw.read(READ_CHUNK, decode_content=False):
        piece = inflate.decompress(chunk, cap - size + 1) if inflate else chunk
        pieces.append(piece)
        size += len(piece)
        if size > cap:
            raise ExchangeError(f"its body is longer than {cap} bytes")
    if inflate and pieces and not inflate.eof:
        raise ExchangeError("its compressed body was cut off")
    return b"".join(pieces)


class ExchangeError(ValueError):
    """What ended an exchange, in our own words, so that it can be shown."""


#: First match along the chain of causes wins: what users read instead of a library's error.
WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "the host name is not known"),
    (ConnectionRefusedError, "the connection was refused"),
    (ssl.SSLCertVerificationError, "the server's certificate is not trusted"),
    (ssl.SSLError, "TLS failed"),
    (urllib3.exceptions.ConnectTimeoutError, "no connection in time"),
    (TimeoutError, "the answer did not come in time"),
    (urllib3.exceptions.ReadTimeoutError, "the answer did not come in time"),
    (http.client.RemoteDisconnected, "the connection was closed before the answer was whole"),
    (ConnectionResetError, "the connection was reset"),
    (BrokenPipeError, "the connection was reset"),
    (http.client.IncompleteRead, "the answer was cut off"),
    (urllib3.exceptions.IncompleteRead, "the answer was cut off"),
    (http.client.HTTPException, "the answer is not HTTP"),
    (zlib.error, "the compressed body is damaged"),
)


def _words(error: BaseException) -> str:
    chain = _chain(error)
    for link in chain:
        if isinstance(link, ExchangeError):
            return str(link)
    for kind, words in WORDS:
        if any(isinstance(link, kind) for link in chain):
            return words
    return type(error).__name__


def _chain(error: BaseException) -> list[BaseException]:
    """An error and all that is behind it; libraries hide causes in arguments and `reason`, too."""
    chain: list[BaseException] = []
    waiting = deque([error])
    while waiting and len(chain) < LONGEST_CHAIN:
        link = waiting.popleft()
        chain.append(link)
        inner = (*link.args, link.__cause__, link.__context__, getattr(link, "reason", None))
        waiting += [part for part in inner if isinstance(part, BaseException) and part not in chain]
    return chain


def _without_query(record: logging.LogRecord) -> bool:
    """A filter for logs: urllib3 logs whole paths, and a query can hold an address."""
    if isinstance(record.args, tuple):
        record.args = tuple(map(_cut_query, record.args))
    return True


def _cut_query(value: object) -> object:
    return value.partition("?")[0] if isinstance(value, str) else value
