"""The explorer in a real JupyterLab, in a real browser."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pandas as pd
import pytest

from cxtools.events.store import EventStore
from cxtools.model import Event
from tests.browser.lab import FLAGS, NO_LAB, PYTHON, ROOT, Lab, running_lab

if TYPE_CHECKING:
    from playwright.sync_api import Page


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
def lab(store: EventStore, home: Path, tmp_path: Path) -> Iterator[Lab]:
    """A JupyterLab of its own on a copy of the notebooks."""
    work = tmp_path / "work"
    shutil.copytree(ROOT / "notebooks", work, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    not_run = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])
    nbformat.write(not_run, work / "not_run.ipynb")
    with running_lab(work, home, tmp_path) as running:
        yield running


def drawn(page: Page) -> list[float]:
    """The numbers of the funnel that the page shows."""
    numbers: list[float] = page.evaluate(
        "() => { const plot = document.querySelector('.js-plotly-plot'); return plot ? Array.from(plot._fullData[0].x) : [] }"
    )
    return numbers


REOPEN = """async path => {
    const app = window.jupyterapp
    await app.restored
    const widget = await app.commands.execute('docmanager:open', {path, factory: 'Notebook'})
    await widget.context.ready
}"""
SHUT = "async () => { await window.jupyterapp.shell.currentWidget.sessionContext.shutdown() }"
SAVE = "async () => { await window.jupyterapp.commands.execute('docmanager:save') }"
#: The names of all controls, as a screen reader says them.
NAMES = """() => Array.from(document.querySelectorAll('.cx-explorer input, .cx-explorer select, .cx-explorer textarea'))
    .map(control => control.getAttribute('aria-label') || '')"""


@pytest.mark.browser
def test_the_explorer_answers_its_controls_in_jupyterlab(
    lab: Lab, tmp_path: Path, chromium: str
) -> None:
    """
    By mouse and by keys, which JupyterLab's shortcuts leave alone; every control has a name; no
    address but this machine's is asked; a notebook that is opened again shows the figure.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        lab.open(page, "explore_deliverability.ipynb")
        page.wait_for_selector(".cx-explorer .js-plotly-plot[data-wired]", timeout=120_000)
        controls = page.locator(".cx-explorer")
        before = drawn(page)
        controls.get_by_label("Campaigns", exact=True).select_option(index=1)
        page.wait_for_function(
            "before => { const plot = document.querySelector('.js-plotly-plot');"
            " return plot && plot._fullData && String(Array.from(plot._fullData[0].x)) !== String(before) }",
            arg=before,
            timeout=120_000,
        )
        after = drawn(page)
        names = page.evaluate(NAMES)
        cells = page.locator(".jp-Cell").count()
        controls.get_by_label("Show", exact=True).focus()
        for key in ("d", "d", "b", "Home", "ArrowDown"):
            page.keyboard.press(key)
        page.wait_for_function(
            "() => { const plots = document.querySelectorAll('.cx-explorer .js-plotly-plot');"
            " return plots.length === 1 && plots[0].layout.meta.title.startsWith('How far') }",
            timeout=120_000,
        )
        cells_after = page.locator(".jp-Cell").count()
        page.wait_for_timeout(5_000)  # what a notebook keeps follows what it shows
        page.evaluate(SAVE)
        page.evaluate(SHUT)
        page.goto(f"{lab.url}/lab?reset&token={lab.token}")
        page.wait_for_function("() => window.jupyterapp !== undefined", timeout=120_000)
        page.evaluate(REOPEN, "explore_deliverability.ipynb")
        page.wait_for_selector(".jp-OutputArea .jp-RenderedPlotly", timeout=120_000)
        browser.close()

    saved = nbformat.read(tmp_path / "work" / "explore_deliverability.ipynb", as_version=4)
    kept = saved.cells[-1].outputs[-1].data["application/vnd.plotly.v1+json"]
    # of so few perhaps nobody clicked: a step of none
    assert [[10, 10, 5, 0], [10, 10, 9, 0]] == sorted([before, after])
    assert "" not in names
    assert cells == cells_after
    assert "How far did the mail get?" == kept["layout"]["meta"]["title"]
    assert [] == [address for address in asked if not lab.is_own(address)]


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


def test_jupyterlab_exports_the_page(lab: Lab) -> None:
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
