"""Every figure, verdict and table in a real JupyterLab, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

from tests.browser import shapes
from tests.browser.lab import FLAGS, Lab, running_lab
from tests.browser.texts import FAULTS

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

#: Until each cell has shown something, and each figure is drawn.
IS_SHOWN = """([cells, figures]) =>
  document.querySelectorAll('.jp-CodeCell .jp-OutputArea-child').length >= cells &&
  document.querySelectorAll('.js-plotly-plot .main-svg').length >= figures &&
  [...document.querySelectorAll('.js-plotly-plot')].every(plot => plot.querySelector('.infolayer text'))
"""
#: What a cell shows: its figure's faults, texts and ground, its table's headings, its verdict.
SEEN = f"""cell => {{
  const plot = cell.querySelector('.js-plotly-plot'), table = cell.querySelector('table')
  const verdict = cell.querySelector('.cxtools-verdict')
  const ground = part => {{
    for (let at = part; at; at = at.parentElement) {{
      const colour = getComputedStyle(at).backgroundColor, alpha = colour.match(/[\\d.]+/g)
      if (alpha.length < 4 || Number(alpha[3]) > 0) return colour
    }}
  }}
  const texts = parts => [...parts].map(part => part.textContent.trim())
  const box = part => part.getBoundingClientRect()
  const holds = card => [...card.children].every(part =>
    box(part).left >= box(card).left - 1 && box(part).right <= box(card).right + 1 &&
    box(part).top >= box(card).top - 1 && box(part).bottom <= box(card).bottom + 1)
  return {{
    text: cell.querySelector('.jp-OutputArea').textContent,
    faults: plot ? ({FAULTS})(plot) : [],
    drawn: plot ? texts(plot.querySelectorAll('text')) : [],
    marks: plot ? plot.querySelectorAll('.point, .points path, .hm image, .js-line, .funnellayer path').length : 0,
    paper: plot ? getComputedStyle(plot.querySelector('.main-svg')).backgroundColor : '',
    ground: ground(cell.querySelector('.jp-OutputArea-output')),
    headings: table ? texts(table.querySelectorAll('thead th')) : [],
    names: table ? texts(table.querySelectorAll('tbody th')) : [],
    cells: table ? texts(table.querySelectorAll('tbody td')).filter(text => text).length : 0,
    cards: verdict ? [...verdict.querySelectorAll('.card')].map(holds) : [],
  }}
}}"""
SHUT_BARS = """() => {
  window.jupyterapp.shell.collapseLeft()
  window.jupyterapp.shell.collapseRight()
}"""
#: Until each figure is as wide as what it stands in.
IS_NARROW = """() => [...document.querySelectorAll('.js-plotly-plot')].every(plot => {
  const width = plot.querySelector('.main-svg').getBoundingClientRect().width
  return 300 < width && width < 400
})"""
CLEAR = "rgba(0, 0, 0, 0)"
#: What pandas makes of an answer -> the beginning of its index.
INDEXES = {
    "grouped": ["block", "hard"],
    "pivoted": ["apple", "gmail"],
    "indexed": ["apple", "gmail"],
    "renamed": ["0", "1"],
    "turned": ["campaign", "attempted"],
    "unstacked": ["apple", "gmail"],
    "described": ["count", "mean"],
}

Seen = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab with a notebook of all shapes."""
    folder = tmp_path_factory.mktemp("lab")
    notebooks = folder / "notebooks"
    notebooks.mkdir()
    nbformat.write(shapes.notebook(shapes.CELLS), notebooks / "shapes.ipynb")
    shapes.write_store(folder / "home")
    with running_lab(notebooks, folder / "home", folder) as running:
        yield running


@pytest.fixture(scope="module", params=["Light", "Dark"])
def seen(lab: Lab, chromium: str, request: pytest.FixtureRequest) -> Seen:
    """What each cell shows in one theme."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        asked: list[str] = []
        page.on("request", lambda asking: asked.append(asking.url))
        lab.open(page, "shapes.ipynb", f"JupyterLab {request.param}")
        found = look(page)
        narrow = look_narrowly(page)
        browser.close()

    assert [] == [address for address in asked if not lab.is_own(address)]
    for one in found.values():
        one["theme"] = request.param
    for name, faults in narrow.items():
        found[name]["narrow"] = faults
    return found


def look(page: Page) -> Seen:
    """What the notebook's cells show, by the names of what they ask."""
    expected = [len(shapes.CELLS), len(shapes.FIGURES)]
    page.wait_for_function(IS_SHOWN, arg=expected, timeout=120_000)
    page.wait_for_timeout(500)
    _, *cells = page.locator(".jp-CodeCell").all()
    return {name: cell.evaluate(SEEN) for name, cell in zip(shapes.CELLS, cells, strict=True)}


