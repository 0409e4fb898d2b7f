"""The inbox: each file once, into the campaign that it is of, and a failed one with its reason."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

import pytest

from cxtools.connection import Connection, connect
from cxtools.errors import StoreError
from cxtools.events.importing import import_file
from cxtools.refresh.inbox import QUIET_S
from cxtools.refresh.refresh import LOCK, Refreshed, refresh, waiting
from tests.tables import RECEIVED

LATER = QUIET_S + 1
ROWS = """email,event,timestamp,mailing
ann@example.com,delivered,2026-09-14T10:00:00Z,spring
bob@example.com,delivered,2026-09-14T10:00:01Z,summer
cid@example.com,bounced,2026-09-14T10:00:02Z,summer
"""
NONSENSE = "colour,shape\nred,round\nblue,square\n"


@pytest.fixture
def client(tmp_path: Path) -> Connection:
    return connect(home=str(tmp_path / "home"))


def put(client: Connection, name: str, text: str) -> Path:
    file = client.settings.home / "inbox" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def files(client: Connection) -> list[str]:
    inbox = client.settings.home / "inbox"
    return sorted(str(file.relative_to(inbox)) for file in inbox.rglob("*") if file.is_file())


def again(client: Connection) -> Refreshed:
    return refresh(client, time.time() + LATER)


def test_a_file_is_of_the_campaign_whose_folder_it_lies_in(client: Connection) -> None:
    """It is taken in, moved, and the next round has nothing to do."""
    put(client, "spring/events.csv", ROWS)
    done = again(client)

    assert ["inbox/spring/events.csv: 3 new events of spring"] == str(done).splitlines()
    assert ["done/spring/events.csv"] == files(client)
    assert ["spring"] == client.store.campaigns()
    assert "nothing is due" == str(again(client))


def test_a_preset_names_the_column_of_campaigns(client: Connection) -> None:
    """For a folder of its name, and for files that lie in none."""
    presets = client.settings.home / "feeds"
    presets.mkdir(parents=True)
    for name in ("inbox", "nightly"):
        (presets / f"{name}.toml").write_text('format = "table"\ncampaign_from = "mailing"\n')
    put(client, "monday.csv", ROWS)
    put(client, "nightly/tuesday.csv", ROWS.replace("ann@", "eve@"))
    again(client)

    assert ["spring", "summer"] == client.store.campaigns()
    assert ["done/monday.csv", "done/nightly/tuesday.csv"] == files(client)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("spring/odd.csv", NONSENSE, "email"),
        ("events.csv", ROWS, "nobody says which campaign the events belong to"),
        ("bad name!/events.csv", ROWS, "bad name!"),
        ("spring/empty.csv", "", ""),
    ],
)
def test_what_can_not_be_read_fails_with_its_reason(
    client: Connection, name: str, text: str, reason: str
) -> None:
    """The file goes to failed, the reason beside it; others are taken in, and nothing is twice."""
    put(client, name, text)
    put(client, "summer/good.csv", ROWS)
    done = again(client)

    assert [name] == [file.name for file in done.failed]
    assert ["done/summer/good.csv", f"failed/{name}", f"failed/{name}.why.txt"] == files(client)
    why = client.settings.home / "inbox" / "failed" / f"{name}.why.txt"
    assert reason in why.read_text()
    assert ["summer"] == client.store.campaigns()
    assert "nothing is due" == str(again(client))


def test_a_file_that_was_stored_but_not_moved_is_not_taken_twice(client: Connection) -> None:
    """As after a kill between the two: it is moved, and adds nothing."""
    file = put(client, "spring/events.csv", ROWS)
    import_file(file, "spring", client.store, now=RECEIVED)
    done = again(client)

    assert (0, "done") == (done.files[0].new, done.files[0].state)
    assert ["done/spring/events.csv"] == files(client)


def test_the_same_name_on_another_day(client: Connection) -> None:
    """A daily export keeps its name; the file of yesterday isn't overwritten."""
    for day in ("14", "15", "16"):
        put(client, "spring/daily.csv", ROWS.replace("09-14", f"09-{day}"))
        again(client)

    assert [
        "done/spring/daily.2.csv",
        "done/spring/daily.3.csv",
        "done/spring/daily.csv",
    ] == files(client)


@pytest.mark.parametrize("name", ["spring/events.csv.part", "spring/.events.csv", "spring/x.TMP"])
def test_what_is_still_written_waits(client: Connection, name: str) -> None:
    """Hidden names and endings of what isn't whole; and any file that has just changed."""
    put(client, name, ROWS)
    put(client, "spring/events.csv", ROWS)

    assert "nothing is due" == str(refresh(client, time.time()))
    assert ["take in inbox/spring/events.csv"] == waiting(client, time.time() + LATER)
    again(client)
    assert name in files(client)


def test_two_at_once_one_works(client: Connection) -> None:
    """The other says so, and touches nothing."""
    put(client, "spring/events.csv", ROWS)
    client.settings.home.mkdir(exist_ok=True)
    handle = os.open(client.settings.home / LOCK, os.O_RDWR | os.O_CREAT)
    fcntl.flock(handle, fcntl.LOCK_EX)

    with pytest.raises(StoreError, match="another refresh of this home is at work"):
        again(client)
    os.close(handle)
    assert ["spring/events.csv"] == files(client)
    assert "3 new events" in str(again(client))


def test_whoever_bounced_hard_is_suppressed(client: Connection) -> None:
    """As an import does it, unless the settings say otherwise."""
    refused = (
        "email,event,timestamp,bounce_code\ncid@example.com,bounce,2026-09-14T10:00Z,550 5.1.1\n"
    )
    put(client, "spring/events.csv", refused)
    again(client)

    assert 1 == len(client.ledger.suppressions.listed())
