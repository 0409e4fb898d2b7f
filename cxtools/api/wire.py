"""
One HTTP exchange that always ends: a request goes out, an `Answer` comes back, by a hard deadline.

requests' `timeout` bounds the wait for each piece, so a server that drips bytes holds a call for
ever. Here every read of the socket, for the head as for the body, is granted only what is left of
the deadline. An answer whose head was cut counts as none (urllib3 says 200 with an empty body); a
body is taken up to a cap after unpacking, and must be whole. Redirects are never followed and
urllib3 never retries: either would send a POST twice. Only the look-up of a host name is bounded by
the system's resolver instead (seconds, by resolv.conf): Python can't interrupt it.
"""

from __future__ import annotations

import http.client
import io
import logging
import math
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from cxtools.api.outcome import Answer
from cxtools.settings import Settings

CHUNK = 1 << 16
#: One TLS record: sending it is one system call, so its timeout bounds it whole.
SEND_CHUNK = 1 << 14

#: (host, port) -> the addresses to try, in order: those and no others are connected to.
Route = Callable[[str, int], list[str]]


@dataclass
class _Call:
    """
    The call that this thread is in: when it ends, where it may go, and whether a byte of it has
    left.
    """

    ends_at: float
    route: Route | None = None
    began: bool = False

    def left_s(self) -> float:
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline of the call has passed")
        return left


_CALL: ContextVar[_Call | None] = ContextVar("cxtools.api.wire", default=None)


class _BoundedReader(io.RawIOBase):
    """What the socket gives, each read bounded by the rest of the call's deadline."""

    def __init__(self, sock: socket.socket, raw: Any) -> None:
        self._sock, self._raw, self.ended = sock, raw, False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if call := _CALL.get():
            self._sock.settimeout(call.left_s())
        count: int | None = self._raw.readinto(buffer)
        self.ended = count == 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **facts: Any) -> None:
        super().__init__(sock, *args, **facts)
        self._bounded = _BoundedReader(sock, self.fp.detach())
        self.fp = io.BufferedReader(self._bounded)

    def begin(self) -> None:
        super().begin()
        if self._bounded.ended:
            raise http.client.RemoteDisconnected(
                "the connection ended within the head of the answer"
            )


class _Connection(HTTPConnection):
    response_class = _Response

    def _new_conn(self) -> socket.socket:
        call, name = _CALL.get(), self._dns_host
        pinned = call.route(name, self.port) if call and call.route else [name]
        try:
            for self._dns_host in pinned[:-1]:
                with suppress(urllib3.exceptions.HTTPError):
                    return self._connected(call)
            self._dns_host = pinned[-1]
            return self._connected(call)
        finally:
            self._dns_host = name  # what TLS asks the certificate for

    def _connected(self, call: _Call | None) -> socket.socket:
        if call:  # several addresses share one deadline
            self.timeout = min(self.timeout or math.inf, call.left_s())
        return super()._new_conn()

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        call = _CALL.get()
        if call is None or not isinstance(data, bytes):
            return super().send(data)
        call.began = True
        for start in range(0, len(data), SEND_CHUNK):
            self.sock.settimeout(call.left_s())
            super().send(data[start : start + SEND_CHUNK])


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **facts: Any) -> None:
        super().init_poolmanager(*args, **facts)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


class Session(requests.Session):
    """
    A Session for one thread: no proxies, .netrc or certificates from the environment, no redirects.
    """

    def __init__(self, settings: Settings, route: Route | None) -> None:
        super().__init__()
        self.trust_env, self.route = False, route
        self.connect_timeout_s, self.max_body_bytes = (
            settings.connect_timeout_s,
            settings.max_body_bytes,
        )
        for scheme in ("http://", "https://"):
            self.mount(
                scheme,
                _Adapter(
                    pool_connections=2, pool_maxsize=1, max_retries=urllib3.Retry(0, read=False)
                ),
            )

    def resolve_redirects(self, *_: Any, **__: Any) -> Any:
        return iter(())  # not even looked at: requests would read the redirect's body without a cap


