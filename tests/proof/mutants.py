"""
Are the tests awake? `make mutants` plants the mistakes of tests/proof/mutants/*.toml, one at a time, and
each must make a test fail.

A mutant names its mistake in a sentence, the tests that must notice it, and the lines to change:
`before`, which stand exactly once in the package, whatever file they are in and however deep they
are indented, and `after`. So a mutant follows its code when that moves. It is planted in a copy of
the checkout, never in the checkout itself; before that, the same tests must pass in a copy without
any mistake.

    python tests/proof/mutants.py [NAME…]
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "tests" / "proof" / "mutants").glob("*.toml"))
#: where a mistake can be planted
SOURCES = {".py", ".sql", ".toml", ".tsv"}
AT_ONCE = 2
LIMIT_S = 600
#: hypothesis's stories: a mistake has to be found, its shortest story isn't asked for
STORIES = {"CXTOOLS_MODEL_EXAMPLES": "200", "CXTOOLS_MODEL_SHRINK": "no"}


class Change(NamedTuple):
    """Lines of the package, and what the mistake makes of them."""

    before: list[str]
    after: list[str]


class Mutant(NamedTuple):
    """One planted mistake."""

    name: str
    mistake: str
    tests: tuple[str, ...]
    changes: list[Change]

    @classmethod
    def read(cls, file: Path) -> Mutant:
        text = tomllib.loads(file.read_text(encoding="utf-8"))
        changes = [
            Change(change["before"].splitlines(), change["after"].splitlines())
            for change in text["change"]
        ]
        return cls(file.stem, text["mistake"], tuple(text["tests"]), changes)


class NotThere(Exception):
    """The lines that a mutant changes don't stand exactly once in the package."""


def plant(change: Change, folder: Path) -> None:
    """Write the mistake where the lines stand, as deep as they are indented there."""
    wanted = [line.strip() for line in change.before]
    places = []
    for path in sorted((folder / "cxtools").rglob("*")):
        if path.suffix in SOURCES:
            lines = path.read_text(encoding="utf-8").splitlines()
            stripped = [line.strip() for line in lines]
            starts = range(len(lines) - len(wanted) + 1)
            places += [
                (path, lines, start)
                for start in starts
                if stripped[start : start + len(wanted)] == wanted
            ]
    if len(places) != 1:
        raise NotThere(f"found {len(places)} times: {' / '.join(wanted)}")
    path, lines, start = places[0]
    depth = indent(lines[start]) - indent(change.before[0])
    after = [" " * depth + line if line.strip() else "" for line in change.after]
    lines[start : start + len(wanted)] = after
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def copy_of_the_checkout(folder: Path) -> Path:
    """The files that git keeps, as they are now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not name.startswith("notebooks/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def run_tests(folder: Path, tests: Iterable[str]) -> tuple[int, str]:
    """
    pytest's exit code (0: passed, 1: a test failed) and the last line it printed; the copy's own
    cxtools is what is tested. Tests that can't even be imported notice nothing: exit code 2.
    """
    environ = {**os.environ, **STORIES, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    words = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "--no-header",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        *tests,
    ]
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            env=environ,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 1, f"no end after {LIMIT_S} s"
    if "ERROR collecting" in done.stdout:
        return 2, "the tests could not be imported"
    failed = [
        line.removeprefix("FAILED ")
        for line in done.stdout.splitlines()
        if line.startswith("FAILED ")
    ]
    return done.returncode, (
        failed or done.stdout.splitlines() or done.stderr.splitlines() or ["nothing said"]
    )[-1]


def verdict(mutant: Mutant) -> tuple[bool, str]:
    """Was it caught, and by which test?"""
    with tempfile.TemporaryDirectory(prefix="cxtools-mutant-") as name:
        folder = copy_of_the_checkout(Path(name))
        try:
            for change in mutant.changes:
                plant(change, folder)
        except NotThere as moved:
            return False, f"the mutant doesn't apply any more: {moved}"
        code, said = run_tests(folder, mutant.tests)
    if code != 1:
        return False, f"NOT CAUGHT (exit code {code}): {said}"
    return True, said.split(" - ")[0]


def main(names: list[str]) -> int:
    mutants = [Mutant.read(file) for file in FILES if not names or file.stem in names]
    with (
        tempfile.TemporaryDirectory(prefix="cxtools-mutant-") as name,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        folder = copy_of_the_checkout(Path(name))
        sound = list(
            pool.map(
                lambda tests: (tests, *run_tests(folder, tests)),
                sorted({mutant.tests for mutant in mutants}),
            )
        )
        if sick := [f"  {shlex.join(tests)}: {said}" for tests, code, said in sound if code]:
            print(
                "these tests fail, or find nothing to test, without any mistake:", *sick, sep="\n"
            )
            return 2
        began, caught = time.monotonic(), 0
        for mutant, (found, said) in zip(mutants, pool.map(verdict, mutants), strict=True):
            caught += found
            print(
                f"{'caught' if found else 'MISSED':8} {mutant.name:26} {mutant.mistake}\n{'':36}{said}",
                flush=True,
            )
    print(f"{caught} of {len(mutants)} caught in {time.monotonic() - began:.0f} s")
    return 0 if caught == len(mutants) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
