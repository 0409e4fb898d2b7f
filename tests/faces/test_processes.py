"""What cxtools starts ends with what started it, and a stopped cell stops nothing else."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import KernelManager

from cxtools.connection import COLLECT_STOPPED, connect
from cxtools.events.own_folder import PREFIX, folder_of_process
from cxtools.sending.status import stopped_text

PATIENCE_S = 60
TOKEN = "of-this-test"
NO_LAB = "no JupyterLab: `make test` makes .venv-lab"
CXTOOLS = [sys.executable, "-m", "cxtools.cli"]

CONNECTS = """
import cxtools as cx

client = cx.connect("simulator", batch_size=200)
client.quiet = True
campaign = cx.Campaign.from_list(
    [f"p{number}@acme-01.example" for number in range(2000)],
    name="q3",
    subject="Q3",
    template_id="a1b2c3d4-e5f6-7890-abcd-ef1234567890",
    sender="marketing@example.com",
)
print(client.settings.env_url, flush=True)
"""

CONNECTS_AND_WAITS = CONNECTS + "input()"

WRITES_ITS_PROCESSES = """
import os, time
from pathlib import Path
Path(folder, "kernel.new").write_text(f"{os.getppid()} {os.getpid()}")
Path(folder, "kernel.new").rename(Path(folder, "kernel"))
time.sleep(600)
"""

WRITES_AT_ITS_EXIT = """
import atexit, time
from pathlib import Path

def write():
    time.sleep(2)
    Path(folder, "exit").write_text("ended")

atexit.register(write)
"""

LEAVES_A_THREAD = """
import os, threading, time
from pathlib import Path
threading.Thread(target=time.sleep, args=(600,)).start()
Path(folder, "kernel").write_text(f"{os.getpid()}")
"""


@contextmanager
def running(
    command: list[str], *, cwd: Path | None = None, **environ: str
) -> Iterator[subprocess.Popen[str]]:
    """A program in a process group of its own, as a shell and Jupyter start one."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=cwd,
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


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_sim/log", timeout=PATIENCE_S):  # noqa: S310 - our own simulator
            return True
    except OSError:
        return False


def control(url: str, path: str, **body: float) -> Any:
    """POST to a control of the simulator, or GET it where nothing is to be said."""
    data = json.dumps(body).encode() if body else None
    with urllib.request.urlopen(f"{url}/_sim/{path}", data, timeout=PATIENCE_S) as answer:  # noqa: S310 - our own simulator
        return json.load(answer)


def jobs(url: str) -> int:
    return len(control(url, "truth")["jobs"])


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


def test_a_reader_that_has_had_enough_is_no_error(tmp_path: Path) -> None:
    """As `head`, which closes the pipe before all was written."""
    statement = "select repeat('x', 1000) as words from range(2000)"
    rows = ["event,email,time", "delivered,ann@one.example,2026-09-14"]
    (tmp_path / "feed.csv").write_text("\n".join(rows))
    environment = os.environ | {"CXTOOLS_HOME": str(tmp_path / "home")}
    imports = [*CXTOOLS, "import", str(tmp_path / "feed.csv"), "--campaign", "q3"]
    subprocess.run(imports, env=environment, check=True, capture_output=True)
    with subprocess.Popen(
        [*CXTOOLS, "sql", statement],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as asked:
        assert asked.stdout is not None
        asked.stdout.readline()
        asked.stdout.close()
        _, errors = asked.communicate(timeout=PATIENCE_S)

    assert (0, b"") == (asked.returncode, errors)


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


LAB = Path(__file__).parents[2] / ".venv-lab" / "bin" / "python"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP])
def test_lab_serves_the_notebooks_and_ends(tmp_path: Path, how: signal.Signals) -> None:
    """
    A real JupyterLab in an empty folder: the four notebooks are copied there and served, its own
    options are passed on, and nobody serves behind it.
    """
    if not LAB.exists():
        pytest.fail(NO_LAB) if os.environ.get("CI") == "true" else pytest.skip(NO_LAB)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(LAB), "-m", "cxtools.cli", "lab", "--no-browser", "--allow-root"]
    options = [
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={TOKEN}",
    ]
    own = {
        name: str(tmp_path / "own")
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "HOME")
    }
    address = f"http://127.0.0.1:{port}/api/contents?token={TOKEN}"
    with running([*command, *options], cwd=tmp_path, **own) as lab:
        until = time.monotonic() + PATIENCE_S
        while not (served := contents(address)) and time.monotonic() < until:
            time.sleep(0.2)
        lab.send_signal(how)
        lab.wait(PATIENCE_S)

        assert 6 == len([name for name in served if name.endswith(".ipynb")])
        assert [] == contents(address)
    assert 6 == len(list((tmp_path / "notebooks").glob("*.ipynb")))


