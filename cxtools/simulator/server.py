"""The world on a port: Starlette for the routes, uvicorn for HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from email.utils import formatdate
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from cxtools.simulator.faults import FAULTS, Answer, Armed
from cxtools.simulator.world import Ask, Setup, World

DRIP_S = 0.25
SLOW_S = 6.0


class Door:
    """
    The API's side: reads a request, asks the world, does to the transport what the answer says.
    """

    def __init__(self, setup: Setup) -> None:
        self.world = World(setup)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return  # what was cut off is no request
        if delay := self.world.setup.latency_ms:
            await asyncio.sleep(delay / 1000)
        ask = Ask(
            request.method,
            scope["path"],
            dict(request.query_params),
            dict(request.headers),
            body,
            time.monotonic(),
        )
        reply = self.world.answer(ask)
        await HOW[reply.how](reply, scope, receive, send)


async def _whole(reply: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    await Response(reply.body, reply.status, _headers(reply))(scope, receive, send)


async def _dripped(reply: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    async def drops() -> AsyncIterator[bytes]:
        for position in range(len(reply.body)):
            yield reply.body[position : position + 1]
            await asyncio.sleep(DRIP_S * (reply.how == "drip"))

    headers = _headers(reply) | {"Content-Length": str(len(reply.body))}
    await StreamingResponse(drops(), reply.status, headers)(scope, receive, send)


async def _slow(reply: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(SLOW_S)
    await _whole(reply, scope, receive, send)


async def _hung(reply: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _reset(reply: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    transport: asyncio.Transport = cast(
        Any, receive
    ).__self__.transport  # receive is a method of uvicorn's cycle of this request
    # Linger 0: the peer sees a reset (RST), not an orderly end.
    transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    transport.abort()
    await _hung(reply, scope, receive, send)


HOW = {
    "": _whole,
    "drip": _dripped,
    "slice": _dripped,
    "slow": _slow,
    "hang": _hung,
    "reset": _reset,
}


def _headers(reply: Answer) -> dict[str, str]:
    """The answer's headers; a wait of "date+2" becomes the date in two seconds."""
    headers = dict(reply.headers)
    kind, _, wait = headers.get("Retry-After", "").partition("+")
    if kind == "date":
        headers["Retry-After"] = formatdate(time.time() + float(wait), usegmt=True)
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
        acts: list[tuple[str, str, Callable[..., Any]]] = [
            ("POST", "reset", self.reset),
            ("POST", "faults", self.arm),
            ("POST", "suppress", self.suppress),
            ("POST", "tokens/revoke", lambda: self.door.world.tokens.clear()),
            ("POST", "advance", lambda seconds: {"offset_s": self.door.world.advance(seconds)}),
            ("GET", "truth", lambda: self.door.world.truth()),
            (
                "GET",
                "log",
                lambda: [
                    dict(zip(("at", "endpoint", "status"), row, strict=True))
                    for row in self.door.world.log
                ],
            ),
            ("GET", "crm/received", lambda: self.door.world.received),
        ]
        return [Route(f"/{path}", _endpoint(act), methods=[method]) for method, path, act in acts]

    def reset(self, **changes: Any) -> Any:
        """A new world: the setup of the command line with the changes given."""
        changed = replace(
            self.base,
            **{name: type(getattr(self.base, name))(text) for name, text in changes.items()},
        )
        self.door.world = World(changed)
        return {"seed": changed.seed}

    def arm(self, name: str | None = None, **how: Any) -> Any:
        """
        A fault by its name, and `how` as in `Armed`: once unless `count` says otherwise; the name
        null disarms all.
        """
        faults = self.door.world.faults
        if name is None:
            faults.clear()
        else:
            FAULTS[name]  # KeyError: there is none of this name
            faults.append(Armed(name, **how))
        return {"armed": [fault.name for fault in faults]}

    def suppress(self, addresses: Sequence[str] = (), reason: str = "unsubscribe") -> Any:
        self.door.world.suppressed |= {address.lower(): reason for address in addresses}
        return {"suppressed": len(self.door.world.suppressed)}


def _endpoint(act: Callable[..., Any]) -> Callable[[Request], Awaitable[Response]]:
    """
    A control as Starlette calls it: the JSON of the request are its arguments, and what it returns
    is answered.
    """

    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(act(**json.loads(await request.body() or b"{}")))
        except (AttributeError, KeyError, TypeError, ValueError) as wrong:
            return JSONResponse(
                {"error": f"not understood: {wrong}", "faults": sorted(FAULTS)}, 400
            )

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


def serve(setup: Setup, *, port: int, faults: list[Armed], exit_on_eof: bool) -> None:
    """Listen on the loopback address until stopped; the first line on stdout says where."""
    door = Door(setup)
    door.world.faults += faults
    with socket.socket(
        proto=socket.IPPROTO_TCP
    ) as listener:  # with the protocol named, asyncio sends small answers at once
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(1024)
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
        if exit_on_eof:
            threading.Thread(target=_end_with_parent, args=(server,), daemon=True).start()
        print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


def _end_with_parent(server: uvicorn.Server) -> None:
    """
    Stdin ends when the parent does, however it ended; a simulator without anybody must not stay.
    """
    sys.stdin.buffer.read()
    server.should_exit = True
