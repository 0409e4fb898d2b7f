"""
The figures of an executed notebook, as a page shows them: title and caption are text of the page,
the numbers travel along as a data table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cxtools.charts import style
from cxtools.charts.frame import CAPTION
from cxtools.errors import ReportError
from cxtools.pages.numbers import Document, Numbers, numbers_of

FIGURE_MIME = "application/vnd.plotly.v1+json"
SAID_BY_THE_PAGE = ("meta", "title", "template")
#: px that a chart takes where it doesn't say, and what its title took of it.
HEIGHT = 360
TITLE_HEIGHT = 36
TOP_MARGIN = 12
BOTTOM_MARGIN = 8
#: Where a notebook's own template said these.
PAPER = {
    "font": {"color": style.INK["ink"]},
    "paper_bgcolor": style.INK["paper"],
    "plot_bgcolor": style.INK["paper"],
}
SIDE_MARGIN = 4


@dataclass(frozen=True)
class PageFigure:
    """
    One figure of a page.

    answer      what the figure says in one sentence; "" where it has no such sentence
    spec        data and layout, as plotly draws them
    numbers     the rows of its table
    """

    number: int
    title: str
    answer: str
    caption: str
    spec: Document
    numbers: Numbers

    @property
    def is_drawn(self) -> bool:
        """A figure without data is a sentence in a chart's place."""
        return bool(self.spec["data"])

    @property
    def heading(self) -> str:
        """What stands above it: the answer, else the question."""
        return self.answer if self.answer and self.is_drawn else self.title

    @property
    def height(self) -> int:
        """The chart's height in px."""
        return int(self.spec["layout"]["height"])

    def to_dict(self) -> dict[str, Any]:
        """What the page's script draws."""
        return {"spec": self.spec}


def take_figures(notebook: Any) -> list[PageFigure]:
    """
    The figures of a notebook, in order; each output that holds one is marked with its place
    (`metadata.figure`).
    """
    figures: list[PageFigure] = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            drawing = output.get("data", {}).get(FIGURE_MIME)
            if drawing is None:
                continue
            place = len(figures)
            output.metadata["figure"] = place
            figures.append(page_figure(drawing, number=place + 1))
    return figures


def page_figure(drawing: Document, *, number: int) -> PageFigure:
    """A figure of a page from plotly's JSON and the table in its `layout.meta`."""
    layout = drawing["layout"]
    meta = layout.get("meta") or {}
    title = meta.get("title") or _heading(layout) or f"Figure {number}"
    return PageFigure(
        number=number,
        title=title,
        answer=meta.get("answer", ""),
        caption=meta.get("caption", ""),
        spec=by_day({"data": drawing["data"], "layout": _page_layout(layout)}),
        numbers=numbers_of(meta, title=title),
    )


def _heading(layout: Document) -> str:
    """The text of a chart's own title."""
    title = layout.get("title") or {}
    return re.sub(r"<[^>]+>", "", title.get("text", ""))


def _page_layout(layout: Document) -> dict[str, Any]:
    """A chart's layout without what the page says in text, and as high as what is left."""
    chart = {key: value for key, value in layout.items() if key not in SAID_BY_THE_PAGE}
    meta = layout.get("meta") or {}
    above = meta.get("above", TITLE_HEIGHT)
    below = meta.get("below", 0)
    margin = layout.get("margin", {})
    chart["margin"] = margin | {
        "t": max(margin.get("t", 0) - above, TOP_MARGIN),
        "b": max(margin.get("b", 0) - below, BOTTOM_MARGIN),
        "l": SIDE_MARGIN,
        "r": SIDE_MARGIN,
    }
    chart["height"] = layout.get("height", HEIGHT) - above - below
    labels = layout.get("annotations", [])
    chart["annotations"] = [label for label in labels if label.get("name") != CAPTION]
    return PAPER | chart


def by_day(part: Any) -> Any:
    """A chart in the page's colours: a notebook's are for any paper."""
    if isinstance(part, str):
        return style.BY_DAY.get(part, part)
    if isinstance(part, list):
        return [by_day(item) for item in part]
    if isinstance(part, dict):
        return {key: by_day(value) for key, value in part.items()}
    return part


def check_figures(figures: Sequence[PageFigure]) -> None:
    """
    Refuse a chart that the page's bundle of plotly.js can't draw: it would be drawn as a line,
    without any error.
    """
    drawable = ", ".join(style.TRACES)
    for figure in figures:
        types = {trace.get("type", "scatter") for trace in figure.spec["data"]}
        unknown = sorted(types - set(style.TRACES))
        if unknown:
            raise ReportError(
                f"the page can't draw {', '.join(unknown)}",
                where=figure.title,
                do=f"draw it with {drawable}, or extend cxtools/pages/assets/build.sh",
            )
