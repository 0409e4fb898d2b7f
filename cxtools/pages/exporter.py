"""
The page of any executed notebook, also where cxtools didn't run it.

nbconvert finds `PageExporter` by its entry point: `jupyter nbconvert --to cxtools out.ipynb`,
JupyterLab's *Save and Export Notebook As*, and whatever else exports by it, as jupyter-scheduler
does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbconvert.exporters.exporter import Exporter

from cxtools.errors import ReportError
from cxtools.pages.catalogue import read_notebook
from cxtools.pages.disk import open_folder, write_text
from cxtools.pages.index import write_index
from cxtools.pages.page import render_page


class PageExporter(Exporter):
    """An executed notebook as one HTML page without any need of the network."""

    export_from_notebook = "cxtools page"
    file_extension = ".html"
    output_mimetype = "text/html"

    def from_notebook_node(  # type: ignore[override]  # every exporter of text gives text
        self, nb: Any, resources: Any = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """
        The page, and nbconvert's own notes on it.

        Raises:
            ReportError: the page can't be made; see `render_page`.
        """
        notebook, notes = super().from_notebook_node(nb, resources, **options)
        name = str(notes["metadata"].get("name", ""))
        return render_page(notebook, name=name), notes


def write_page(executed: Path, *, out: Path | None, home: Path) -> Path:
    """
    Write the page of an executed notebook, and return its path. It has the notebook's name, and
    lies beside it, or in the folder *out*, whose index then lists it.

    Raises:
        ReportError: there is no such notebook, or its page can't be made; see `render_page`.
        StoreError: the disk refuses the page.
    """
    try:
        notebook = read_notebook(executed)
    except OSError as refused:
        raise ReportError(
            f"the notebook can't be read: {refused.strerror}",
            where=str(executed),
            do="name the file that papermill, a scheduler or JupyterLab wrote",
        ) from refused
    body = render_page(notebook, name=executed.stem)
    folder = open_folder(out, home) if out else executed.parent
    page = write_text(folder / f"{executed.stem}.html", body)
    if out:
        write_index(folder)
    return page
