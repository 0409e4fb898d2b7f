"""
A campaign's sender, killed at its n-th system call: `python -m tests.proof.killer`, one JSON request a line,
one JSON answer a line.

The process imports everything once, and forks a child for each request, so that a run costs half a
second and not three. The counting is done here with ptrace(2), and not by `strace -e
inject=...:when=n`, because strace counts per thread (strace(1), "when"): of a sender with a dozen
threads it would never kill most of the points. Here one counter runs over all threads; the call at
which it reaches n isn't carried out any more. A seccomp(2) filter stops the sender at these calls
only: stopped at each call, as PTRACE_SYSCALL does twice, a run takes more than twice as long.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import platform
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

#: What changes or reads the world outside the process; between two of these a kill makes no
#: difference.
#: Numbers from asm/unistd_64.h (x86_64) and asm-generic/unistd.h (aarch64, which lacks the older
#: ones).
CALLS = {
    # name             x86_64  aarch64
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "writev": (20, 66),
    "connect": (42, 203),
    "sendto": (44, 206),
    "recvfrom": (45, 207),
    "sendmsg": (46, 211),
    "recvmsg": (47, 212),
    "shutdown": (48, 210),
    "fcntl": (72, 25),
    "fsync": (74, 82),
    "fdatasync": (75, 83),
    "ftruncate": (77, 46),
    "rename": (82, None),
    "mkdir": (83, None),
    "unlink": (87, None),
    "openat": (257, 56),
    "mkdirat": (258, 34),
    "unlinkat": (263, 35),
    "renameat": (264, 38),
    "renameat2": (316, 276),
}
MACHINES = {"x86_64": 0, "aarch64": 1}

TRACEME, CONT, SETOPTIONS, GETEVENTMSG = 0, 7, 0x4200, 0x4201
TRACE_CLONE, TRACE_SECCOMP, EXIT_KILL = 0x8, 0x80, 0x100000
SECCOMP_STOP, WALL = signal.SIGTRAP | 7 << 8, 0x40000000
#: prctl(2), seccomp(2) and linux/filter.h: load the call's number, compare it, return a verdict
NO_NEW_PRIVS, SET_SECCOMP, FILTER = 38, 22, 2
LOAD, IF_EQUAL, RETURN, TO_TRACER, ALLOW = 0x20, 0x15, 0x06, 0x7FF00000, 0x7FFF0000
#: what a run needs, so that it is there before the fork
PRELOADED = (
    "tests.proof.ground",
    "cxtools.bounce",
    "cxtools.bounce.own_rules",
    "cxtools.sending.send",
    "cxtools.sending.status",
    "cxtools.sending.waves",
    "cxtools.measures",
    "duckdb",
    "email_validator",
    "pandas",
    "pyarrow.parquet",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.dialects.sqlite",
    "tqdm.auto",
)
#: stops that are ptrace's own, not signals for the child
OURS = (0, signal.SIGTRAP, signal.SIGSTOP)

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long
LIBC.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]


class Instruction(ctypes.Structure):
    """struct sock_filter"""

    _fields_ = [
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    ]


class Program(ctypes.Structure):
    """struct sock_fprog"""

    _fields_ = [("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(Instruction))]


def counted() -> dict[int, str]:
    """
    Number -> name of the calls that are counted on this machine; empty where the numbers aren't
    known.
    """
    column = MACHINES.get(platform.machine())
    if column is None:
        return {}
    return {
        number: name for name, numbers in CALLS.items() if (number := numbers[column]) is not None
    }


def traced(work: Callable[[], int], kill_at: int | None) -> dict[str, Any]:
    """
    Run *work* in a child and kill it at its *kill_at*-th counted call (0: only trace, None: don't
    even count).

    How it ended: {"killed", "code" (exit code or -signal), "at" (the call it was killed at),
    "trace" (names of all calls, when *kill_at* is 0)}.
    """
    pid = os.fork()
    if pid == 0:
        _be_child(work, stopped=kill_at is not None)
    _, status = os.waitpid(pid, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        _call(SETOPTIONS, pid, TRACE_CLONE | TRACE_SECCOMP | EXIT_KILL)
        return _followed(pid, kill_at or 0)
    return {"killed": False, "code": os.waitstatus_to_exitcode(status), "at": "", "trace": []}


def _be_child(work: Callable[[], int], *, stopped: bool) -> NoReturn:
    code = 1
    try:
        if stopped:
            _call(TRACEME, 0)
            os.kill(os.getpid(), signal.SIGSTOP)
            _stop_at(list(counted()))
        code = work()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _stop_at(numbers: list[int]) -> None:
    """
    Let the tracer see these system calls of this process and its threads, by number, before they
    are carried out.
    """
    seen = [
        step
        for number in numbers
        for step in (
            Instruction(IF_EQUAL, 0, 1, number),
            Instruction(RETURN, 0, 0, TO_TRACER | number),
        )
    ]
    steps = [Instruction(LOAD, 0, 0, 0), *seen, Instruction(RETURN, 0, 0, ALLOW)]
    program = Program(len(steps), (Instruction * len(steps))(*steps))
    if LIBC.prctl(NO_NEW_PRIVS, 1, 0, 0, 0) or LIBC.prctl(
        SET_SECCOMP, FILTER, ctypes.addressof(program), 0, 0
    ):
        raise OSError(ctypes.get_errno(), f"seccomp refused: {os.strerror(ctypes.get_errno())}")


def _followed(pid: int, kill_at: int) -> dict[str, Any]:
    names = counted()
    number = ctypes.c_ulong()
    trace: list[str] = []
    at = ""
    thread = pid
    deliver = 0
    while True:
        LIBC.ptrace(
            CONT, thread, None, deliver
        )  # a thread that was killed meanwhile is gone, which waitpid tells
        thread, status = os.waitpid(-1, WALL)
        if thread == pid and not os.WIFSTOPPED(status):
            return {
                "killed": os.WIFSIGNALED(status),
                "code": os.waitstatus_to_exitcode(status),
                "at": at,
                "trace": [] if kill_at else trace,
            }
        stop = os.WSTOPSIG(status) if os.WIFSTOPPED(status) else 0
        deliver = stop if stop not in OURS else 0
        if status >> 8 == SECCOMP_STOP:
            LIBC.ptrace(GETEVENTMSG, thread, None, ctypes.addressof(number))
            trace.append(names[number.value])
            if len(trace) == kill_at:
                at = trace[-1]
                os.kill(pid, signal.SIGKILL)


def _call(request: int, pid: int, data: int = 0) -> None:
    if LIBC.ptrace(request, pid, None, data) < 0:
        raise OSError(
            ctypes.get_errno(),
            f"ptrace request {request} refused: {os.strerror(ctypes.get_errno())}",
        )


def sender(request: dict[str, Any]) -> Callable[[], int]:
    """
    A run of the campaign as the request says: send it, and then collect its events `rounds` times
    more; two settle them.
    """

    def work() -> int:
        from cxtools.errors import CxError
        from cxtools.sending.campaign import Campaign
        from tests.proof.ground import NAME, PEOPLE, SPEC, connection

        # with a daily limit batches go out one after the other
        alone: dict[str, Any] = {} if request["at_once"] else {"workers": 1, "daily_limit": 1000}
        client = connection(
            request["url"],
            Path(request["home"]),
            idempotency_window_s=3600 if request["idempotent"] else 0,
            **alone,
        )
        shift(client, request.get("ahead_s", 0))
        try:
            client.send(Campaign.from_list(PEOPLE, name=NAME, **SPEC))
            for _ in range(request["rounds"]):
                client.collect()
        except CxError as failed:
            print(failed, file=sys.stderr, flush=True)
            return 3
        return 0

    return work


def shift(client: Any, ahead_s: float) -> None:
    """Let this run happen later by so many seconds."""
    from cxtools.api.client import Client
    from cxtools.context import Context

    def now() -> float:
        return time.time() + ahead_s

    client.ledger.now = now
    client.__dict__["context"] = Context(
        client.settings, Client(client.settings), client.ledger, client.engine, now=now, quiet=True
    )


def preload(names: Iterable[str]) -> None:
    """Import what a run needs, so that it is there before the fork."""
    for name in names:
        importlib.import_module(name)


def serve(work: Callable[[dict[str, Any]], Callable[[], int]]) -> None:
    """Answer each request, a line of JSON, with what became of its work."""
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(traced(work(request), request["kill_at"])), flush=True)


def main() -> None:
    preload(PRELOADED)
    sys.modules["cxtools.bounce"].classify("550", "5.1.1 the rules are read and compiled")
    serve(sender)


if __name__ == "__main__":
    main()
