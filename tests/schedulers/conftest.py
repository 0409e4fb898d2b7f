"""The environments that `make schedulers-check` makes, and a home with a sound and a bad campaign."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from cxtools.events.store import EventStore
from tests import tables
from tests.faces.test_papermill import GONE
from tests.faces.test_report import EVENTS

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
HOWTO = ROOT / "docs" / "howto"


def programs(name: str) -> Path:
    """The folder with the programs of an environment."""
    folder = ROOT / f".venv-{name}" / "bin"
    assert folder.is_dir(), f"no .venv-{name}: make schedulers-check makes it"
    return folder


def needed(program: str, package: str) -> str:
    """The path of a program of the system; the check fails where it is missing."""
    path = shutil.which(program)
    assert path, f"no {program}: install Debian's package {package}"
    return path


def environ(*folders: Path, home: Path, **others: str) -> dict[str, str]:
    """An environment whose programs are looked for in these folders first; a home of its own."""
    own = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
    path = ":".join([*map(str, folders), "/usr/local/bin:/usr/bin:/bin"])
    return {**own, "PATH": path, "HOME": str(home.parent), "CXTOOLS_HOME": str(home), **others}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose store knows `sound`, and `bad`, whose verdict is FAIL."""
    folder = tmp_path_factory.mktemp("work") / "home"
    folder.mkdir(mode=0o700)
    store = EventStore(folder / "events")
    tables.store(EVENTS, "sound", into=store)
    tables.store(GONE, "bad", into=store)
    return folder
