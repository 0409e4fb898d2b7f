"""
The error tree: as drawn in the docstring of `cxtools.errors`, each error says what happened, where,
and what to do.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from cxtools import errors
from cxtools.errors import CxError

CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, CxError)
}
LINE = re.compile(
    r"^ {4}(?P<branch>[|`\- ]*)(?P<name>[A-Z]\w+)\s+(?:\((?P<second>\w+)\)\s+)?(?P<code>\d)?(?:\s|$)",
    re.MULTILINE,
)


def drawn() -> dict[str, tuple[str | None, str | None, int | None]]:
    """
    Name -> parent, second parent and exit code, as the docstring draws them; the depth of a branch
    is 3 characters.
    """
    tree: dict[str, tuple[str | None, str | None, int | None]] = {}
    path: list[str] = []
    for line in LINE.finditer(errors.__doc__ or ""):
        depth = len(line["branch"]) // 3
        path = [*path[:depth], line["name"]]
        tree[line["name"]] = (
            path[depth - 1] if depth else None,
            line["second"],
            int(line["code"]) if line["code"] else None,
        )
    return tree


def test_the_tree_in_the_docstring_is_the_tree():
    """
    Every class is drawn, under its parent and with its second parent from the standard library.
    """
    found = {
        name: (
            next((base.__name__ for base in kind.__bases__ if issubclass(base, CxError)), None),
            next(
                (
                    base.__name__
                    for base in kind.__bases__
                    if not issubclass(base, CxError) and base is not Exception
                ),
                None,
            ),
        )
        for name, kind in CLASSES.items()
    }

    assert found == {name: (parent, second) for name, (parent, second, _) in drawn().items()}


@pytest.mark.parametrize("name", CLASSES)
def test_exit_codes_are_those_of_the_docstring(name):
    """
    C02/C03: the code that is drawn, or the parent's; never 0, so a failed campaign can't pass for a
    success.
    """
    parent, _, code = drawn()[name]

    assert (code or drawn()[parent or "CxError"][2]) == CLASSES[name].exit_code != 0


@pytest.mark.parametrize("name", CLASSES)
def test_an_error_says_what_where_and_what_to_do(name):
    """One sentence for people, the place in brackets, the advice on a line of its own."""
    error = CLASSES[name]("the answer was cut off", do="run it again")

    assert "the answer was cut off\n  -> run it again" == str(error)


def test_an_api_error_names_request_status_and_trace():
    """What NICE's support asks for first; the query is left out, since it can hold an address."""
    error = errors.Refused(
        "template unknown", method="POST", path="/messages", status=400, trace_id="abc"
    )

    assert "template unknown  [POST /messages, status 400, trace abc]" == str(error)


def test_facts_are_attributes():
    """A program reads them without parsing the text."""
    assert 1.5 == errors.RateLimited("slow down", status=429, retry_after_s=1.5).retry_after_s
    assert "run.ipynb" == errors.ReportError("cell 3 failed", notebook="run.ipynb").notebook


CELL = """
import cxtools as cx
secret_of_this_frame = "c4nary"
cx.connect("nowhere", home="/nowhere", client_secret="c4nary")
"""


def test_a_notebook_shows_the_sentence_and_no_frame():
    """A real kernel: below the cell stand what happened and what to do, and not one traceback line."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    NotebookClient(notebook, kernel_name="python3", allow_errors=True, timeout=60).execute()
    (output,) = notebook.cells[0].outputs

    assert "ConfigError" == output.ename
    assert [
        f"ConfigError: there is no profile 'nowhere': {Path('/nowhere/profiles.toml')} doesn't exist",
        "  -> create the file with a table of that name, or leave --profile out",
    ] == output.traceback
