"""
A server on a raw socket that answers by script and misbehaves by name: what no HTTP framework lets
one do.

    with FaultServer() as server:
        server.script("GET /jobs", Reply(503), Fault("cut_head"), Reply(200, {"jobId": "j1"}))

Steps are used up one per request, the last one repeats; a step may be a function of the request.
Requests for paths without a script get 404 and an HTML page. `server.seen` lists every request, in
order.
"""

from __future__ import annotations

import functools
import gzip
import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Self
from urllib.parse import parse_qs, urlsplit


@dataclass
class Seen:
    """One request as it came; `connection` counts the connections from 0."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    connection: int
    at: float = field(default_factory=time.monotonic)


@dataclass
class Reply:
    """A sound answer; a body that isn't bytes is sent as JSON."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0

    def wire(self) -> bytes:
        body = self._bytes()
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "X-Trace-Id": "trace-7",
            **self.headers,
        }
        lines = [f"HTTP/1.1 {self.status} Said"]
        lines += [f"{name}: {value}" for name, value in headers.items() if value]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def _bytes(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()


@dataclass
class Fault:
    """A named way (`FAULTS`) to spoil a reply; by default the one that would be a success."""

    name: str
    reply: Reply = field(
        default_factory=lambda: Reply(200, {"results": [], "jobId": "j1", "status": "queued"})
    )


Spoil = Callable[[socket.socket, Reply], None]


def _send_slowly(sock: socket.socket, data: bytes, *, size: int, pause_s: float) -> None:
    for start in range(0, len(data), size):
        sock.sendall(data[start : start + size])
        time.sleep(pause_s)


def _hang(_sock: socket.socket, _reply: Reply) -> None:
    time.sleep(30)


def _close(_sock: socket.socket, _reply: Reply) -> None:
    """The connection is closed after every step."""


def _reset(sock: socket.socket, _reply: Reply) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _long(reply: Reply) -> bytes:
    """A good answer that takes long in pieces: its JSON is followed by 10,000 spaces."""
    body = json.dumps(reply.body).encode() + b" " * 10_000
    return Reply(reply.status, body).wire()


def _drip_head(sock: socket.socket, reply: Reply) -> None:
    _send_slowly(sock, reply.wire(), size=1, pause_s=0.05)


def _drip_body(sock: socket.socket, reply: Reply) -> None:
    head, blank, body = _long(reply).partition(b"\r\n\r\n")
    sock.sendall(head + blank)
    _send_slowly(sock, body, size=1, pause_s=0.05)


def _slice(sock: socket.socket, reply: Reply) -> None:
    _send_slowly(sock, _long(reply), size=20, pause_s=0.02)


def _cut_body(sock: socket.socket, reply: Reply) -> None:
    sock.sendall(reply.wire()[:-3])


def _cut_body_without_length(sock: socket.socket, reply: Reply) -> None:
    whole = Reply(reply.status, reply.body, {"Content-Length": ""}).wire()
    sock.sendall(whole[:-3])


def _cut_gzip(sock: socket.socket, reply: Reply) -> None:
    packed = gzip.compress(json.dumps(reply.body).encode())
    sock.sendall(_packed(packed[:-9], **{"Content-Length": ""}))


def _gzip_bomb(sock: socket.socket, _reply: Reply) -> None:
    sock.sendall(_packed(_bomb()))


def _packed(body: bytes, **headers: str) -> bytes:
    return Reply(200, body, {"Content-Encoding": "gzip", **headers}).wire()


@functools.cache
def _bomb() -> bytes:
    return gzip.compress(b" " * (40 << 20))


def _says(data: bytes) -> Spoil:
    """Whatever the reply would be: these bytes."""

    def spoil(sock: socket.socket, _reply: Reply) -> None:
        sock.sendall(data)

    return spoil


CHUNKED = {"Transfer-Encoding": "chunked", "Content-Length": ""}
WEB_PAGE = {"Content-Type": "text/html"}

FAULTS: dict[str, Spoil] = {
    "hang": _hang,
    "close": _close,
    "reset": _reset,
    "reset_before_body": _reset,
    "drip_head": _drip_head,
    "drip_body": _drip_body,
    "slicer": _slice,
    "cut_status": _says(b"HTTP/1.1 2"),
    "cut_head": _says(b"HTTP/1.1 200 OK\r\nContent-Type: applic"),
    "cut_body": _cut_body,
    "cut_body_without_length": _cut_body_without_length,
    "cut_chunked": _says(Reply(200, b'5\r\n{"job', CHUNKED).wire()),
    "cut_gzip": _cut_gzip,
    "bad_gzip": _says(_packed(b"\x1f\x8b no gzip at all")),
    "gzip_bomb": _gzip_bomb,
    "number": _says(Reply(200, b"12", {"Content-Length": ""}).wire()),
    "empty": _says(Reply(200, b"").wire()),
    "html": _says(Reply(200, b"<html><title>Sign in</title></html>", WEB_PAGE).wire()),
    "no_http": _says(b"220 mail.example.com ESMTP\r\n"),
}
NOT_HERE = Reply(404, b"<html><title>Not here</title></html>", WEB_PAGE)


Step = Reply | Fault | Callable[[Seen], "Reply | Fault"]


class FaultServer:
    """The server; `url` is its address, `seen` every request so far."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._scripts: dict[str, list[Step]] = {}
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def script(self, request: str, *steps: Step) -> None:
        with self._lock:
            self._scripts[request] = list(steps)

    def asked(self, request: str) -> list[Seen]:
        return [seen for seen in list(self.seen) if f"{seen.method} {seen.path}" == request]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        for number in range(1_000_000):
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(sock, number), daemon=True).start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        try:
            with sock, sock.makefile("rb") as reader:
                while step := self._step(reader, number):
                    if isinstance(step, Fault):
                        FAULTS[step.name](sock, step.reply)
                        return
                    time.sleep(step.delay_s)
                    sock.sendall(step.wire())
        except OSError:
            return  # the client went away, which is what several tests are about

    def _step(self, reader: BinaryIO, number: int) -> Reply | Fault | None:
        words = reader.readline().decode("latin-1").split()
        if len(words) != 3:
            return None
        method, target, _ = words
        parts = urlsplit(target)
        headers = _headers(reader)
        step = self._next(f"{method} {parts.path}")
        unread = isinstance(step, Fault) and step.name == "reset_before_body"
        body = b"" if unread else reader.read(int(headers.get("content-length", 0)))
        seen = Seen(method, parts.path, parse_qs(parts.query), headers, body, number)
        with self._lock:
            self.seen.append(seen)
        return step if isinstance(step, Reply | Fault) else step(seen)

    def _next(self, request: str) -> Step:
        with self._lock:
            steps = self._scripts.get(request, [NOT_HERE])
            return steps.pop(0) if len(steps) > 1 else steps[0]


def _headers(reader: BinaryIO) -> dict[str, str]:
    headers: dict[str, str] = {}
    while (line := reader.readline()) not in (b"\r\n", b"\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    return headers
