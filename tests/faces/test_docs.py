"""The documentation site: what it shows is run, what it lists is complete, and it builds without a warning."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

import cxtools
from cxtools.cli.program import app
from cxtools.events import feeds
from cxtools.measures.catalogue import QUESTIONS
from cxtools.settings import setting_rows
from docs.reference_pages import (
    commands_page,
    every_command,
    feeds_page,
    python_page,
    questions_page,
    settings_page,
)
from tests.conftest import Simulator
from tests.howto import PAGES, blocks, follow, needs_programs

ROOT = Path(__file__).parents[2]


def with_commands(page: Path) -> bool:
    return any(language in ("sh", "python") for language, _ in blocks(page))


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if with_commands(page) and not needs_programs(page)],
    ids=lambda page: page.stem,
)
def test_every_example_runs(page: Path, simulator: Simulator, tmp_path: Path) -> None:
    """
    From the first block to the last, in one folder, against the simulator. Pages that need programs
    of their own are followed by `make schedulers-check`.
    """
    own = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    environ = {
        **own,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{own['PATH']}",
        "HOME": str(tmp_path),
        "CXTOOLS_HOME": str(tmp_path / "home"),
        "CXONE_ENV_URL": simulator.url,
        "CXONE_CLIENT_ID": "simulator",
        "CXONE_CLIENT_SECRET": "simulator",
    }
    assert "" == follow(page, tmp_path, environ)


def test_every_feed_stands_in_the_reference() -> None:
    """The page of feeds is made from their registry; README names each of them, too."""
    titles = {feeds.feed(name).TITLE for name in feeds.NAMES}
    page = feeds_page()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert [] == [name for name in feeds.NAMES if f"| `{name}` |" not in page]
    assert [] == [title for title in titles if title not in page or title not in readme]


def test_every_command_stands_in_the_reference() -> None:
    """The page of commands is made from the command line itself."""
    names = [name for name, _ in every_command(typer.main.get_command(app), "cxtools")]
    page = commands_page()

    assert len(names) > 20
    assert [] == [name for name in names if f"\n## {name}\n" not in page]


def test_every_setting_stands_in_the_reference() -> None:
    """The page of settings has a row for each setting, those of tables too."""
    page = settings_page()

    assert [] == [row.name for row in setting_rows() if f"| `{row.name}` |" not in page]


def test_every_question_stands_in_the_reference() -> None:
    """The page of questions is made from the catalogue."""
    page = questions_page()

    assert [] == [name for name in QUESTIONS if f"\n## {name}\n" not in page]


def test_every_public_name_stands_in_the_reference() -> None:
    """The page of Python shows what Shift-Tab shows."""
    page = python_page()

    assert [] == [name for name in cxtools.__all__ if f"\n## cx.{name}\n" not in page]


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    """A link that leads nowhere or a page that no list names is a failure."""
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", "docs", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ("", 0) == (built.stderr, built.returncode)
    assert (tmp_path / "index.html").exists()
