"""The documentation site: what it shows is run, what it lists is complete, and it builds without a warning."""

from __future__ import annotations

import os
import re
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

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md")) + sorted((ROOT / "docs" / "howto").glob("*.md"))
BLOCK = re.compile(r"^```(sh|python|toml|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: The first line of a block that is a file: `# spec.toml`
FILE = re.compile(r"# ([\w.-]+\.\w+)\n")


def blocks(page: Path) -> list[tuple[str, str]]:
    """The code of a page in its order: language and text."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def with_commands(page: Path) -> bool:
    return any(language in ("sh", "python") for language, _ in blocks(page))


def run_block(language: str, text: str, folder: Path, environ: dict[str, str]) -> str:
    """Run a block as a reader would, or write the file that it shows; what went wrong, if anything."""
    file = FILE.match(text)
    if file:
        (folder / file[1]).write_text(text.removeprefix(file[0]), encoding="utf-8")
    elif language in ("sh", "python"):
        shell = ["bash", "-euo", "pipefail", "-c"] if language == "sh" else [sys.executable, "-c"]
        ran = subprocess.run(
            [*shell, text],
            cwd=folder,
            env=environ,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        return "" if ran.returncode == 0 else f"{text}\n{ran.stdout}\n{ran.stderr}"
    return ""


@pytest.mark.parametrize(
    "page", [page for page in PAGES if with_commands(page)], ids=lambda page: page.stem
)
def test_every_example_runs(page: Path, simulator: Simulator, tmp_path: Path) -> None:
    """From the first block to the last, in one folder, against the simulator."""
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
    for language, text in blocks(page):
        fault = run_block(language, text, tmp_path, environ)
        assert fault == ""


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
