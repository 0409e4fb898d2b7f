"""An environment with the wheel and nothing else, and an empty folder to work in."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.browser.conftest import browser, visit  # noqa: F401 - fixtures

ROOT = Path(__file__).parents[2]


class Installed:
    """Programs of an environment, run as a shell of somebody who has only that runs them."""

    def __init__(self, environment: Path, folder: Path) -> None:
        self.programs = environment / "bin"
        self.folder = folder
        self.environ = {
            "PATH": f"{self.programs}:/usr/bin:/bin",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
        }

    def __call__(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.programs / words[0]), *words[1:]],
            cwd=self.folder,
            env=self.environ | environ,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel of this checkout, built and installed as `pip install cxtools` does."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = ["-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, *build, str(ROOT)], check=True)
    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run(
        [environment / "bin" / "python", *pip, "install", str(wheel)], check=True, env=os.environ
    )
    return Installed(environment, tmp_path_factory.mktemp("empty"))
