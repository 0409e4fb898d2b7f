"""
The world on a port: Starlette for the routes, uvicorn for HTTP, and a protocol of our own where a fault needs the socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import sys
import threading
import time
from dataclasses import replace
from email.utils import formatdate
from typing import Any, cast
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from cxtools.simulator.faults import FAULTS, Answer, Armed
from cxtools.simulator.world import Ask, Setup, World

DRIP_S = 0.25
SLOW_S = 6.0


class Connection(H11Protocol):
    """uvicorn's protocol, which remembers its transport, so that a fault can reset it."""

    open: dict[Any, asyncio.Transport] = {}  # noqa: RUF012 - one process, one server
    count = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(transport)
        Connection.open[self.client] = transport
        Connection.count += 1

    def connection_lost(self, exc: Exception | None) -> None:
        Connection.open.pop(self.client, None)
        super().connection_lost(exc)


class Door:
    """The API's side: reads a request, asks the world, does to the transport what the answer says."""

    def __init__(self, setup: Setup) -> None:
        self.world = World(setup)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _body(receive)
        if delay := self.world.setup.latency_ms:
            await asyncio.sleep(delay / 1000)
        headers = {name.decode("latin-1"): text.decode("latin-1") for name, text in scope["headers"]}
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        reply = self.world.answer(Ask(scope["method"], scope["path"], query, headers, body, time.monotonic()))
        await HOW[reply.how](reply, scope, receive, send)


async def _whole(reply: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": reply.status, "headers": _headers(reply)})
    await send({"type": "http.response.body", "body": reply.body})


async def _dripped(reply: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": reply.status, "headers": _headers(reply)})
    for position in range(len(reply.body)):
        await send({"type": "http.response.body", "body": reply.body[position:position + 1], "more_body": True})
        await asyncio.sleep(DRIP_S)
    await send({"type": "http.response.body", "body": b""})


async def _slow(reply: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(SLOW_S)
    await _whole(reply, scope, receive, send)


async def _hung(reply: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _reset(reply: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    transport = Connection.open.get(tuple(scope["client"]))
    if transport:
        # Linger 0: the peer sees a reset (RST), not an orderly end.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    await _hung(reply, scope, receive, send)


HOW = {"": _whole, "drip": _dripped, "slow": _slow, "hang": _hung, "reset": _reset}


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _headers(reply: Answer) -> list[tuple[bytes, bytes]]:
    headers = {"Content-Length": str(len(reply.body)), **reply.headers}
    kind, _, wait = headers.get("Retry-After", "").partition("+")
    if kind == "date":
        headers["Retry-After"] = formatdate(time.time() + float(wait), usegmt=True)
    if reply.status == 204:
        del headers["Content-Length"]
    return [(name.lower().encode(), text.encode("latin-1")) for name, text in headers.items()]


class Control:
    """The simulation's side, below /_sim: reset, faults, time, truth. Needs no token; not part of the API."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.base = door.world.setup

    def routes(self) -> list[Route]:
        ways = {"reset": self.reset, "faults": self.arm, "advance": self.advance, "suppress": self.suppress, "tokens/revoke": self.revoke}
        looks = {"truth": self.truth, "log": self.log, "crm/received": self.received, "setup": self.setup, "faults": self.names}
        table = [("POST", ways), ("GET", looks)]
        return [Route(f"/{path}", act, methods=[method]) for method, acts in table for path, act in acts.items()]

    async def reset(self, request: Request) -> JSONResponse:
        """A new world: the setup of the command line with the changes given."""
        changes = await _given(request)
        try:
            changed = replace(self.base, **{name: type(getattr(self.base, name))(text) for name, text in changes.items()})
        except (AttributeError, TypeError, ValueError) as wrong:
            return JSONResponse({"error": f"no such setup: {wrong}"}, 400)
        self.door.world = World(changed)
        Connection.count = 0
        return JSONResponse({"seed": changed.seed})

    async def arm(self, request: Request) -> JSONResponse:
        """{"name", "count": 1 or null for always, "after": 0, "share": 1.0, "endpoint": the fault's own}; {"name": null} disarms all."""
        given = await _given(request)
        if given.get("name") is None:
            self.door.world.faults.clear()
            return JSONResponse({"armed": []})
        try:
            armed = Armed(**given)
            FAULTS[armed.name]  # KeyError: there is none of this name
        except (KeyError, TypeError) as wrong:
            return JSONResponse({"error": f"no such fault: {wrong}", "faults": sorted(FAULTS)}, 400)
        self.door.world.faults.append(armed)
        return JSONResponse({"armed": [fault.name for fault in self.door.world.faults]})

    async def advance(self, request: Request) -> JSONResponse:
        return JSONResponse({"offset_s": self.door.world.advance(float((await _given(request)).get("seconds", 0)))})

    async def suppress(self, request: Request) -> JSONResponse:
        given = await _given(request)
        self.door.world.suppressed |= {address.lower(): given.get("reason", "unsubscribe") for address in given.get("addresses", [])}
        return JSONResponse({"suppressed": len(self.door.world.suppressed)})

    async def revoke(self, request: Request) -> JSONResponse:
        self.door.world.tokens.clear()
        return JSONResponse({"tokens": 0})

    async def truth(self, request: Request) -> JSONResponse:
        return JSONResponse({**self.door.world.truth(), "connections": Connection.count})

    async def log(self, request: Request) -> JSONResponse:
        return JSONResponse([{"at": at, "endpoint": endpoint, "status": status} for at, endpoint, status in self.door.world.log])

    async def received(self, request: Request) -> JSONResponse:
        return JSONResponse(self.door.world.received)

    async def setup(self, request: Request) -> JSONResponse:
        return JSONResponse({name: str(text) for name, text in vars(self.door.world.setup).items()})

    async def names(self, request: Request) -> JSONResponse:
        return JSONResponse({"faults": sorted(FAULTS), "armed": [vars(fault) for fault in self.door.world.faults]})


async def _given(request: Request) -> dict[str, Any]:
    body = await request.body()
    return cast(dict[str, Any], json.loads(body)) if body else {}


def application(door: Door) -> ASGIApp:
    control = Control(door)
    return Starlette(routes=[Route("/_sim/crm", door, methods=["POST"]), Mount("/_sim", routes=control.routes()), Mount("/", app=door)])


def serve(setup: Setup, *, port: int, faults: list[Armed], exit_on_eof: bool) -> None:
    """Listen on the loopback address until stopped; the first line on stdout says where."""
    door = Door(setup)
    door.world.faults += faults
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(1024)
        server = uvicorn.Server(uvicorn.Config(
            application(door), http=Connection, ws="none", lifespan="off", log_level="error", access_log=False, server_header=False,
            timeout_keep_alive=300, timeout_graceful_shutdown=1,
        ))
        if exit_on_eof:
            threading.Thread(target=_end_with_parent, args=(server,), daemon=True).start()
        print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


def _end_with_parent(server: uvicorn.Server) -> None:
    """Stdin ends when the parent does, however it ended; a simulator without anybody must not stay."""
    sys.stdin.buffer.read()
    server.should_exit = True
