"""
A refresh that is killed anywhere is finished by the next: no page is half written, nothing is told
twice, nothing is missed; several at once make one page and one message.

Here a few points; `make soak` takes a hundred.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mailboxes import Mailbox, open_mailbox
from tests.proof.refreshes import (
    ROOT,
    SUBJECT,
    THREE_DAYS,
    prepare,
    prove,
    run,
    touches_of,
    wrong,
)
from tests.uncounted import environment_without_coverage

AT_ONCE = 4
#: How long they are at it. Read here: a test's environment has nothing of ours.
SECONDS = float(os.environ.get("CXTOOLS_SOAK_S", "5"))
#: A touch of each kind that matters: before and after a page, its record, a message and its mark.
TURNS = ("os.rename", "commit", "socket.connect")


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    with open_mailbox() as mailbox:
        yield mailbox


@pytest.fixture(scope="module")
def base(mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("base") / "home"
    prepare(home, mailbox.port)
    mailbox.mails.clear()
    return home


def test_kill_9_at_its_turns_leaves_nothing_undone(base: Path, mailbox: Mailbox) -> None:
    """The last of each kind: the page's name, the last commit, the mail that is on its way."""
    touches = touches_of(base, mailbox)
    last = {name: number for number, name in enumerate(touches, 1) if name in TURNS}
    proofs = {name: prove(base, mailbox, point) for name, point in last.items()}

    assert set(TURNS) == set(proofs)
    assert {} == {name: proof.wrong for name, proof in proofs.items() if proof.wrong}


def test_four_at_once_make_one_page_and_one_message(
    base: Path, mailbox: Mailbox, tmp_path: Path
) -> None:
    """One works, the others say so and leave; when all are done everything is as it has to be."""
    home = tmp_path / "home"
    subprocess.run(["cp", "-a", str(base), str(home)], check=True)
    mailbox.mails.clear()
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.proof.refreshes", "--again", str(home), str(SECONDS)],
            cwd=ROOT,
            env=environment_without_coverage(),
        )
        for _ in range(AT_ONCE)
    ]
    ended = [worker.wait(SECONDS + 240) for worker in workers]
    mails = len(mailbox.mails)
    last = run(home, THREE_DAYS + SECONDS + 300)

    assert [0] * AT_ONCE == ended
    assert ([], 1) == (wrong(home, mailbox, last), mails)
    assert [SUBJECT] == mailbox.subjects