def look_narrowly(page: Page) -> dict[str, list[str]]:
    """The faults of the notebook's figures in a window of 480 px, without Lab's bars at its sides."""
    page.set_viewport_size({"width": 480, "height": 1000})
    page.evaluate(SHUT_BARS)
    page.wait_for_function(IS_NARROW, timeout=60_000)
    page.wait_for_timeout(500)
    plots = page.locator(".js-plotly-plot").all()
    return {name: plot.evaluate(FAULTS) for name, plot in zip(shapes.FIGURES, plots, strict=True)}


def test_no_cell_fails(seen: Seen) -> None:
    """Everything is answered: no error, nothing empty, no number that is missing by mistake."""
    assert [] == [name for name, one in seen.items() if len(one["text"]) < 20]
    assert [] == [name for name, one in seen.items() if "Error" in one["text"]]


def test_figures_are_drawn_with_captions_and_no_text_on_another(seen: Seen) -> None:
    """Title, caption, marks; and every text has a place of its own."""
    drawn = {name: seen[name] for name in shapes.FIGURES}

    assert {} == {name: one["faults"] for name, one in drawn.items() if one["faults"]}
    assert [] == [name for name, one in drawn.items() if not one["marks"]]
    assert [] == [name for name, one in drawn.items() if not any(map(is_caption, one["drawn"]))]
    assert [] == [name for name, one in drawn.items() if not any(map(is_title, one["drawn"]))]


def test_figures_hold_all_texts_in_a_narrow_window(seen: Seen) -> None:
    """Titles, captions, legends, labels of axes: at 480 px nothing is cut, or stands on another."""
    faults = {name: seen[name]["narrow"] for name in shapes.FIGURES}

    assert {} == {name: found for name, found in faults.items() if found}


def is_title(text: str) -> bool:
    """Whether a text of a figure is its title: each asks something."""
    return text.endswith("?")


def is_caption(text: str) -> bool:
    """Whether a text of a figure is its caption: a sentence, or several."""
    return len(text) > 40 and text.endswith(".")


def test_figures_stand_on_the_notebooks_own_ground(seen: Seen) -> None:
    """A figure has no paper of its own: it is as light or dark as the notebook around it."""
    drawn = {name: seen[name] for name in shapes.FIGURES}

    assert [] == [name for name, one in drawn.items() if one["paper"] not in (CLEAR, "transparent")]
    assert [] == [
        name for name, one in drawn.items() if is_dark(one["ground"]) != (one["theme"] == "Dark")
    ]


def is_dark(colour: str) -> bool:
    """
    >>> is_dark("rgb(17, 17, 17)"), is_dark("rgb(255, 255, 255)")
    (True, False)
    """
    parts = colour.removeprefix("rgba(").removeprefix("rgb(").rstrip(")").split(",")
    return sum(float(part) for part in parts[:3]) < 3 * 128


def test_verdicts_hold_together(seen: Seen) -> None:
    """The word, what to do, and each card around all that it says."""
    verdicts = {name: seen[name] for name in shapes.VERDICTS}

    assert {"FAIL", "PASS", "NO DATA", "TOO FEW"} == {
        word_of(one["text"]) for one in verdicts.values()
    }
    assert [] == [name for name, one in verdicts.items() if "What to do" not in one["text"]]
    assert [] == [name for name, one in verdicts.items() if not all(one["cards"])]
    assert len(seen["verdict"]["cards"]) >= 9


def word_of(text: str) -> str:
    """The word that a verdict says first."""
    words = ("FAIL", "PASS", "NO DATA", "TOO FEW")
    return min(words, key=lambda word: text.find(word) if word in text else len(text))


def test_tables_have_headings_and_an_index_where_they_have_one(seen: Seen) -> None:
    """An answer shows its columns; what pandas made of one, its index and all that it holds."""
    tables = {name: seen[name] for name in (*shapes.TABLES, *shapes.MADE_BY_PANDAS)}
    indexes = {name: seen[name]["names"][:2] for name in INDEXES}

    assert [] == [name for name, one in tables.items() if not one["headings"] or not one["cells"]]
    assert indexes == INDEXES
    assert "n" in seen["renamed"]["headings"]
