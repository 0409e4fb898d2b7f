"""A list of recipients is read twice at most, and a list that changes in between is not sent."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cxtools.connection import Connection
from cxtools.errors import ConfigError
from cxtools.sending.campaign import Campaign
from cxtools.sending.recipients import TableFile
from tests.conftest import Simulator
from tests.proof.ground import NAME, SPEC, connection

LIST = "email\nann@acme-01.example\nbob@acme-01.example\n"
#: Of the same length, so that only the content tells it from LIST.
OTHER_LIST = "email\nann@acme-01.example\neve@acme-01.example\n"

OPENED: list[str] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        OPENED.append(str(arguments[0]))


sys.addaudithook(_note)  # can't be taken away again, so there is one for all tests


@pytest.fixture
def client(simulator: Simulator, home: Path) -> Connection:
    """A connection to the simulator without a CRM."""
    return connection(simulator.url, home, crm_webhook_url="")


@pytest.fixture
def recipients(tmp_path: Path) -> Path:
    """A list of two people."""
    path = tmp_path / "recipients.csv"
    path.write_text(LIST)
    return path


def from_file(recipients: Path) -> Campaign:
    return Campaign.from_csv(recipients, name=NAME, **SPEC)


def dry_run(client: Connection, recipients: Path) -> None:
    client.dry_run(from_file(recipients))


def send(client: Connection, recipients: Path) -> None:
    client.send(from_file(recipients))


def confirm_and_send(client: Connection, recipients: Path) -> None:
    """As the command line does in a terminal: show the plan, ask, send."""
    campaign = from_file(recipients)
    client.dry_run(campaign)
    client.send(campaign)


def send_and_continue(client: Connection, recipients: Path) -> None:
    """The same cell of a notebook, run twice."""
    campaign = from_file(recipients)
    client.send(campaign)
    client.send(campaign)


def examine(client: Connection, recipients: Path) -> None:
    client.hygiene(TableFile(recipients))


OPENS = [
    # what is done      times the file is opened: once for the header, then to check and to plan it
    (dry_run, 2),
    (send, 3),
    (confirm_and_send, 3),
    (send_and_continue, 3),
    (examine, 2),
]


@pytest.mark.parametrize(
    ("action", "expected"), OPENS, ids=[action.__name__ for action, _ in OPENS]
)
def test_a_list_is_checked_once_and_planned_once(
    client: Connection,
    recipients: Path,
    action: Callable[[Connection, Path], None],
    expected: int,
) -> None:
    """However a campaign is sent, its file is opened for the header and for two readings."""
    OPENED.clear()
    action(client, recipients)

    assert expected == OPENED.count(str(recipients))


def test_a_finished_campaign_is_recognised_by_one_reading(
    client: Connection, recipients: Path
) -> None:
    """The same command again reads the list once, to know that it is the same."""
    send(client, recipients)
    OPENED.clear()
    send(client, recipients)

    assert 2 == OPENED.count(str(recipients))


def overwrite(recipients: Path) -> None:
    """Another list in its place."""
    recipients.write_text(OTHER_LIST)


def overwrite_unseen(recipients: Path) -> None:
    """The same, with the size and the time of change that the file had before."""
    facts = recipients.stat()
    recipients.write_text(OTHER_LIST)
    os.utime(recipients, ns=(facts.st_atime_ns, facts.st_mtime_ns))


@pytest.mark.parametrize("change", [overwrite, overwrite_unseen], ids=["seen", "unseen"])
def test_a_list_that_changes_after_it_was_checked_is_not_sent(
    simulator: Simulator, client: Connection, recipients: Path, change: Callable[[Path], None]
) -> None:
    """What was confirmed is what is sent: another list is refused, nothing is planned or sent."""
    campaign = from_file(recipients)
    client.dry_run(campaign)
    change(recipients)
    with pytest.raises(ConfigError, match="changed since they were first read"):
        client.send(campaign)

    assert [] == client.ledger.plans.names()
    assert {} == simulator.truth()["jobs"]


def test_a_file_that_was_written_again_with_the_same_content_is_the_same_list(
    simulator: Simulator, client: Connection, recipients: Path
) -> None:
    """The content counts; an editor that saves without a change does no harm."""
    campaign = from_file(recipients)
    client.dry_run(campaign)
    recipients.write_text(LIST)
    client.send(campaign)

    assert 1 == len(simulator.truth()["jobs"])
