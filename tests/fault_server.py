"""
A server on a raw socket that answers by script and misbehaves by name: what no HTTP framework lets
one do.

    with FaultServer() as server:
        server.script("GET /jobs", Reply(503), Fault("cut_head"), Reply(200, {"jobId": "j1",
        "status": "queued"}))

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
from typing import Any
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
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0

    def wire(self) -> bytes:
        body = (
            self.body
            if isinstance(self.body, bytes)
            else b""
            if self.body is None
            else json.dumps(self.body).encode()
        )
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "X-Trace-Id": "trace-7",
        } | self.headers
        lines = [f"HTTP/1.1 {self.status} Said"] + [
            f"{name}: {value}" for name, value in headers.items() if value
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class Fault:
    """A named way (`FAULTS`) to spoil a reply; by default the one that would be a success."""

    name: str
    reply: Reply = field(
        default_factory=lambda: Reply(200, {"results": [], "jobId": "j1", "status": "queued"})
    )


def _slices(sock: socket.socket, data: bytes, size: int, pause_s: float) -> None:
    for start in range(0, len(data), size):
        sock.sendall(data[start : start + size])
        time.sleep(pause_s)


def _reset(sock: socket.socket, _: Reply) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _long(reply: Reply) -> bytes:
    """A good answer that takes long in pieces: its JSON is followed by 10,000 spaces."""
    body = json.dumps(reply.body).encode() + b" " * 10_000
    return Reply(reply.status, body).wire()


def _drip_body(sock: socket.socket, reply: Reply) -> None:
    head, blank, body = _long(reply).partition(b"\r\n\r\n")
    sock.sendall(head + blank)
    _slices(sock, body, 1, 0.05)


def _packed(body: bytes, **headers: str) -> bytes:
    return Reply(200, body, {"Content-Encoding": "gzip", **headers}).wire()


@functools.cache
def _bomb() -> bytes:
    return gzip.compress(b" " * (40 << 20))


FAULTS: dict[str, Callable[[socket.socket, Reply], None]] = {
    "hang": lambda sock, reply: time.sleep(30),
    "close": lambda sock, reply: None,
    "reset": _reset,
    "reset_before_body": _reset,
    "drip_head": lambda sock, reply: _slices(sock, reply.wire(), 1, 0.05),
    "drip_body": _drip_body,
    "slicer": lambda sock, reply: _slices(sock, _long(reply), 20, 0.02),
    "cut_status": lambda sock, reply: sock.sendall(b"HTTP/1.1 2"),
    "cut_head": lambda sock, reply: sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: applic"),
    "cut_body": lambda sock, reply: sock.sendall(reply.wire()[:-3]),
    "cut_body_without_length": lambda sock, reply: sock.sendall(
        Reply(reply.status, reply.body, {"Content-Length": ""}).wire()[:-3]
    ),
    "cut_chunked": lambda sock, reply: sock.sendall(
        Reply(200, b'5\r\n{"job', {"Transfer-Encoding": "chunked", "Content-Length": ""}).wire()
    ),
    "cut_gzip": lambda sock, reply: sock.sendall(
        _packed(gzip.compress(json.dumps(reply.body).encode())[:-9], **{"Content-Length": ""})
    ),
    "bad_gzip": lambda sock, reply: sock.sendall(_packed(b"\x1f\x8b no gzip at all")),
    "gzip_bomb": lambda sock, reply: sock.sendall(_packed(_bomb())),
    "number": lambda sock, reply: sock.sendall(Reply(200, b"12", {"Content-Length": ""}).wire()),
    "empty": lambda sock, reply: sock.sendall(Reply(200, b"").wire()),
    "html": lambda sock, reply: sock.sendall(
        Reply(200, b"<html><title>Sign in</title></html>", {"Content-Type": "text/html"}).wire()
    ),
    "no_http": lambda sock, reply: sock.sendall(b"220 mail.example.com ESMTP\r\n"),
}


Step = Reply | Fault | Callable[[Seen], "Reply | Fault"]


class FaultServer:
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

    def __enter__(self) -> FaultServer:
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
                while (step := self._step(reader, number)) is not None:
                    if isinstance(step, Fault):
                        FAULTS[step.name](sock, step.reply)
                        return
                    time.sleep(step.delay_s)
                    sock.sendall(step.wire())
        except OSError:
            return  # the client went away, which is what several tests are about

    def _step(self, reader: Any, number: int) -> Reply | Fault | None:
        line = reader.readline().decode("latin-1").split()
        if len(line) != 3:
            return None
        headers = dict(self._headers(reader))
        parts = urlsplit(line[1])
        with self._lock:
            steps = self._scripts.get(
                f"{line[0]} {parts.path}",
                [
                    Reply(
                        404, b"<html><title>Not here</title></html>", {"Content-Type": "text/html"}
                    )
                ],
            )
            step = steps.pop(0) if len(steps) > 1 else steps[0]
        unread = isinstance(step, Fault) and step.name == "reset_before_body"
        body = b"" if unread else reader.read(int(headers.get("content-length", 0)))
        with self._lock:
            self.seen.append(
                seen := Seen(line[0], parts.path, parse_qs(parts.query), headers, body, number)
            )
        return step if isinstance(step, Reply | Fault) else step(seen)

    @staticmethod
    def _headers(reader: Any) -> Any:
        while (line := reader.readline()) not in (b"\r\n", b"\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            yield name.strip().lower(), value.strip()
