"""
The reports that there are: those that come with cxtools, whose metadata name them, and any notebook
with a cell tagged `parameters` that someone names by its path.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

from cxtools.errors import ConfigError, ReportError
from cxtools.pages.disk import make_folder, write_bytes
from cxtools.pages.executed import MARK
from cxtools.wording import did_you_mean

#: Where cxtools' own notebooks lie: in an installed package, or in the checkout.
FOLDERS = (Path(__file__).parent / "notebooks", Path(__file__).parents[2] / "notebooks")

#: What nbformat raises for other files: text, JSON of another shape, notebooks of the future.
NOT_A_NOTEBOOK = (ValueError, TypeError, AttributeError, KeyError, nbformat.ValidationError)


def find_notebook(name: str) -> Path:
    """
    The file behind a report's name: `bounce_report`, `bounce`, or the path of a notebook.

    Raises:
        ReportError: there is no such report; the message names those that there are.
    """
    for file in _candidates(name):
        if file.is_file():
            return file
    known = report_names()
    meant = did_you_mean(name, known)
    raise ReportError(
        f"there is no report {name!r}",
        do=f"{meant}choose one of: {', '.join(known)}; or give the path of a notebook",
    )


def _candidates(name: str) -> Iterator[Path]:
    """The files that a report's name may mean, the likeliest first."""
    if name.endswith(".ipynb"):
        yield Path(name)
        return
    for stem in (name, f"{name}_report", name.replace("-", "_")):
        for folder in FOLDERS:
            yield folder / f"{stem}.ipynb"


def notebooks_folder() -> Path:
    """Where the notebooks of cxtools lie."""
    return next(folder for folder in FOLDERS if folder.is_dir())


def copy_notebooks(into: Path) -> list[Path]:
    """
    Copy the notebooks of cxtools into a folder, which is made where there is none, and return the
    copies.

    Raises:
        ConfigError: one of them is there already; none was copied.
        StoreError: the disk refuses them.
    """
    make_folder(into)
    sources = sorted(notebooks_folder().glob("*.ipynb"))
    taken = [source.name for source in sources if (into / source.name).exists()]
    if taken:
        raise ConfigError(
            f"the folder has {', '.join(taken)} already; nothing was copied",
            where=str(into),
            do="name another folder, or move yours away",
        )
    return [write_bytes(into / source.name, source.read_bytes()) for source in sources]


def is_ours(notebook: Path) -> bool:
    """Does this notebook come with cxtools? Someone else's may mean other things by `campaign`."""
    return notebook.parent in FOLDERS


def report_names() -> list[str]:
    """The reports that come with cxtools, sorted."""
    names: set[str] = set()
    for folder in FOLDERS:
        for file in folder.glob("*.ipynb"):
            if read_notebook(file).metadata.get(MARK):
                names.add(file.stem)
    return sorted(names)


def read_notebook(file: Path) -> Any:
    """
    A notebook from its file, in nbformat 4.

    Raises:
        ReportError: the file holds no notebook.
    """
    try:
        return nbformat.read(file, as_version=4)
    except NOT_A_NOTEBOOK as error:
        raise ReportError(
            "the file is not a notebook",
            where=str(file),
            do="name a notebook that Jupyter can open",
        ) from error


def notebook_text(notebook: Any) -> str:
    """A notebook as its file holds it."""
    return f"{nbformat.writes(notebook)}\n"
