"""The world on a port: Starlette for the routes, uvicorn for HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from email.utils import formatdate
from itertools import islice
from pathlib import Path
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from cxtools.simulator.faults import FAULTS, Armed
from cxtools.simulator.journal import Journal
from cxtools.simulator.setup import Setup
from cxtools.simulator.wire import Answer, Ask
from cxtools.simulator.world import World

DRIP_S = 0.25
SLOW_S = 6.0
#: What the one who started it holds the other end of.
STDIN = 0
READ_BYTES = 4096

#: What a control does: it takes the JSON of a request as its arguments.
Act = Callable[..., Any]


class Door:
    """
    The API's side: reads a request, asks the world, does to the transport what the answer says.
    """

    def __init__(self, setup: Setup, journal: Journal | None = None) -> None:
        self.world = World(setup)
        self.journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return  # what was cut off is not a request
        delay_ms = self.world.setup.latency_ms
        if delay_ms:
            await asyncio.sleep(delay_ms / 1000)
        ask = Ask(
            method=request.method,
            path=scope["path"],
            query=dict(request.query_params),
            headers=dict(request.headers),
            body=body,
            now=time.monotonic(),
        )
        reply = self._answer(ask)
        await HOW[reply.how](reply, scope, receive, send)

    def _answer(self, ask: Ask) -> Answer:
        """The world's answer; a job that it takes is written down before anybody hears of it."""
        journal = self.journal
        mail = self.world.mail
        if journal is None:
            return self.world.answer(ask)
        journal.read(mail, ask.now)
        known = len(mail.jobs)
        reply = self.world.answer(ask)
        for job in islice(mail.jobs.values(), known, None):
            journal.write(job, ask.now)
        return reply

    def begin(self, setup: Setup) -> None:
        """A new world, that knows nothing of the one before."""
        self.world = World(setup)
        if self.journal is not None:
            self.journal.forget()


async def _send(reply: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    response = Response(reply.body, reply.status, _headers(reply))
    await response(scope, receive, send)


async def _send_in_drops(reply: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    """Byte by byte: each by itself, and with "drip" with a pause after it."""
    pause_s = DRIP_S if reply.how == "drip" else 0

    async def drops() -> AsyncIterator[bytes]:
        for position in range(len(reply.body)):
            yield reply.body[position : position + 1]
            await asyncio.sleep(pause_s)

    headers = _headers(reply)
    headers["Content-Length"] = str(len(reply.body))
    response = StreamingResponse(drops(), reply.status, headers)
    await response(scope, receive, send)


async def _send_late(reply: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(SLOW_S)
    await _send(reply, scope, receive, send)


async def _hang(reply: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    message = await receive()
    while message["type"] != "http.disconnect":
        message = await receive()


async def _reset(reply: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    cycle = cast(Any, receive).__self__  # receive is a method of uvicorn's cycle of this request
    transport: asyncio.Transport = cycle.transport
    # Linger 0: the peer sees a reset (RST), not an orderly end.
    linger = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()
    await _hang(reply, scope, receive, send)


HOW = {
    "": _send,
    "drip": _send_in_drops,
    "slice": _send_in_drops,
    "slow": _send_late,
    "hang": _hang,
    "reset": _reset,
}


def _headers(reply: Answer) -> dict[str, str]:
    """The answer's headers; a wait of "date+2" becomes the date in two seconds."""
    headers = dict(reply.headers)
    kind, _, wait = headers.get("Retry-After", "").partition("+")
    if kind == "date":
        until = time.time() + float(wait)
        headers["Retry-After"] = formatdate(until, usegmt=True)
    return headers


class Control:
    """
    The simulation's side, below /_sim: reset, faults, time, truth. Needs no token; not part of the
    API.
    """

    def __init__(self, door: Door) -> None:
        self.door = door
        self.base = door.world.setup

    def routes(self) -> list[Route]:
        """One route for each control: its method, its path, and who does it."""
        controls: list[tuple[str, str, Act]] = [
            ("POST", "/reset", self.reset),
            ("POST", "/faults", self.arm),
            ("POST", "/suppress", self.suppress),
            ("POST", "/tokens/revoke", self.revoke),
            ("POST", "/advance", self.advance),
            ("GET", "/truth", self.truth),
            ("GET", "/log", self.log),
            ("GET", "/crm/received", self.received),
        ]
        return [Route(path, _endpoint(act), methods=[method]) for method, path, act in controls]

    def reset(self, **changes: Any) -> Any:
        """A new world: the setup of the command line with these changes."""
        values = {}
        for name, text in changes.items():
            kind = type(getattr(self.base, name))
            values[name] = kind(text)
        setup = replace(self.base, **values)
        self.door.begin(setup)
        return {"seed": setup.seed}

    def arm(self, name: str | None = None, **how: Any) -> Any:
        """
        A fault by its name, and `how` as in `Armed`: once unless `count` says otherwise; the name
        null disarms all.
        """
        faults = self.door.world.faults
        if name is None:
            faults.clear()
        elif name not in FAULTS:
            raise KeyError(name)
        else:
            faults.append(Armed(name, **how))
        return {"armed": [fault.name for fault in faults]}

    def suppress(self, addresses: Sequence[str] = (), reason: str = "unsubscribe") -> Any:
        suppressions = self.door.world.suppressions
        suppressions.add(addresses, reason)
        return {"suppressed": len(suppressions.reasons)}

    def revoke(self) -> None:
        self.door.world.tokens.revoke()

    def advance(self, seconds: float) -> Any:
        return {"offset_s": self.door.world.advance(seconds)}

    def truth(self) -> Any:
        return self.door.world.truth()

    def log(self) -> Any:
        return [request._asdict() for request in self.door.world.log]

    def received(self) -> Any:
        return self.door.world.received


def _endpoint(act: Act) -> Callable[[Request], Awaitable[Response]]:
    """
    A control as Starlette calls it: the JSON of the request are its arguments, and what it returns
    is answered.
    """

    async def endpoint(request: Request) -> Response:
        try:
            arguments = json.loads(await request.body() or b"{}")
            return JSONResponse(act(**arguments))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            body = {"error": f"not understood: {error}", "faults": sorted(FAULTS)}
            return JSONResponse(body, status_code=400)

    return endpoint


def application(door: Door) -> ASGIApp:
    control = Control(door)
    return Starlette(
        routes=[
            Route("/_sim/crm", door, methods=["POST"]),
            Mount("/_sim", routes=control.routes()),
            Mount("/", app=door),
        ]
    )


def serve(
    setup: Setup,
    *,
    port: int,
    faults: list[Armed],
    exit_on_eof: bool,
    state: Path | None = None,
) -> None:
    """Listen on the loopback address until stopped; the first line on stdout says where."""
    door = Door(setup, Journal(state) if state else None)
    door.world.faults += faults
    server = uvicorn.Server(
        uvicorn.Config(
            application(door),
            http="h11",
            ws="none",
            lifespan="off",
            log_level="error",
            access_log=False,
            server_header=False,
            timeout_keep_alive=300,
            timeout_graceful_shutdown=1,
        )
    )
    # With the protocol named, asyncio sends small answers at once.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(1024)
        if exit_on_eof:
            watch = threading.Thread(target=_end_with_parent, args=(server,), daemon=True)
            watch.start()
        print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


def _end_with_parent(server: uvicorn.Server) -> None:
    """
    Stdin ends when the parent does, however it ended; no simulator outlives the one who started it.
    """
    # Not by `sys.stdin`: Python crashes at its end while another thread holds the lock of that.
    while os.read(STDIN, READ_BYTES):
        pass
    server.should_exit = True
