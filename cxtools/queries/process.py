"""
The other side of `worker`: a process that is started at the first statement, asked one at a time,
and killed when one takes too long. The next statement starts another.

A process, and not a thread: DuckDB can't be interrupted within a function, nor does it count what
one takes.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Timer
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

from cxtools.errors import ConfigError, CxError, StoreError
from cxtools.files import PRIVATE_FOLDER
from cxtools.text import safe_line

if TYPE_CHECKING:
    import pyarrow as pa

SCRIPT = Path(__file__).with_name("worker.py")
#: What the process is told of its surroundings: where Python and its libraries are, nothing else.
ENVIRONMENT = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")
#: Seconds in which DuckDB reads a statement, whatever it is.
PARSE_S = 10
#: Letters of DuckDB's messages that are shown.
LONGEST_MESSAGE = 400
LESS = "ask for less: name a campaign, count instead of listing, or add a limit"


@dataclass(frozen=True)
class Limits:
    """
    What a statement may take: seconds; memory, and what of its answer is held at once, in bytes;
    and the rest as DuckDB's own settings.
    """

    seconds: int
    bytes: int
    config: dict[str, Any]


class Parsed(NamedTuple):
    """How DuckDB reads a text: the kinds of its statements, and the document of a `select`."""

    kinds: list[str]
    document: Any


class Worker:
    """One such process."""

    def __init__(self) -> None:
        environ = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environ,
            start_new_session=True,  # Ctrl-C is for whoever asks, who ends the statement then
        )
        self._spill = Path(os.devnull)
        head, _ = self._frame()
        self.functions: list[list[str]] = head["functions"]
        self.tables: list[str] = head["tables"]

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def end(self) -> None:
        """End it, in mid-statement too, and remove what it had put on disk meanwhile."""
        self._process.kill()
        self._process.wait()
        for spilled in self._spill.glob(f"duckdb_temp_{self.pid}_*"):
            spilled.unlink(missing_ok=True)
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                cast(IO[bytes], pipe).close()

    def parse(self, sql: str) -> Parsed:
        """
        How DuckDB reads a text.

        Raises:
            ConfigError: it doesn't.
        """
        with self._deadline(PARSE_S):
            self._ask({"sql": sql})
            head, document = self._frame()
        try:
            return Parsed(head["kinds"], json.loads(document))
        except RecursionError:
            raise ConfigError("the statement is nested too deeply", where="SQL", do=LESS) from None

    def batches(
        self,
        request: dict[str, Any],
        limits: Limits,
    ) -> Generator[pa.RecordBatch | pa.Schema]:
        """
        The schema of what a statement selects, then its rows.

        Raises:
            ConfigError: DuckDB doesn't understand it.
            StoreError: it takes more than it may.
        """
        import pyarrow as pa

        self._spill = Path(limits.config["temp_directory"])
        with suppress(OSError):  # a home that can't be written: what must spill fails
            self._spill.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        with self._deadline(limits.seconds):
            self._ask(request | {"limits": vars(limits)})
            _, payload = self._frame()
            schema = pa.ipc.read_schema(pa.py_buffer(payload))
            yield schema
            head, payload = self._frame()
            while head["kind"] == "rows":
                yield pa.ipc.read_record_batch(payload, schema)
                head, payload = self._frame()

    def _ask(self, request: dict[str, Any]) -> None:
        line = json.dumps(request).encode() + b"\n"
        with suppress(BrokenPipeError):  # what is read next tells that it died
            stdin = cast(IO[bytes], self._process.stdin)
            stdin.write(line)
            stdin.flush()

    def _frame(self) -> tuple[dict[str, Any], bytes]:
        stdout = cast(IO[bytes], self._process.stdout)
        head = stdout.readline()
        facts: dict[str, Any] = json.loads(head or "null") or {"kind": "end", "bytes": 0}
        payload = stdout.read(facts["bytes"])
        if facts["kind"] == "end" or len(payload) < facts["bytes"]:
            self.end()
            raise StoreError(
                "the statement took more memory than it may, or its process was ended",
                where="SQL",
                do=LESS,
            )
        if facts["kind"] == "error":
            raise _refusal(facts)
        return facts, payload

    @contextmanager
    def _deadline(self, seconds: int) -> Iterator[None]:
        """
        A block in which the process answers. It is killed when that takes too long, and when the
        block doesn't end well: it may be in mid-answer.
        """
        is_late = Event()
        timer = Timer(seconds, _let_go, (is_late, self._process.kill))
        timer.start()
        try:
            yield
        except CxError:  # it waits for the next statement, or died
            if is_late.is_set():
                self.end()
                raise _late(seconds) from None
            raise
        except BaseException:
            self.end()
            raise
        finally:
            timer.cancel()


def _late(seconds: int) -> StoreError:
    return StoreError(
        f"the statement took longer than {seconds} s",
        where="SQL",
        do=f"{LESS}; the setting `sql_seconds` allows more",
    )


def _let_go(is_late: Event, kill: Callable[[], None]) -> None:
    is_late.set()
    kill()


def _refusal(facts: dict[str, Any]) -> ConfigError | StoreError:
    """What DuckDB says of a statement that it can't run, without addresses."""
    text = safe_line(facts["text"], LONGEST_MESSAGE)
    if facts["type"] in ("OutOfMemoryException", "MemoryError", "ArrowMemoryError"):
        return StoreError(
            "the statement takes more memory than it may",
            where="SQL",
            do=f"{LESS}; the setting `memory` allows more",
        )
    if facts["type"] in ("IOException", "FatalException", "InternalException"):
        return StoreError(f"the events can't be read: {text}", where="SQL", do="ask again")
    return ConfigError(text, where="SQL", do="correct the statement; `describe messages` helps")


class _Workers:
    """The process of this process: nobody shares one with a parent that forked."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._worker: Worker | None = None
        self._pid = 0

    @contextmanager
    def one(self) -> Iterator[Worker]:
        """The worker, for one statement at a time."""
        with self._lock:
            if self._worker is None or self._pid != os.getpid() or not self._worker.is_alive:
                self._worker = Worker()
                self._pid = os.getpid()
            yield self._worker

    def end(self) -> None:
        """End it with this process."""
        if self._worker is not None and self._pid == os.getpid():
            self._worker.end()


WORKERS = _Workers()
atexit.register(WORKERS.end)
