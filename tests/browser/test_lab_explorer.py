"""
Every control of the explorer in a real JupyterLab, by keys and by mouse: the figures and the code
follow, and JupyterLab's shortcuts take no key.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

import nbformat
import pytest

from cxtools.events.store import EventStore
from tests.browser import shapes
from tests.browser.lab import FLAGS, Lab, running_lab
from tests.browser.texts import FAULTS
from tests.tables import RECEIVED
from tests.troubles import mailing, storm_with_scanners, year_before

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

NEWEST = "autumn"
#: Until the explorer is wired, has counted, and shows so many figures.
IS_SHOWN = """figures => {
  const status = document.querySelector('.cx-explorer .cx-busy [role=status]')
  return status && status.textContent === 'ready' &&
    document.querySelectorAll('.cx-explorer .cx-figures [data-wired]').length === figures
}"""
#: Until the code contains some words, and the first figure's caption too; the sign is ready then.
HAS_FOLLOWED = """([code, caption]) => {
  const root = document.querySelector('.cx-explorer')
  const texts = [...root.querySelectorAll('textarea')].map(text => text.value).join()
  const plot = root.querySelector('.cx-figures .js-plotly-plot')
  return texts.includes(code) && plot && plot.layout.meta.caption.includes(caption) &&
    root.querySelector('.cx-busy [role=status]').textContent === 'ready'
}"""
#: What has the focus, as a screen reader says it.
FOCUS = """() => {
  const focus = document.activeElement
  return focus.getAttribute('aria-label') || focus.textContent
}"""
#: Everything that can have the focus, and has no name.
NAMELESS = """() => [...document.querySelectorAll(
    '.cx-explorer input, .cx-explorer select, .cx-explorer textarea, .cx-explorer button, .cx-explorer [role=button]')]
  .filter(control => !(control.getAttribute('aria-label') || control.textContent.trim()))
  .map(control => control.outerHTML)"""
#: The controls that reach beyond what they stand in, and the figures' faults.
MISPLACED = f"""() => {{
  const root = document.querySelector('.cx-explorer')
  const right = root.closest('.jp-OutputArea-output').getBoundingClientRect().right
  const outside = [...root.querySelectorAll('input, select, textarea, button')]
    .filter(control => control.offsetParent && !control.closest('.cx-picked'))
    .filter(control => control.getBoundingClientRect().right > right)
    .map(control => control.getAttribute('aria-label'))
  const plots = [...root.querySelectorAll('.js-plotly-plot')].filter(plot => plot.offsetParent)
  return [...outside, ...plots.flatMap({FAULTS})]
}}"""
SHUT_BARS = (
    "() => { window.jupyterapp.shell.collapseLeft(); window.jupyterapp.shell.collapseRight() }"
)
RUN = "async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells') }"
#: Keys that JupyterLab would take for a cell: new above, below, delete, cut, paste, another kind.
SHORTCUTS = "abddxvmyz0"
#: Controls in the order in which Tab goes through them; a date has four places to stop at.
ORDER = [
    "Find",
    *["Begun from"] * 4,
    *["Begun until"] * 4,
    "Campaigns",
    "Show",
    "Two",
    "Provider",
    "Domain",
    "Cause",
    "Scanners",
    "Segment",
    *["From"] * 4,
    *["Until"] * 4,
    "Split by",
    "Numbers",
    "Texts and people",
    "All campaigns",
    "As code",
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab with an explorer of six campaigns, the newest with scanners."""
    folder = tmp_path_factory.mktemp("lab")
    notebooks = folder / "notebooks"
    notebooks.mkdir()
    nbformat.write(shapes.notebook({"explorer": "cx.explore()"}), notebooks / "explore.ipynb")
    rng = random.Random(7)
    store = EventStore(folder / "home" / "events")
    newest = storm_with_scanners(mailing(rng, 400), rng)
    weeks = enumerate(year_before(rng, weeks=5))
    sent = {f"week-{week}": earlier for week, earlier in weeks} | {NEWEST: newest}
    for campaign, one in sent.items():
        store.add(campaign, one.events(rng), source="test", received_at=RECEIVED)
    with running_lab(notebooks, folder / "home", folder) as running:
        yield running


