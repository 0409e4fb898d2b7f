"""Pages of the documentation, followed as a reader follows them: every block of code, in its order."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md")) + sorted((ROOT / "docs" / "howto").glob("*.md"))
BLOCK = re.compile(r"^```(sh|python|toml|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: The first line of a block that is a file: `# spec.toml`
FILE = re.compile(r"# ([\w.-]+\.\w+)\n")
#: A page that needs programs of its own says who follows it.
FOLLOWED = re.compile(r"^% followed by: make [\w-]+$", re.MULTILINE)


def blocks(page: Path) -> list[tuple[str, str]]:
    """The code of a page in its order: language and text."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def needs_programs(page: Path) -> bool:
    """Whether a page is followed where its programs are: by a target of the Makefile."""
    return FOLLOWED.search(page.read_text(encoding="utf-8")) is not None


def follow(page: Path, folder: Path, environ: dict[str, str]) -> str:
    """Run the blocks of a page until one fails: what went wrong, if anything."""
    for language, text in blocks(page):
        fault = run_block(language, text, folder, environ)
        if fault:
            return fault
    return ""


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
            timeout=1200,
            check=False,
        )
        return "" if ran.returncode == 0 else f"{text}\n{ran.stdout}\n{ran.stderr}"
    return ""