def contents(address: str) -> list[str]:
    """The names that a Jupyter server lists; none where nobody answers."""
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:  # noqa: S310 - our own server
            return [entry["name"] for entry in json.load(answer)["content"]]
    except OSError:
        return []


class Kernel:
    """A kernel as JupyterLab starts one; its processes write what they complain of to a file."""

    def __init__(self, folder: Path) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.complaints = folder / "stderr"
        with self.complaints.open("w") as stderr:
            environ = {**os.environ, "CXTOOLS_HOME": str(folder / "home")}
            self.manager.start_kernel(cwd=str(folder), env=environ, stderr=stderr)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE_S)

    def begin(self, cell: str) -> str:
        return str(self.client.execute(cell))

    def outputs(self, begun: str) -> list[dict[str, Any]]:
        """What stands below the cell when it has ended: results, errors and what was printed."""
        shown: list[dict[str, Any]] = []
        while True:
            message = self.client.get_iopub_msg(timeout=PATIENCE_S)
            content = message["content"]
            if message["parent_header"].get("msg_id") != begun:
                continue
            if content.get("execution_state") == "idle":
                return shown
            if message["msg_type"] in ("error", "execute_result", "stream"):
                shown.append(content)

    def run(self, cell: str) -> dict[str, Any]:
        """The last output of a cell."""
        return self.outputs(self.begin(cell))[-1]


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    kernel = Kernel(tmp_path)
    yield kernel
    kernel.client.stop_channels()
    kernel.manager.shutdown_kernel(now=True)


def test_a_stopped_send_goes_on_where_it_stopped(kernel: Kernel) -> None:
    """
    Jupyter's stop button interrupts all processes of the kernel's group. One line says how far the
    send came; the simulator still answers, and the same cell goes on at once, to the end.
    """
    url = kernel.run(CONNECTS)["text"].strip()
    control(url, "reset", latency_ms=10)
    sending = kernel.begin("client.send(campaign)")
    while not jobs(url):
        time.sleep(0.01)
    kernel.manager.interrupt_kernel()
    (stopped,) = kernel.outputs(sending)
    sent = jobs(url)
    again_at = time.monotonic()
    state = kernel.run("print(client.send(campaign).state)")["text"].strip()
    requests = control(url, "log")
    posts = [request["at"] for request in requests if request["endpoint"] == "messages"]
    truth = control(url, "truth")
    kernel.manager.shutdown_kernel()
    while answers(url):
        time.sleep(0.1)

    assert ("Interrupted", 0 < sent < 10) == (stopped["ename"], True)
    assert [
        f"Interrupted: stopped; {sent * 200:,} of 2,000 recipients of 'q3' are sent",
        "  -> run the same again: it continues, and mails nobody twice",
    ] == stopped["traceback"]
    assert ("completed", 2000, []) == (state, len(truth["sends"]), truth["mailed_twice"])
    assert min(at for at in posts if at > again_at) - again_at < 5
    assert "Fatal" not in kernel.complaints.read_text()


def test_a_stopped_collect_says_what_is_kept(kernel: Kernel) -> None:
    """A sentence, not a traceback of the network's; the same call goes on."""
    url = kernel.run(CONNECTS)["text"].strip()
    control(url, "reset", latency_ms=50)
    kernel.run("print(client.send(campaign).state)")
    asked = len(control(url, "log"))
    collecting = kernel.begin("client.collect('q3')")
    while len(control(url, "log")) == asked:
        time.sleep(0.01)
    kernel.manager.interrupt_kernel()
    (stopped,) = kernel.outputs(collecting)
    again = kernel.run("print(client.collect('q3').jobs)")["text"].strip()

    assert [f"Interrupted: {COLLECT_STOPPED}"] == stopped["traceback"]
    assert "10" == again


def test_who_stops_before_the_plan_reads_that_nothing_was_sent(tmp_path: Path) -> None:
    """Zero of zero recipients would be a riddle."""
    ledger = connect(home=tmp_path).ledger

    assert [
        "stopped; nothing of 'q3' was planned or sent yet",
        "  -> run the same again: it continues, and mails nobody twice",
    ] == stopped_text(ledger, "q3").splitlines()


