"""
A refresh that is killed with SIGKILL at its n-th touch of the world, and what the next one makes of
it: `python -m tests.proof.refreshes --points 100` tries so many points, evenly spread.

The touches are counted in the process itself, and not by ptrace as `killer` does: a refresh starts a
kernel, and a filter of system calls would hold in it, too. Counted are Python's audit events on files,
processes and sockets, and each statement and commit of the ledger.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import sqlalchemy as sa

from cxtools.connection import connect
from cxtools.errors import StoreError
from cxtools.refresh.refresh import refresh
from tests.mailboxes import Mailbox, open_mailbox
from tests.refreshing import DAY_S, ENOUGH, FEW, NOW, TEAM, TRIAL, put_events, write_notebook

#: Audit events at which a process touches the world.
TOUCHES = (
    "open",
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.truncate",
    "fcntl.flock",
    "socket.connect",
    "sqlite3.connect",
    "subprocess.Popen",
    "tempfile.mkstemp",
)
#: What a page's verdict says in data, without the seconds that a real one takes to compute.
VERDICT = """
import os
from pathlib import Path
from IPython.display import display
parts = list(Path(os.environ["CXTOOLS_HOME"]).glob(f"events/campaign={campaign}/part-*.parquet"))
word = "PASS" if len(parts) == 1 else "WARN"
told = {"campaign": campaign, "word": word, "headline": f"{len(parts)} files"}
display({"application/vnd.cxtools.verdict+json": told, "text/plain": word}, raw=True)
"""
#: Longer than the lease of a message that was under way.
LATER_S = 300.0
ROOT = Path(__file__).parents[2]
THREE_DAYS = NOW + 3 * DAY_S
SUBJECT = "q3: WARN (was PASS)"


class Proof(NamedTuple):
    """What became of one kill point: where it was, what is wrong, and how often the mail came."""

    at: str
    wrong: list[str]
    mails: int


def prepare(home: Path, port: int) -> None:
    """A home in which a PASS was reported, and events wait that make it a WARN."""
    write_notebook(home, VERDICT)
    (home / "reports.toml").write_text(TRIAL + TEAM.format(port=port))
    put_events(home, "q3", delivered=ENOUGH)
    put_events(home, "q2", delivered=ENOUGH)
    run(home, NOW)
    put_events(home, "q3", name="late", bounced=FEW)


def run(home: Path, now: float) -> str:
    """One round, as a scheduler calls it; what it did."""
    client = connect(home=str(home))
    client.quiet = True
    try:
        return str(refresh(client, now, environ={}, rng=random.Random(7)))
    finally:
        client.ledger.close()


def forked(work: Callable[[], None], kill_at: int) -> tuple[int, list[str]]:
    """
    Run in a child, which is killed at its *kill_at*-th touch (0: never); how it ended, and what it
    touched.
    """
    with tempfile.NamedTemporaryFile() as told:
        pid = os.fork()
        if pid == 0:
            _be_child(work, kill_at, told.name)
        _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status), Path(told.name).read_text().splitlines()


def _be_child(work: Callable[[], None], kill_at: int, told: str) -> NoReturn:
    handle = os.open(told, os.O_WRONLY | os.O_APPEND)
    seen = 0

    def touch(name: str) -> None:
        nonlocal seen
        seen += 1
        os.write(handle, f"{name}\n".encode())
        if seen == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event in TOUCHES and not str(arguments[:1]).endswith((".py',)", ".pyc',)")):
            touch(event)

    code = 1
    try:
        sys.addaudithook(on_audit)
        sa.event.listen(sa.Engine, "before_cursor_execute", lambda *_: touch("statement"))
        sa.event.listen(sa.Engine, "commit", lambda *_: touch("commit"))
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def prove(base: Path, mailbox: Mailbox, point: int) -> Proof:
    """Kill a round at a point, let others finish it, and look at all that it touches."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        shutil.copytree(base, home)
        mailbox.mails.clear()
        code, touches = forked(lambda: _quietly(home, THREE_DAYS), point)
        at = touches[-1] if code == -signal.SIGKILL else ""
        halves = [page.name for page in _pages(home) if not _is_whole(page)]
        said = [run(home, THREE_DAYS + number * LATER_S) for number in (1, 2)]
        return Proof(at, [*halves, *wrong(home, mailbox, said[-1])], len(mailbox.mails))


def _quietly(home: Path, now: float) -> None:
    run(home, now)


def wrong(home: Path, mailbox: Mailbox, last: str) -> list[str]:
    """What isn't as it has to be when all is done."""
    client = connect(home=str(home))
    rows = client.ledger.outbox.webhooks()
    streak = client.ledger.judgements.streak("q3", "run")
    index = (home / "reports" / "index.html").read_text()
    checks = {
        "something is still due": last == "nothing is due",
        "half a page": all(_is_whole(page) for page in _pages(home)),
        "not one message": [row.state for row in rows] == ["delivered"],
        "told twice, or nothing": set(mailbox.subjects) == {SUBJECT} and len(set(mailbox.ids)) == 1,
        "not judged": streak is not None and (streak.word, streak.before) == ("WARN", "PASS"),
        "the index doesn't say it": "WARN" in index and "was PASS" in index,
        "the audit log has faults": not client.ledger.audit_log.verify().faults,
        "a page too many": len(_pages(home)) == 4,
    }
    client.ledger.close()
    return [fault for fault, is_right in checks.items() if not is_right]


def _pages(home: Path) -> list[Path]:
    return sorted((home / "reports").glob("*.html"))


def _is_whole(page: Path) -> bool:
    return bool(re.search(r"</html>\s*$", page.read_text()))


def spread(points: int, touches: Sequence[str]) -> list[int]:
    """So many points, from 1, evenly spread over all touches, in an order of chance."""
    count = min(points, len(touches))
    chosen = [1 + number * len(touches) // count for number in range(count)]
    random.Random(7).shuffle(chosen)
    return chosen


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--again", nargs=2, metavar=("HOME", "SECONDS"))
    arguments = parser.parse_args()
    if arguments.again:
        home, seconds = arguments.again
        return again_and_again(Path(home), float(seconds))
    points = arguments.points
    faults = twice = 0
    with open_mailbox() as mailbox, tempfile.TemporaryDirectory() as folder:
        base = Path(folder) / "home"
        prepare(base, mailbox.port)
        began = time.monotonic()
        touches = touches_of(base, mailbox)
        for point in spread(points, touches):
            proof = prove(base, mailbox, point)
            faults += bool(proof.wrong)
            twice += proof.mails > 1
            print(json.dumps({"point": point, **proof._asdict()}), flush=True)
    took = time.monotonic() - began
    print(f"{len(touches)} touches, {points} kills, {faults} with faults, {took:.0f} s")
    print(f"the mail came again, with the same Message-ID, after {twice} of them")
    return min(faults, 1)


def again_and_again(home: Path, seconds: float) -> int:
    """Round after round for so long, whoever else is at it."""
    began = time.monotonic()
    while True:
        passed = time.monotonic() - began
        try:
            run(home, THREE_DAYS + passed)
        except StoreError as refused:
            if "another refresh of this home is at work" not in str(refused):
                raise
        if passed > seconds:
            return 0


def touches_of(base: Path, mailbox: Mailbox) -> list[str]:
    """All touches of a round that nobody kills."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        shutil.copytree(base, home)
        code, touches = forked(lambda: _quietly(home, THREE_DAYS), 0)
    assert code == 0
    mailbox.mails.clear()
    return touches


if __name__ == "__main__":
    sys.exit(main())