def open_session(settings: Settings, *, route: Route | None = None) -> Session:
    """A session for `exchange`, whose calls go where *route* says; close it after use."""
    for name in ("urllib3.connectionpool", "urllib3.connection"):
        logging.getLogger(name).addFilter(
            _without_query
        )  # adding the same filter twice does nothing
    return Session(settings, route)


def request(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
) -> requests.PreparedRequest:
    """
    A request ready to be signed and sent. *url* must be quoted already: `Request.prepare()` costs
    more time than the exchange itself.
    """
    prepared = requests.PreparedRequest()
    prepared.method, prepared.url, prepared.body = method, url, body
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
    prepared.hooks = {}
    return prepared


def exchange(session: Session, prepared: requests.PreparedRequest, *, deadline_s: float) -> Answer:
    """Send once, read the answer whole; never raises for what network or server do."""
    call = _Call(time.monotonic() + deadline_s, session.route)
    mark = _CALL.set(call)
    status, headers, cut = None, {}, ""
    try:
        call.left_s()  # without any left, nothing leaves
        connect_s = min(session.connect_timeout_s, deadline_s)
        response = session.send(
            prepared,
            stream=True,
            allow_redirects=False,
            timeout=(connect_s, deadline_s),
            proxies={},
        )
        status, headers = (
            response.status_code,
            {name.lower(): value for name, value in response.headers.items()},
        )
        try:
            return Answer(
                status,
                headers,
                _body(response.raw, headers.get("content-encoding", ""), session.max_body_bytes),
            )
        finally:
            # a connection whose answer was read to the end is back in the pool already
            response.raw.close()
    except (
        requests.RequestException,
        urllib3.exceptions.HTTPError,
        http.client.HTTPException,
        OSError,
        ValueError,
        zlib.error,
    ) as error:
        # The error itself holds the request, with token and address: only words leave this block.
        cut = _words(error)
    finally:
        _CALL.reset(mark)
    if not call.began:
        return Answer(fault="not_sent", reason=cut)
    return Answer(status, headers, fault="cut" if status else "no_answer", reason=cut)


def _body(raw: Any, encoding: str, cap: int) -> bytes:
    """
    The whole body, unpacked; ValueError when it is too long, or not whole. urllib3's own unpacking
    takes a cut gzip for whole.
    """
    packed = encoding.strip().lower()
    if packed not in ("", "identity", "gzip"):
        raise Unusable("its body is packed in a way that wasn't asked for")
    inflate = zlib.decompressobj(wbits=31) if packed == "gzip" else None
    pieces, size = [], 0
    while chunk := raw.read(CHUNK, decode_content=False):
        pieces.append(inflate.decompress(chunk, cap - size + 1) if inflate else chunk)
        size += len(pieces[-1])
        if size > cap:
            raise Unusable(f"its body is longer than {cap} bytes")
    if inflate and pieces and not inflate.eof:
        raise Unusable("its packed body was cut off")
    return b"".join(pieces)


class Unusable(ValueError):
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
    (http.client.HTTPException, "the answer is no HTTP"),
    (zlib.error, "the packed body is damaged"),
)


def _words(error: BaseException) -> str:
    chain: list[BaseException] = [error]
    seen: list[BaseException] = []
    while chain and len(seen) < 20:
        seen.append(link := chain.pop(0))
        inner = (*link.args, link.__cause__, link.__context__, getattr(link, "reason", None))
        chain += [part for part in inner if isinstance(part, BaseException) and part not in seen]
    own = next((str(link) for link in seen if isinstance(link, Unusable)), "")
    return own or next(
        (words for kind, words in WORDS for link in seen if isinstance(link, kind)),
        type(error).__name__,
    )


def _without_query(record: logging.LogRecord) -> bool:
    """A filter for logs: urllib3 logs whole paths, and a query can hold an address."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            part.partition("?")[0] if isinstance(part, str) and "?" in part else part
            for part in record.args
        )
    return True