@pytest.fixture(scope="module")
def page(lab: Lab, chromium: str) -> Iterator[Page]:
    """The notebook, open."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        lab.open(page, "explore.ipynb")
        page.evaluate(SHUT_BARS)
        yield page
        browser.close()


@pytest.fixture
def explorer(page: Page) -> Locator:
    """An explorer that nobody has touched, of the newest campaign's funnel."""
    page.evaluate("() => document.querySelector('.cx-explorer')?.classList.remove('cx-explorer')")
    page.evaluate(RUN)
    page.wait_for_function(IS_SHOWN, arg=4, timeout=60_000)
    found = page.locator(".cx-explorer")
    control(found, "Show").select_option("funnel")
    page.wait_for_function(IS_SHOWN, arg=1, timeout=60_000)
    return found


def control(explorer: Locator, name: str) -> Locator:
    """A control by the name that a screen reader says."""
    return explorer.get_by_label(name, exact=True)


def check_follows(page: Page, code: str, caption: str = "") -> None:
    """Wait until code and figure say it."""
    page.wait_for_function(HAS_FOLLOWED, arg=[code, caption], timeout=30_000)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_tab_goes_through_all_controls_and_sections(page: Page, explorer: Locator) -> None:
    """Each has a name; what is hidden from the eye has no focus; Space and Enter open a section."""
    control(explorer, "Find").focus()
    names = []
    for _ in ORDER:
        names.append(page.evaluate(FOCUS))
        press(page, "Tab")
    press(page, "Shift+Tab", "Enter", "Tab")
    inside = page.evaluate(FOCUS)
    header = explorer.get_by_role("button", name="As code")
    is_open = header.get_attribute("aria-expanded")
    header.focus()
    press(page, "Space")

    assert names == ORDER
    assert inside == "As code"
    assert ("true", "false") == (is_open, header.get_attribute("aria-expanded"))
    assert [] == page.evaluate(NAMELESS)


#: Control -> the keys, what the code says then, and what the figure's caption does.
BY_KEYS = [
    ("Cause", ["i"], "where={'cause': ['invalid_recipient']}", "cause"),
    ("Scanners", ["ArrowDown"], "where={'scanned': ['no']}", "scanned"),
    ("Scanners", ["End"], "where={'scanned': ['yes']}", "scanned"),
    ("Segment", [*"history=repeat", "Enter"], "where={'history': ['repeat']}", "history"),
    ("Domain", [*"gmail.com", "Enter"], "where={'domain': ['gmail.com']}", "domain"),
]


def test_filters_follow_the_keys(page: Page, explorer: Locator) -> None:
    """One after the other, each taken back; code and figure say what messages they are of."""
    for name, keys, code, caption in BY_KEYS:
        control(explorer, name).focus()
        press(page, *keys)
        check_follows(page, code, caption)
        if name in ("Segment", "Domain"):
            press(page, "Control+a", "Delete", "Enter")
        else:
            press(page, "Home")
        check_follows(page, f"cx.funnel('{NEWEST}')")


def test_filters_follow_the_mouse(page: Page, explorer: Locator) -> None:
    """A list by its options; a segment by its name, which lists its values."""
    control(explorer, "Cause").select_option("Mailbox full")
    check_follows(page, "where={'cause': ['mailbox_full']}", "cause")
    control(explorer, "Cause").select_option("all")
    check_follows(page, f"cx.funnel('{NEWEST}')")
    control(explorer, "Scanners").select_option("nothing else")
    check_follows(page, "where={'scanned': ['yes']}", "scanned")
    control(explorer, "Scanners").select_option("shown")
    check_follows(page, f"cx.funnel('{NEWEST}')")
    control(explorer, "Segment").fill("history=")
    control(explorer, "Segment").blur()
    values = explorer.locator("option[value='history=repeat']")
    values.wait_for(state="attached")
    check_follows(page, f"cx.funnel('{NEWEST}')")  # until the sign is ready: nobody types before
    control(explorer, "Segment").fill("history=repeat")
    control(explorer, "Segment").blur()

    check_follows(page, "where={'history': ['repeat']}", "history")


