"""
A notebook that is only looked at: what GitHub, nbviewer, an editor, a terminal, plain nbconvert and
mail make of its stored outputs. Something right is shown in each case, and nothing is asked of
the network.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from html import unescape
from pathlib import Path
from typing import Any

import bleach  # type: ignore[import-untyped]  # it comes with nbconvert
import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from tests.browser import shapes

ROOT = Path(__file__).parents[2]
REPORTS = ("bounce_report", "engagement_report", "run_campaign")
COMMITTED = [ROOT / "notebooks" / f"{name}.ipynb" for name in REPORTS]
FIGURE = "application/vnd.plotly.v1+json"
#: What GitHub and nbviewer leave of HTML: no script, no style, no class.
TAGS = {"a", "b", "br", "code", "details", "div", "h1", "h2", "li", "ol", "p", "small", "span"} | {
    "strong", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td", "ul"
}  # fmt: skip
#: What would be fetched, or run.
FETCHED = re.compile(r"<(script|link|img|iframe)\b|@import|url\(|\bon\w+=", re.I)
GONE = re.compile(r"<(script|style)\b.*?</\1>", re.I | re.S)
MARKUP = re.compile(r"<[^>]*>")

Data = Mapping[str, Any]


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> NotebookNode:
    """A notebook with every figure, verdict and table, run as `make notebooks` runs others."""
    home = tmp_path_factory.mktemp("home")
    shapes.write_store(home)
    notebook = shapes.notebook(shapes.CELLS)
    environ = os.environ | {"CXTOOLS_HOME": str(home), "PLOTLY_RENDERER": "plotly_mimetype"}
    NotebookClient(notebook, timeout=120).execute(env=environ)
    return notebook


def outputs(notebook: NotebookNode) -> Iterator[Data]:
    """What the cells of a notebook show."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "data" in output:
                yield output["data"]


def sanitised(html: str) -> str:
    """HTML as GitHub and nbviewer show it."""
    text: str = bleach.clean(GONE.sub("", html), tags=TAGS, attributes={"a": ["href"]}, strip=True)
    return text


def words(html: str) -> str:
    """What a reader reads of HTML."""
    return unescape(" ".join(MARKUP.sub(" ", html).split()))


def check_output(data: Data) -> None:
    """One output in each of the forms that a renderer may be able to show alone."""
    assert {"text/html", "text/plain"} <= set(data)
    shown = words(sanitised(data["text/html"]))
    plain = data["text/plain"]

    assert not FETCHED.search(data["text/html"])
    assert len(shown) > 40, shown
    assert "{" not in shown, shown[:200]
    assert len(plain) > 20, plain
    assert "object at 0x" not in plain
    if FIGURE not in data:
        return
    meta = data[FIGURE]["layout"]["meta"]
    for form in (shown, plain):
        assert meta["title"] in form
        assert meta["caption"].split(".")[0] in form
    assert "<table" in data["text/html"] or not meta["rows"]
    assert not re.search(r"https?://[^\"]*\.js", str(data[FIGURE]))


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_a_committed_notebook_can_be_read_everywhere(path: Path) -> None:
    """As it lies in the repository: its figures have titles, captions and numbers without plotly."""
    known = list(outputs(nbformat.read(path, as_version=4)))

    assert any(FIGURE in data for data in known)
    for data in known:
        check_output(data)


def test_everything_can_be_read_everywhere(executed: NotebookNode) -> None:
    """Every figure, verdict and table."""
    known = list(outputs(executed))

    assert len(shapes.CELLS) == len(known)
    assert len(shapes.FIGURES) == sum(FIGURE in data for data in known)
    for data in known:
        check_output(data)


def test_plain_nbconvert_shows_what_there_is(executed: NotebookNode) -> None:
    """`jupyter nbconvert --to html` draws no figure: it shows each one's table."""
    html, _ = HTMLExporter().from_notebook_node(executed)
    titles = [
        data[FIGURE]["layout"]["meta"]["title"] for data in outputs(executed) if FIGURE in data
    ]

    assert [] == [title for title in titles if title not in html]
    assert html.count('<table class="answer') >= len(shapes.FIGURES)


def test_a_form_that_is_missing_is_seen(executed: NotebookNode) -> None:
    """The check of the tests above can fail."""
    figure = next(data for data in outputs(executed) if FIGURE in data)
    bare = {FIGURE: figure[FIGURE]}
    fetching = dict(figure) | {"text/html": figure["text/html"] + "<script src=x></script>"}

    for broken in (bare, fetching):
        with pytest.raises(AssertionError):
            check_output(broken)
