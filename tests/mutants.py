"""
Are the tests awake? `make mutants` plants the mistakes of tests/mutants/*.patch, one at a time, and each must make a test fail.

A patch begins with the mistake in a sentence and the tests that must notice it. It is applied to a copy of the checkout, never to the
checkout itself; before that, the same tests must pass in a copy without any mistake. A patch that no longer applies is renewed by hand:
make the mistake, `git diff`.

    python tests/mutants.py [NAME…]
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PATCHES = sorted((ROOT / "tests" / "mutants").glob("*.patch"))
AT_ONCE = 2
LIMIT_S = 600
#: hypothesis's stories: a mistake has to be found, its shortest story isn't asked for
STORIES = {"CXTOOLS_MODEL_EXAMPLES": "200", "CXTOOLS_MODEL_SHRINK": "no"}


class Mutant(NamedTuple):
    """One planted mistake."""

    patch: Path
    mistake: str
    tests: tuple[str, ...]

    @classmethod
    def read(cls, patch: Path) -> Mutant:
        mistake, _, tests, *_ = patch.read_text(encoding="utf-8").split("\n", 3)
        return cls(patch, mistake, tuple(shlex.split(tests.removeprefix("pytest "))))


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
    """pytest's exit code (0: passed, 1: a test failed) and the last line it printed; the copy's own cxtools is what is tested."""
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
        planted = subprocess.run(
            ["git", "apply", "--recount", "-C1", str(mutant.patch)],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if planted.returncode:
            return (
                False,
                f"the patch doesn't apply any more: {planted.stderr.strip().splitlines()[0]}",
            )
        code, said = run_tests(folder, mutant.tests)
    return code == 1, said.split(" - ")[
        0
    ] if code == 1 else f"NOT CAUGHT (exit code {code}): {said}"


def main(names: list[str]) -> int:
    mutants = [Mutant.read(patch) for patch in PATCHES if not names or patch.stem in names]
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
                f"{'caught' if found else 'MISSED':8} {mutant.patch.stem:26} {mutant.mistake}\n{'':36}{said}",
                flush=True,
            )
    print(f"{caught} of {len(mutants)} caught in {time.monotonic() - began:.0f} s")
    return 0 if caught == len(mutants) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
