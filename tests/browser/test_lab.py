"""The explorer in a real JupyterLab, in a real browser."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pandas as pd
import pytest

from cxtools.events.store import EventStore
from cxtools.model import Event

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
OPEN = """async path => {
    const app = window.jupyterapp
    await app.restored
    const widget = await app.commands.execute('docmanager:open', {path, factory: 'Notebook'})
    await widget.context.ready
    await widget.sessionContext.ready
    await widget.sessionContext.session.kernel.info
    await app.commands.execute('notebook:run-all-cells')
}"""


@pytest.fixture
def store(home: Path) -> EventStore:
    """Two campaigns with different funnels."""
    store = EventStore(home / "events")
    at = datetime(2026, 9, 14, 8, tzinfo=UTC)
    for campaign, opened in (("first", 5), ("second", 9)):
        mails = [
            Event(
                f"{campaign}-d{number}",
                "delivery",
                "delivery",
                "j1",
                f"m{number}",
                f"r{number}",
                "",
                at,
            )
            for number in range(10)
        ]
        opens = [
            Event(f"{campaign}-o{number}", "open", "open", "j1", f"m{number}", f"r{number}", "", at)
            for number in range(opened)
        ]
        store.add(campaign, mails + opens, source="test", received_at=at)
    return store


@pytest.fixture
def lab(store: EventStore, home: Path, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A JupyterLab of its own on a copy of the notebooks: (address, token)."""
    if not PYTHON.exists():
        pytest.fail(NO_LAB) if os.environ.get("CI") == "true" else pytest.skip(NO_LAB)
    work = tmp_path / "work"
    shutil.copytree(ROOT / "notebooks", work, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    not_run = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])
    nbformat.write(not_run, work / "not_run.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    own = {
        name: str(tmp_path / name.lower())
        for name in (
            "JUPYTER_CONFIG_DIR",
            "JUPYTER_DATA_DIR",
            "JUPYTER_RUNTIME_DIR",
            "IPYTHONDIR",
            "JUPYTERLAB_SETTINGS_DIR",
            "JUPYTERLAB_WORKSPACES_DIR",
        )
    }
    command = [
        str(PYTHON),
        "-m",
        "jupyterlab",
        "--no-browser",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={work}",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--allow-root",
    ]
    with (tmp_path / "lab.log").open("w") as log:
        server = subprocess.Popen(
            command, env={**os.environ, **own, "CXTOOLS_HOME": str(home)}, stdout=log, stderr=log
        )
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/api/status?token={token}"), 90)
        yield f"http://127.0.0.1:{port}", token
    finally:
        server.terminate()
        server.wait(20)


def wait_until(true: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.2)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  # our own server
            return bool(json.load(answer))
    except (urllib.error.URLError, OSError, ValueError):
        return False


def drawn(page: Page) -> list[float]:
    """The numbers of the funnel that the page shows."""
    numbers: list[float] = page.evaluate(
        "() => { const plot = document.querySelector('.js-plotly-plot'); return plot ? Array.from(plot._fullData[0].x) : [] }"
    )
    return numbers


@pytest.mark.browser
def test_the_explorer_answers_its_controls_in_jupyterlab(
    lab: tuple[str, str], chromium: str
) -> None:
    """Another campaign chosen, another figure drawn; no address but this machine's is asked."""
    from playwright.sync_api import sync_playwright

    url, token = lab
    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{url}/lab?reset&token={token}")
        page.wait_for_function("() => window.jupyterapp !== undefined", timeout=60_000)
        page.evaluate(OPEN, "explore_deliverability.ipynb")
        page.wait_for_selector(".js-plotly-plot", timeout=60_000)
        second = drawn(page)
        page.locator(".widget-select-multiple select").first.select_option(label="first")
        page.wait_for_function(
            "before => { const plot = document.querySelector('.js-plotly-plot');"
            " return plot && plot._fullData && String(Array.from(plot._fullData[0].x)) !== String(before) }",
            arg=second,
            timeout=30_000,
        )
        first = drawn(page)
        page.locator(".widget-dropdown select").first.select_option(label="bounces")
        # the new figure moves the button: pressed too early, a click lands beside it
        page.wait_for_function(
            "() => { const plot = document.querySelector('.js-plotly-plot');"
            " return plot && plot._fullData && !plot._fullData.some(trace => trace.type === 'funnel') }",
            timeout=30_000,
        )
        page.get_by_role("button", name="As a command").click()
        page.wait_for_function(
            "() => document.querySelector('.widget-textarea textarea').value.includes('cxtools report')",
            timeout=30_000,
        )
        browser.close()

    assert ([10, 10, 9, 0], [10, 10, 5, 0]) == (
        second,
        first,
    )  # of so few perhaps nobody clicked: a step of none
    assert [] == [
        address
        for address in asked
        if not address.startswith((url, "ws://127.0.0.1", "data:", "blob:"))
    ]


FORMS = """
import sys
from pathlib import Path
import cxtools as cx

folder = Path(sys.argv[1])
table = cx.funnel("first", "second")
table.to_excel(folder / "funnel.xlsx")
(folder / "funnel.md").write_text(table.to_markdown())
table.set_index("campaign")["delivered"].plot.bar().figure.savefig(folder / "plot.png")
table.chart().write_image(folder / "funnel.png")
"""


def test_what_analysts_take_away_is_there(store: EventStore, home: Path, tmp_path: Path) -> None:
    """Excel, Markdown, pandas' own plots and a figure as a picture, in Lab's environment."""
    assert PYTHON.exists(), NO_LAB
    environ = os.environ | {"CXTOOLS_HOME": str(home), "MPLBACKEND": "Agg"}
    subprocess.run([PYTHON, "-c", FORMS, str(tmp_path)], check=True, env=environ, timeout=120)
    rows = pd.read_excel(tmp_path / "funnel.xlsx", engine="calamine")

    assert ["first", "second"] == rows["campaign"].tolist()
    assert "| first " in (tmp_path / "funnel.md").read_text().replace("|  0 ", "")
    assert all(
        (tmp_path / name).read_bytes()[:4] == b"\x89PNG" for name in ("plot.png", "funnel.png")
    )


def test_jupyterlab_exports_the_page(lab: tuple[str, str]) -> None:
    """
    *Save and Export Notebook As* offers what the server lists, and gets the page from it; one that
    was not run is refused in words.
    """
    url, token = lab
    listed = asked(f"{url}/api/nbconvert", token)
    page = asked(f"{url}/nbconvert/cxtools/bounce_report.ipynb?download=true", token)

    assert "text/html" == json.loads(listed)["cxtools"]["output_mimetype"]
    assert "<h1>q3-update</h1>" in page
    assert 3 <= page.count('class="plot"')
    assert "<script src=" not in page
    with pytest.raises(urllib.error.HTTPError) as refused:
        asked(f"{url}/nbconvert/cxtools/not_run.ipynb", token)
    assert "it was not run" in refused.value.read().decode()


def asked(url: str, token: str) -> str:
    """What the server answers to whoever has its token."""
    request = urllib.request.Request(url, headers={"Authorization": f"token {token}"})  # noqa: S310  # our own server
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  # our own server
        return str(answer.read().decode())
