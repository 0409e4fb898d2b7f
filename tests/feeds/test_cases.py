"""
Files as people have them, each with what is right: the inputs are in our own words.

`cases/right.toml` says of each file its feeds, rows, rows set aside, kinds, and the funnel
(attempted, bounced, delivered, opened, clicked) and, where machines opened, opened_strict; what the import must say, and whether most rows
were understood; or why the file is refused. A new case is a file and a table there.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from cxtools.errors import ConfigError
from cxtools.events.importing import import_files
from cxtools.events.instructions import Instructions
from cxtools.events.store import EventStore
from cxtools.events.summary import Imported
from tests.imports import NOW
from tests.tables import ask

FOLDER = Path(__file__).parent / "cases"
RIGHT: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / "right.toml").read_text("utf-8"))
READ = [name for name, right in RIGHT.items() if "refused" not in right]
REFUSED = [name for name, right in RIGHT.items() if "refused" in right]
STEPS = ["attempted", "bounced", "delivered", "opened", "clicked", "opened_strict"]


def imported(store: EventStore, name: str) -> Imported:
    """A case, imported as a campaign of its own."""
    right = RIGHT[name]
    told = Instructions(**right.get("told", {}))
    files = [FOLDER / file for file in right.get("files", [name])]
    return import_files(files, store, told, campaign=name, now=NOW)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> EventStore:
    return EventStore(tmp_path_factory.mktemp("home") / "events")


@pytest.fixture(scope="module")
def done(store: EventStore) -> dict[str, Imported]:
    return {name: imported(store, name) for name in READ}


@pytest.fixture(scope="module")
def funnel(store: EventStore, done: dict[str, Imported]) -> dict[str, list[int]]:
    """The funnel of all cases, asked for once."""
    table: Any = ask("funnel", store).set_index("campaign")
    return {name: table.loc[name, STEPS].astype(int).tolist() for name in done}


@pytest.mark.parametrize("name", READ)
def test_a_file_gives_what_is_right(
    done: dict[str, Imported], funnel: dict[str, list[int]], name: str
) -> None:
    """Its rows, kinds and funnel; what wasn't understood is said, and nothing else is."""
    found, right = done[name], RIGHT[name]
    expected = {
        "format": right["format"],
        "rows": right["rows"],
        "rejected": right.get("rejected", 0),
        "kinds": right["kinds"],
        "funnel": right["funnel"],
        "understood": right.get("understood", True),
    }

    assert expected == {
        "format": found.format,
        "rows": found.rows,
        "rejected": found.rejected,
        "kinds": dict(found.kinds),
        "funnel": funnel[name][:-1],
        "understood": found.is_understood,
    }
    assert right.get("opened_strict", funnel[name][-1]) == funnel[name][-1]
    says = [warning.partition("; reasons in ")[0] for warning in found.warnings]
    assert right.get("says", []) == says


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_can_not_be_read_rightly_is_refused(store: EventStore, name: str) -> None:
    """With what is wrong with it."""
    with pytest.raises(ConfigError) as refused:
        imported(store, name)

    assert RIGHT[name]["refused"] in str(refused.value)


def test_every_file_is_a_case() -> None:
    """None lies there unread."""
    files = {file.name for file in FOLDER.iterdir()} - {"right.toml"}

    used: set[str] = set()
    for name, right in RIGHT.items():
        used.update(right.get("files", [name]))
    assert set() == files ^ used
