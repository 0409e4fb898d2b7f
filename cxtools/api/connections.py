"""
Connections whose every read and write is bounded by what is left of the call's deadline, and that
go only to the addresses that they are given.

This is the file that a release of urllib3 can break: it replaces `HTTPConnection._new_conn`, sets
`_dns_host`, and exchanges the reader within `http.client.HTTPResponse`; none of these is a public
name. The tests of deadlines, of a host's addresses and of webhooks' targets
(`tests/contract/test_deadlines.py`, `tests/proof/test_webhooks.py`) notice when one of them means
something else.
"""

from __future__ import annotations

import http.client
import io
import math
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

#: One TLS record: sending it is one system call, so its timeout bounds it whole.
SEND_CHUNK = 1 << 14

#: (host, port) -> the addresses to try, in order: those and no others are connected to.
Resolver = Callable[[str, int], list[str]]


@dataclass
class Call:
    """
    The call that this thread is in: when it ends, which addresses it may go to, and whether a byte
    of it has left.
    """

    ends_at: float
    resolver: Resolver | None = None
    began: bool = False

    def left_s(self) -> float:
        left_s = self.ends_at - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the deadline of the call has passed")
        return left_s


CURRENT: ContextVar[Call | None] = ContextVar("cxtools.api.connections", default=None)


class BoundedReader(io.RawIOBase):
    """What the socket gives, each read bounded by the rest of the call's deadline."""

    def __init__(self, sock: socket.socket, raw: Any) -> None:
        self._sock = sock
        self._raw = raw
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if call := CURRENT.get():
            self._sock.settimeout(call.left_s())
        count: int | None = self._raw.readinto(buffer)
        self.ended = count == 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class Response(http.client.HTTPResponse):
    """A response that is read through a `BoundedReader`, and whose head must be whole."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self._bounded = BoundedReader(sock, self.fp.detach())
        self.fp = io.BufferedReader(self._bounded)

    def begin(self) -> None:
        super().begin()
        if self._bounded.ended:
            raise http.client.RemoteDisconnected(
                "the connection ended within the head of the answer"
            )


class BoundedConnection(HTTPConnection):
    """A connection to one of the addresses that the call's resolver gives."""

    response_class = Response

    def _new_conn(self) -> socket.socket:
        call = CURRENT.get()
        name = self._dns_host
        addresses = [name]
        if call and call.resolver:
            addresses = call.resolver(name, self.port)
        try:
            for address in addresses[:-1]:
                with suppress(urllib3.exceptions.HTTPError):
                    return self._connect_to(address, call)
            return self._connect_to(addresses[-1], call)
        finally:
            self._dns_host = name  # what TLS asks the certificate for

    def _connect_to(self, address: str, call: Call | None) -> socket.socket:
        self._dns_host = address
        if call:  # several addresses share one deadline
            self.timeout = min(self.timeout or math.inf, call.left_s())
        return super()._new_conn()

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        call = CURRENT.get()
        if call is None or not isinstance(data, bytes):
            super().send(data)
            return
        call.began = True
        for start in range(0, len(data), SEND_CHUNK):
            self.sock.settimeout(call.left_s())
            super().send(data[start : start + SEND_CHUNK])


class BoundedTlsConnection(BoundedConnection, HTTPSConnection):
    pass


class Pool(HTTPConnectionPool):
    ConnectionCls = BoundedConnection


class TlsPool(HTTPSConnectionPool):
    ConnectionCls = BoundedTlsConnection


class Adapter(HTTPAdapter):
    """requests' way to these connections: one kept for each host, and urllib3 retries nothing."""

    def __init__(self) -> None:
        super().__init__(
            pool_connections=2, pool_maxsize=1, max_retries=urllib3.Retry(0, read=False)
        )

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": Pool, "https": TlsPool}
