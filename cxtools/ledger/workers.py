"""Who works on a ledger: each worker's name, and whether a worker is gone."""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path

#: States of a process that has ended and stays in the table until its parent has asked for it.
ENDED_PROCESS = "ZX"
#: Where /proc/PID/stat holds the start, counted from what follows the state.
START = 18


def worker_name() -> str:
    """This process: machine, process id and when it started, which no later process shares."""
    pid = os.getpid()
    start = process_start(pid)
    return f"{socket.gethostname()}:{pid}:{start}"


def actor_name() -> str:
    """Who works here, as the audit log names them: user@machine."""
    return f"{_user()}@{socket.gethostname()}"


def is_gone(
    worker: str,
    lease_until: float,
    *,
    me: str,
    now: float,
) -> bool:
    """
    Has a worker ended, or lost its claim?

    The end of its lease tells; on this machine its process does so earlier. One that lives on may
    have failed to record the answer.
    """
    if now > lease_until:
        return True
    machine, pid, start = worker.rsplit(":", 2)
    my_machine, _, _ = me.rsplit(":", 2)
    if machine != my_machine:
        return False
    return process_start(int(pid)) != start


def process_start(pid: int) -> str:
    """
    When a process started, in clock ticks since boot; "" when there is none, "?" where the system
    doesn't say.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        has_proc = Path("/proc/self").is_dir()
        return "" if has_proc else "?"
    # the name of the program, in brackets, may hold anything
    _, _, after_name = stat.rpartition(")")
    state, *numbers = after_name.split()
    if state in ENDED_PROCESS:
        return ""
    return numbers[START]


def _user() -> str:
    try:
        return getpass.getuser()
    # a container's number without a name; which error that is depends on the Python
    except (ImportError, KeyError, OSError):
        return f"user {os.getuid()}"
