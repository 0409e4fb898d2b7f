"""What the tests in a browser share: the browser, and a visit of a page by one reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SIZES = {"desktop": (1280, 900), "phone": (360, 740), "sheet": (680, 1000)}


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()


class Visit:
    """A page as one reader sees it, with all that the browser complained about and asked for."""

    def __init__(
        self,
        browser: Browser,
        file: Path,
        *,
        size: str = "desktop",
        scheme: Literal["light", "dark"] = "light",
        script: bool = True,
    ) -> None:
        width, height = SIZES[size]
        self.context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            java_script_enabled=script,
        )
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri())

    def charts(self) -> str:
        """How many charts were drawn, or "failed", as soon as it is known."""
        # By attribute: the page's policy forbids the eval of Playwright's other ways to wait.
        self.page.wait_for_selector("html[data-charts]", state="attached", timeout=20_000)
        return str(self.page.get_attribute("html", "data-charts"))

    def opened(self) -> Visit:
        """The same page with everything unfolded."""
        for details in self.page.locator("details").all():
            details.evaluate("details => details.open = true")
        return self

    def violations(self) -> list[str]:
        """What axe finds wrong for people who can't see, or see otherwise."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page).response["violations"]
        return [f"{rule['id']}: {node['target']}" for rule in found for node in rule["nodes"]]


Visiting = Callable[..., Visit]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visiting]:
    visits: list[Visit] = []

    def start(file: Path, **reader: Any) -> Visit:
        visits.append(Visit(browser, file, **reader))
        return visits[-1]

    yield start
    for one in visits:
        one.context.close()
