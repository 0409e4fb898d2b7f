"""Commands that only read: what they make of a home that isn't there, and of what isn't measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import cxtools as cx
from cxtools import connect
from cxtools.cli.program import app
from cxtools.errors import ConfigError, CxError, StoreError
from tests import tables
from tests.tables import ask
from tests.unit.test_catalogue import STORE


def run(home: Path, *words: str) -> Result:
    return CliRunner(env={"CXTOOLS_HOME": str(home)}).invoke(app, list(words))


#: What only reads -> its exit code, and what it says of an empty ledger.
READING = {
    "status q3": (2, "there is no campaign 'q3' in the ledger\n  -> known are: none yet"),
    "status": (0, "no campaigns"),
    "resume": (0, "no campaigns"),
    "doctor": (2, "ok    ledger: there is none yet: the first send makes it"),
    "campaigns": (0, "no campaigns"),
    "audit verify": (0, "0 rows, head 0000000000000000: no fault found"),
    "audit verify --anchor 7:9f86d081": (6, "the audit log has 1 fault, the first at row 1"),
    "audit export": (0, "[]"),
    "suppressions list": (0, "nobody is suppressed"),
    "outbox list": (0, "the outbox is empty"),
    "person ann@one.example": (0, "planned in 0 batches"),
    "timeline ann@one.example": (0, "Nothing is held on that person."),
    "purge --older-than 400d --dry-run": (0, "0 campaigns"),
    "refresh --dry-run": (0, "nothing is due"),
    "funnel": (0, "Nothing of that kind is known yet."),
    "recipients": (0, "Nobody is that."),
    "verdict q3": (6, "no events of campaign q3"),
}


@pytest.mark.parametrize("line", READING)
def test_what_only_reads_makes_no_home(line: str, tmp_path: Path) -> None:
    """Where there is none, which is most often a slip; it says what it says of an empty ledger."""
    home = tmp_path / "home"
    code, said = READING[line]
    done = run(home, *line.split())
    error = str(done.exception) if isinstance(done.exception, CxError) else ""

    assert not home.exists()
    assert said in done.stdout + error
    assert code == getattr(done.exception, "exit_code", done.exit_code)


def test_what_notebooks_read_makes_no_home(tmp_path: Path) -> None:
    """A campaign of a home that isn't there is unknown, and nothing of it waits to be sent."""
    home = tmp_path / "home"
    with pytest.raises(ConfigError, match="there is no campaign 'q3'"):
        cx.status("q3", home=home)

    assert [] == connect(home=str(home)).unfinished()
    assert not home.exists()


def test_anchors_without_a_ledger_miss_it(tmp_path: Path) -> None:
    """Whoever removed a ledger is told of by the anchors that it left in the home."""
    client = connect(home=str(tmp_path))
    client.ledger.suppressions.add("by hand", {"key": "asked"}, "operator")
    client.ledger.audit_log.append_anchor()
    for file in tmp_path.glob("ledger.sqlite*"):
        file.unlink()
    done = run(tmp_path, "audit", "verify")

    assert isinstance(done.exception, StoreError)
    assert "the audit log has" in str(done.exception)


def test_one_option_holds_several_filters(tmp_path: Path) -> None:
    """With commas, as in notebooks and on pages."""
    (tmp_path / "events").symlink_to(STORE.root)
    where = "provider=microsoft,job=j1"
    asked = run(tmp_path, "funnel", "--where", where, "--json")
    expected = ask("funnel", STORE, where=where)

    assert len(expected)
    assert expected.records() == json.loads(asked.stdout)


def test_clicks_that_nobody_measures_are_no_zero(tmp_path: Path) -> None:
    """Of a campaign whose feed holds none; a dash, and null in JSON."""
    untold = tables.store("to | kind | at\nann | delivery | +0")
    (tmp_path / "events").symlink_to(untold.root)
    [campaign] = json.loads(run(tmp_path, "campaigns", "--json").stdout)

    assert (1, None, None) == tuple(campaign[name] for name in ("delivered", "opened", "clicked"))
    assert "delivered 1 of 1; clicked –;" in run(tmp_path, "campaigns").stdout