def test_a_simulator_of_a_notebook_ends_with_its_kernel(tmp_path: Path) -> None:
    """Also where the kernel was killed, and could not end it itself."""
    waiting = [sys.executable, "-c", CONNECTS_AND_WAITS]
    with running(waiting, CXTOOLS_HOME=str(tmp_path)) as kernel:
        url = line(kernel)
        before = answers(url)
        kernel.kill()
        kernel.wait(PATIENCE_S)
        until = time.monotonic() + PATIENCE_S
        while answers(url) and time.monotonic() < until:
            time.sleep(0.1)

        assert (True, False) == (before, answers(url))


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_simulator_ends_without_a_complaint(how: signal.Signals) -> None:
    """Also while it listens for the end of its parent: that was a fatal error of Python."""
    command = [sys.executable, "-m", "cxtools.simulator", "--exit-on-eof"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as simulator:
        url = line(simulator).removeprefix("listening on ")
        before = answers(url)
        simulator.send_signal(how)
        _, complaint = simulator.communicate(timeout=PATIENCE_S)

    assert (True, "") == (before, complaint)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_report_leaves_no_notebook_running(tmp_path: Path, how: signal.Signals) -> None:
    """
    A notebook can send: neither it nor its kernel goes on when `cxtools report` was ended. The keys
    of its channels are removed by the next process that needs a folder.
    """
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    slow = write_notebook(tmp_path / "slow.ipynb", WRITES_ITS_PROCESSES)
    seen = tmp_path / "kernel"
    report = [*CXTOOLS, "report", str(slow), "-p", f"folder={tmp_path}"]
    home = str(tmp_path / "home")
    with running(report, CXTOOLS_HOME=home, TMPDIR=str(temporary)) as command:
        while not seen.exists():
            assert command.poll() is None
            time.sleep(0.1)
        run, kernel = map(int, seen.read_text().split())
        others = folder_of_process(temporary, PREFIX)
        [keys] = temporary.glob(f"{PREFIX}*/report-*/kernel.json")
        command.send_signal(how)
        command.wait(PATIENCE_S)

        assert run != command.pid
        assert (True, True) == (ends(run), ends(kernel))
        assert keys.exists()

        mine = folder_of_process(temporary, PREFIX)
        assert {others, mine} == set(temporary.glob(f"{PREFIX}*"))


def test_what_a_notebook_left_running_ends_with_its_report(tmp_path: Path) -> None:
    """A thread that sleeps for minutes keeps neither the report nor the kernel."""
    notebook = write_notebook(tmp_path / "leaves.ipynb", LEAVES_A_THREAD)
    report = [*CXTOOLS, "report", str(notebook), "-p", f"folder={tmp_path}"]

    with running(report, CXTOOLS_HOME=str(tmp_path / "home")) as command:
        assert 0 == command.wait(PATIENCE_S)
        assert not is_alive(int((tmp_path / "kernel").read_text()))


def test_what_a_notebook_does_at_its_exit_is_done(tmp_path: Path) -> None:
    """Folders are removed and engines stopped there: the kernel has time for it."""
    notebook = write_notebook(tmp_path / "exits.ipynb", WRITES_AT_ITS_EXIT)
    report = [*CXTOOLS, "report", str(notebook), "-p", f"folder={tmp_path}"]

    with running(report, CXTOOLS_HOME=str(tmp_path / "home")) as command:
        assert 0 == command.wait(PATIENCE_S)
        assert "ended" == (tmp_path / "exit").read_text()


def test_a_kernel_that_cant_start_says_so(tmp_path: Path) -> None:
    """Its end is the complaint, not that of closing what was closed before."""
    (tmp_path / "ipykernel_launcher.py").write_text("raise SystemExit(3)")
    notebook = write_notebook(tmp_path / "never.ipynb", "1")
    report = [*CXTOOLS, "report", str(notebook)]
    environ = {**os.environ, "CXTOOLS_HOME": str(tmp_path / "home"), "PYTHONPATH": str(tmp_path)}

    done = subprocess.run(
        report, env=environ, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )

    assert "Kernel died before replying to kernel_info" in done.stderr


@pytest.mark.parametrize(
    ("code", "exit_code"), [("1", 0), ("1 / 0", 7), ("import os; os._exit(1)", 7)]
)
def test_a_report_leaves_no_file_in_the_temporary_folder(
    tmp_path: Path, code: str, exit_code: int
) -> None:
    """Least of all the keys of a kernel's channels."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    notebook = write_notebook(tmp_path / "some.ipynb", code)
    report = [*CXTOOLS, "report", str(notebook)]

    with running(report, CXTOOLS_HOME=str(tmp_path / "home"), TMPDIR=str(temporary)) as command:
        assert exit_code == command.wait(PATIENCE_S)
    assert [] == list(temporary.iterdir())


def write_notebook(file: Path, code: str) -> Path:
    """A notebook of one cell that is told a folder."""
    notebook = nbformat.v4.new_notebook()
    parameters = nbformat.v4.new_code_cell("folder = ''", metadata={"tags": ["parameters"]})
    notebook.cells = [parameters, nbformat.v4.new_code_cell(code)]
    nbformat.write(notebook, file)
    return file
