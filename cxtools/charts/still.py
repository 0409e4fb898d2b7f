"""
A figure that leaves a still form beside plotly's: its title, caption and first rows as HTML, which
GitHub, nbviewer, plain nbconvert and mail show where plotly doesn't run. JupyterLab prefers
plotly's. plotly's own HTML would add megabytes of script to a notebook, and show nothing there.
"""

from __future__ import annotations

import html
from typing import Any

import plotly.graph_objects as go

from cxtools import wording
from cxtools.charts import tables
from cxtools.charts.rows import SHOWN_ROWS

PLOTLY = "application/vnd.plotly.v1+json"


class StillFigure(go.Figure):  # type: ignore[misc]  # plotly has no types
    """plotly's figure, in notebooks with its still form."""

    def _ipython_display_(self) -> None:
        """
        What a cell shows. plotly's own way leaves nothing but plotly's form in the notebook, and
        opens a browser where there is none.
        """
        from IPython.display import display

        bundle = self._repr_mimebundle_()
        if PLOTLY in bundle:
            display(bundle, raw=True)  # type: ignore[no-untyped-call]
        else:
            super()._ipython_display_()

    def _repr_mimebundle_(self, *names: Any, **options: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(*names, **options) or {}
        if PLOTLY in bundle:
            bundle["text/html"] = still(self.layout.meta)
            bundle["text/plain"] = plain(self.layout.meta)
        return bundle


def still(meta: dict[str, Any]) -> str:
    """
    Title, caption and first rows of a figure's `layout.meta`.

    >>> still({"title": "How far?", "caption": "All.", "columns": ["sent"], "shown": ["sent"],
    ...        "rows": [[7]], "of": 1})
    '<p><b>How far?</b></p><style>...<caption>All.</caption>...'
    """
    columns = meta["columns"]
    rows = [dict(zip(columns, row, strict=True)) for row in meta["rows"][:SHOWN_ROWS]]
    caption = meta["caption"] + _rest(meta["caption"], meta["of"])
    title = f"<p><b>{html.escape(meta['title'])}</b></p>"
    if not rows:
        return f"{title}<p>{html.escape(caption)}</p>"
    return title + tables.STYLE + tables.html_table(meta["shown"], rows, caption)


def plain(meta: dict[str, Any]) -> str:
    """
    Title and caption as text.

    >>> print(plain({"title": "How far?", "caption": "All.", "of": 1}))
    How far?
    All.
    """
    return f"{meta['title']}\n{meta['caption']}{_rest(meta['caption'], meta['of'])}"


def _rest(caption: str, total: int) -> str:
    """That rows are left out, where the caption doesn't say so already."""
    note = wording.shown_note(SHOWN_ROWS, total)
    return "" if note in caption else note
