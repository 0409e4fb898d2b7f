"""A JupyterLab of its own, opened in Chromium, for tests that look at what it shows."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-lab" / "bin" / "python"
NO_LAB = "no JupyterLab: `make test` makes .venv-lab"

#: Chromium as root in a container, without its own calls to the network.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: Folders of Jupyter's own, which no test shares with the person who runs it.
FOLDERS = (
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "IPYTHONDIR",
    "JUPYTERLAB_SETTINGS_DIR",
    "JUPYTERLAB_WORKSPACES_DIR",
)
#: Settings of JupyterLab: every cell is rendered, also those that nobody has scrolled to; nothing
#: pops up over them.
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {
        "checkForUpdates": False,
        "doNotDisturbMode": True,
        "fetchNews": "false",
    },
}

OPEN = """async path => {
    const app = window.jupyterapp
    await app.restored
    const widget = await app.commands.execute('docmanager:open', {path, factory: 'Notebook'})
    await widget.context.ready
    await widget.sessionContext.ready
    await widget.sessionContext.session.kernel.info
    await app.commands.execute('notebook:run-all-cells')
}"""
THEME = """async theme => {
    await window.jupyterapp.restored
    await window.jupyterapp.commands.execute('apputils:change-theme', {theme})
}"""


class Lab(NamedTuple):
    """A running JupyterLab: its address and its token."""

    url: str
    token: str

    def open(self, page: Page, notebook: str, theme: str = "JupyterLab Light") -> None:
        """Open a notebook in a theme, and run all of its cells; what they show comes later."""
        page.goto(f"{self.url}/lab?reset&token={self.token}")
        page.wait_for_function("() => window.jupyterapp !== undefined", timeout=120_000)
        page.evaluate(THEME, theme)
        page.evaluate(OPEN, notebook)

    def is_own(self, address: str) -> bool:
        """Whether a request went to this machine only."""
        return address.startswith((self.url, "ws://127.0.0.1", "data:", "blob:"))


@contextmanager
def running_lab(notebooks: Path, home: Path, folder: Path) -> Iterator[Lab]:
    """A JupyterLab on a folder of notebooks, over a home; *folder* is for what it writes itself."""
    if not PYTHON.exists():
        pytest.fail(NO_LAB) if os.environ.get("CI") == "true" else pytest.skip(NO_LAB)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {name: str(folder / name.lower()) for name in FOLDERS}
    for name, settings in SETTINGS.items():
        file = Path(own["JUPYTERLAB_SETTINGS_DIR"], "@jupyterlab", f"{name}.jupyterlab-settings")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings))
    token = secrets.token_hex(16)
    command = [
        str(PYTHON),
        "-m",
        "jupyterlab",
        "--no-browser",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={notebooks}",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--allow-root",
    ]
    with (folder / "lab.log").open("w") as log:
        server = subprocess.Popen(
            command, env={**os.environ, **own, "CXTOOLS_HOME": str(home)}, stdout=log, stderr=log
        )
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/api/status?token={token}"), 90)
        yield Lab(f"http://127.0.0.1:{port}", token)
    finally:
        end(server)


def end(server: subprocess.Popen[bytes]) -> None:
    """End a server. Once in a while a thread of its own outlives its loop, and holds it for ever."""
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def wait_until(true: Callable[[], bool], seconds: float) -> None:
    """Wait for something to become true, but not longer than so many seconds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.2)


def answers(url: str) -> bool:
    """Whether an address answers with JSON."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  # our own server
            return bool(json.load(answer))
    except (urllib.error.URLError, OSError, ValueError):
        return False