def test_shortcuts_of_jupyterlab_take_no_key(page: Page, explorer: Locator) -> None:
    """In a list, a line, a code and on a section: the notebook is the same, and texts arrive."""
    cells = page.locator(".jp-Cell").count()
    explorer.get_by_role("button", name="As code").click()
    kinds = page.locator(".jp-CodeCell").count()
    for name in ("Find", "Cause", "Scanners", "Segment", "Split by", "Commands"):
        control(explorer, name).focus()
        press(page, *SHORTCUTS)
    explorer.get_by_role("button", name="Numbers").focus()
    press(page, *SHORTCUTS)

    assert (cells, kinds) == (
        page.locator(".jp-Cell").count(),
        page.locator(".jp-CodeCell").count(),
    )
    assert SHORTCUTS == control(explorer, "Find").input_value()
    assert SHORTCUTS == control(explorer, "Segment").input_value()


#: Chooses the last campaign of the list, and leaves the focus where it is.
CHOOSE_LAST = """() => {
  const list = document.querySelector('.cx-explorer select[aria-label="Campaigns"]')
  const options = [...list.options]
  options.forEach(option => { option.selected = option === options[options.length - 1] })
  list.dispatchEvent(new Event('change', { bubbles: true }))
}"""


def test_lists_that_arrive_leave_what_is_being_typed(page: Page, explorer: Locator) -> None:
    """Another campaign's domains and segments come meanwhile; the filter is obeyed when typed."""
    listed = explorer.locator("datalist").first
    before = listed.inner_html()
    control(explorer, "Domain").focus()
    press(page, *"gmail.com")
    page.evaluate(CHOOSE_LAST)
    check_follows(page, "cx.funnel('week-0')")
    typed = control(explorer, "Domain").input_value()
    control(explorer, "Segment").focus()

    assert typed == "gmail.com"
    assert listed.inner_html() != before
    check_follows(page, "cx.funnel('week-0', where={'domain': ['gmail.com']})", "domain")


def test_sections_show_numbers_people_and_all_campaigns(page: Page, explorer: Locator) -> None:
    """Opened by the mouse and by keys; a click on a bar opens the texts, one on a dot chooses."""
    explorer.get_by_role("button", name="Numbers").click()
    explorer.locator("a[download='funnel-autumn.csv']").wait_for()
    numbers = explorer.locator("table.answer").first.inner_text()
    explorer.get_by_role("button", name="Texts and people").focus()
    press(page, "Enter")
    control(explorer, "Texts of").focus()
    press(page, "ArrowDown")
    explorer.get_by_text("***@").first.wait_for()
    control(explorer, "Person").locator("option").nth(1).wait_for(state="attached")
    control(explorer, "Person").focus()
    press(page, "ArrowDown")
    timeline = explorer.locator(".jupyter-widget-Collapse-open table").nth(1)
    timeline.wait_for()
    control(explorer, "Texts").focus()
    press(page, "ArrowDown")
    timeline.wait_for(state="detached")
    explorer.get_by_role("button", name="All campaigns").focus()
    press(page, "Space")
    explorer.locator(".jupyter-widget-Collapse-open .js-plotly-plot[data-wired]").wait_for()
    trend = control(explorer, "The same").input_value()
    faults = {}
    for width in (480, 900, 1600):
        page.set_viewport_size({"width": width, "height": 1000})
        page.wait_for_timeout(700)
        faults[width] = page.evaluate(MISPLACED)
    explorer.locator(".jupyter-widget-Collapse-open .js-plotly-plot .point").first.click(force=True)
    check_follows(page, "cx.funnel('week-0')")

    assert "400" in numbers
    assert "cx.trend()\ncxtools trend" == trend
    assert {480: [], 900: [], 1600: []} == faults


def test_a_bar_that_is_clicked_opens_its_texts(page: Page, explorer: Locator) -> None:
    """By the mouse; by keys it is the list of causes."""
    control(explorer, "Show").select_option("bounces")
    check_follows(page, "cx.bounces('autumn')")
    explorer.locator(".cx-figures .js-plotly-plot .point").first.click(force=True)
    control(explorer, "Texts").locator("option").nth(1).wait_for(state="attached")

    assert "all" != control(explorer, "Texts of").input_value()


def test_two_campaigns_stand_beside_each_other_or_as_a_difference(
    page: Page, explorer: Locator
) -> None:
    """Chosen by keys, Shift and arrows."""
    control(explorer, "Campaigns").focus()
    press(page, "Shift+ArrowDown")
    check_follows(page, "cx.funnel('week-4', 'autumn')", "95% intervals")
    control(explorer, "Two").focus()
    press(page, "ArrowDown")

    check_follows(page, "cx.compare('week-4', 'autumn')", "Percentage points")
