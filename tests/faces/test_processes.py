"""What cxtools starts ends with what started it, and a stopped cell stops nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import nbformat
import pytest

PATIENCE_S = 60
CXTOOLS = [sys.executable, "-m", "cxtools.cli"]

SENDS_TWICE = """
import signal
import cxtools as cx

signal.signal(signal.SIGINT, signal.default_int_handler)
client = cx.connect("simulator")
client.quiet = True
campaign = cx.Campaign.from_list(
    [f"p{number}@acme-01.example" for number in range(30)],
    name="q3",
    subject="Q3",
    template_id="a1b2c3d4-e5f6-7890-abcd-ef1234567890",
    sender="marketing@example.com",
)
print(client.settings.env_url, flush=True)
input()
try:
    client.send(campaign)
except KeyboardInterrupt:
    print("stopped", flush=True)
input()
print(client.send(campaign).state, flush=True)
"""

WRITES_ITS_PROCESSES = """
import os, time
from pathlib import Path
Path(folder, "kernel.new").write_text(f"{os.getppid()} {os.getpid()}")
Path(folder, "kernel.new").rename(Path(folder, "kernel"))
time.sleep(600)
"""


@contextmanager
def running(command: list[str], **environ: str) -> Iterator[subprocess.Popen[str]]:
    """A program in a process group of its own, as a shell and Jupyter start one."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environ},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_sim/log", timeout=PATIENCE_S):  # noqa: S310 - our own simulator
            return True
    except OSError:
        return False


def control(url: str, path: str, **body: float) -> None:
    data = json.dumps(body).encode()
    urllib.request.urlopen(f"{url}/_sim/{path}", data, timeout=PATIENCE_S).close()  # noqa: S310 - our own simulator


def jobs(url: str) -> int:
    with urllib.request.urlopen(f"{url}/_sim/truth", timeout=PATIENCE_S) as truth:  # noqa: S310 - our own simulator
        return len(json.load(truth)["jobs"])


def is_alive(process_id: int) -> bool:
    """Whether it runs: one that has ended and whose parent hasn't asked yet doesn't."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def ends(process_id: int) -> bool:
    until = time.monotonic() + PATIENCE_S
    while is_alive(process_id) and time.monotonic() < until:
        time.sleep(0.1)
    return not is_alive(process_id)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGHUP])
def test_the_simulator_ends_with_its_command(how: signal.Signals) -> None:
    """However `cxtools simulate` is ended, nobody serves behind it."""
    with running([*CXTOOLS, "simulate", "--port", "0"]) as command:
        url = line(command).removeprefix("listening on ")
        before = answers(url)
        command.send_signal(how)
        command.wait(PATIENCE_S)

        assert (True, False) == (before, answers(url))


def test_lab_takes_the_place_of_its_command(tmp_path: Path) -> None:
    """JupyterLab is the process that `cxtools lab` was: what ends one ends the other."""
    (tmp_path / "jupyterlab.py").write_text("import os\nprint(os.getpid(), flush=True)\ninput()\n")
    with running([*CXTOOLS, "lab", str(tmp_path)], PYTHONPATH=str(tmp_path)) as command:
        assert str(command.pid) == line(command)


def test_a_simulator_of_a_notebook_survives_a_stopped_cell() -> None:
    """
    Jupyter's interrupt goes to all processes of the kernel's group. The cell stops in the middle of
    a send, the simulator still answers, and the same cell goes on to the end.
    """
    with running([sys.executable, "-c", SENDS_TWICE]) as kernel:
        url = line(kernel)
        control(url, "reset", speed=0)
        go_on(kernel)
        while not jobs(url):
            time.sleep(0.05)
        os.killpg(kernel.pid, signal.SIGINT)
        stopped = line(kernel)
        control(url, "advance", seconds=7 * 86400)
        go_on(kernel)

        assert ("stopped", "completed", 1) == (stopped, line(kernel), jobs(url))


def test_a_simulator_of_a_notebook_ends_with_its_kernel() -> None:
    """Also where the kernel was killed, and could not end it itself."""
    with running([sys.executable, "-c", SENDS_TWICE]) as kernel:
        url = line(kernel)
        before = answers(url)
        kernel.kill()
        kernel.wait(PATIENCE_S)
        until = time.monotonic() + PATIENCE_S
        while answers(url) and time.monotonic() < until:
            time.sleep(0.1)

        assert (True, False) == (before, answers(url))


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_report_leaves_no_notebook_running(tmp_path: Path, how: signal.Signals) -> None:
    """A notebook can send: neither it nor its kernel goes on when `cxtools report` was ended."""
    notebook = nbformat.v4.new_notebook()
    parameters = nbformat.v4.new_code_cell("folder = ''", metadata={"tags": ["parameters"]})
    notebook.cells = [parameters, nbformat.v4.new_code_cell(WRITES_ITS_PROCESSES)]
    nbformat.write(notebook, tmp_path / "slow.ipynb")
    seen = tmp_path / "kernel"
    report = [*CXTOOLS, "report", str(tmp_path / "slow.ipynb"), "-p", f"folder={tmp_path}"]
    with running(report, CXTOOLS_HOME=str(tmp_path / "home")) as command:
        while not seen.exists():
            assert command.poll() is None
            time.sleep(0.1)
        run, kernel = map(int, seen.read_text().split())
        command.send_signal(how)
        command.wait(PATIENCE_S)

        assert run != command.pid
        assert (True, True) == (ends(run), ends(kernel))
