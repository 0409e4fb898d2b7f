"""
Notebooks ask, cxtools answers: their shape, and that what is committed shows something. `make
notebooks-check` runs them and compares.
"""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest

import cxtools
from cxtools.pages.checks import ADDRESS
from cxtools.pages.parameters import declared_parameters

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = {
    path.stem: nbformat.read(path, as_version=4) for path in sorted(FOLDER.glob("*.ipynb"))
}
REPORTS = [name for name in NOTEBOOKS if not name.startswith("explore")]
FORBIDDEN = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.For,
    ast.While,
    ast.Try,
    ast.If,
    ast.With,
    ast.ListComp,
    ast.DictComp,
    ast.SetComp,
    ast.GeneratorExp,
    ast.JoinedStr,
)


def code(name: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in NOTEBOOKS[name].cells if cell.cell_type == "code"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_thin(name: str) -> None:
    """
    At most eight lines a cell; no definition, loop, condition or formatting; nothing imported but
    cxtools; every name it asks for exists.
    """
    for cell in code(name):
        tree = list(ast.walk(ast.parse(cell.source)))
        imports = {
            ast.unparse(node) for node in tree if isinstance(node, ast.Import | ast.ImportFrom)
        }
        asked = {
            node.attr
            for node in tree
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "cx"
        }

        assert len(cell.source.splitlines()) <= 8
        assert [] == [type(node).__name__ for node in tree if isinstance(node, FORBIDDEN)]
        assert imports <= {"import cxtools as cx"}
        assert asked <= set(cxtools.__all__)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_begins_with_its_question(name: str) -> None:
    """A heading and a sentence first; every section says in a sentence what it shows."""
    markdown = [cell.source for cell in NOTEBOOKS[name].cells if cell.cell_type == "markdown"]

    assert NOTEBOOKS[name].cells[0].source.startswith("# ")
    assert [] == [text for text in markdown if text.startswith("#") and "\n\n" not in text]


def ends_with_an_answer(cell: nbformat.NotebookNode) -> bool:
    """Whether the last line of a cell is something that is shown."""
    last = cell.source.splitlines()[-1]
    return last.startswith("cx.") or last in ("run", "verdict")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_has_one_cell_of_parameters(name: str) -> None:
    """
    papermill puts its values behind the one cell tagged `parameters`; each default has its type,
    and says what it is; none is somebody's campaign.
    """
    tagged = [cell for cell in code(name) if "parameters" in cell.metadata.get("tags", [])]
    (cell,) = tagged
    typed = [isinstance(line, ast.AnnAssign) for line in ast.parse(cell.source).body]
    defaults = declared_parameters(NOTEBOOKS[name])

    assert all(typed)
    given = {parameter: value for parameter, value in defaults.items() if value}
    assert given in ({}, {"by": "provider"})

    assert 1 == len(tagged)
    assert [] == [line for line in tagged[0].source.splitlines() if "  # " not in line]


@pytest.mark.parametrize("name", REPORTS)
def test_what_is_committed_shows_something(name: str) -> None:
    """
    Every asking cell has its output, so that nbval has something to compare; none holds an address
    or an error.
    """
    asking = [cell for cell in code(name) if ends_with_an_answer(cell)]
    kinds = {kind for cell in asking for output in cell.outputs for kind in output.get("data", {})}

    assert [] == [cell.source for cell in asking if not cell.outputs]
    assert {"application/vnd.plotly.v1+json", "text/html"} <= kinds
    assert [] == [
        output for cell in code(name) for output in cell.outputs if output.output_type == "error"
    ]
    assert not ADDRESS.search((FOLDER / f"{name}.ipynb").read_text())
