"""The documentation site: `make docs` writes it to docs/_build, its reference from the code."""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx

from cxtools import __version__
from docs.reference_pages import write_pages

project = "cxtools"
author = "the cxtools authors"
release = __version__
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"cxtools {release}"
# The pages need no network: no fonts, no badges, no analytics.
html_static_path: list[str] = []
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
# Code of every kind stands in the pages; what isn't Python is shown as it is.
highlight_language = "none"


def write_reference(_app: Sphinx) -> None:
    """Make the pages that read the code, before Sphinx looks for pages."""
    write_pages(Path(__file__).parent / "reference" / "made")


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", write_reference, priority=0)
