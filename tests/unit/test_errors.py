"""
The error tree: as drawn in the docstring of `cxtools.errors`, each error says what happened, where,
and what to do.
"""

from __future__ import annotations

import re
import signal
from pathlib import Path
from threading import Timer
from typing import NamedTuple

import duckdb
import nbformat
import pytest
from nbclient import NotebookClient

from cxtools import errors
from cxtools.errors import CxError, Interrupted

CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, CxError)
}
LINE = re.compile(
    r"^ {4}(?P<branch>[|`\- ]*)(?P<name>[A-Z]\w+)\s+"
    r"(?:\((?P<second>\w+)\)\s+)?(?P<code>\d)?(?:\s|$)",
    re.MULTILINE,
)
#: The depth of a branch is so many characters.
DEPTH = 3


class Branch(NamedTuple):
    """A class as the docstring draws it; `code` is None where it has its parent's."""

    parent: str | None
    second: str | None
    code: int | None


def drawn() -> dict[str, Branch]:
    """The tree of the docstring, by the classes' names."""
    tree: dict[str, Branch] = {}
    path: list[str] = []
    for line in LINE.finditer(errors.__doc__ or ""):
        depth = len(line["branch"]) // DEPTH
        path = [*path[:depth], line["name"]]
        parent = path[depth - 1] if depth else None
        code = int(line["code"]) if line["code"] else None
        tree[line["name"]] = Branch(parent, line["second"], code)
    return tree


def parents(kind: type[CxError]) -> tuple[str | None, str | None]:
    """The names of the parent in the tree and of the one from the standard library."""
    ours = [base.__name__ for base in kind.__bases__ if issubclass(base, CxError)]
    theirs = [base.__name__ for base in kind.__bases__ if not issubclass(base, CxError)]
    others = [name for name in theirs if name != "Exception"]
    return ours[0] if ours else None, others[0] if others else None


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    """
    Every class is drawn, under its parent and with its second parent from the standard library.
    """
    expected = {name: (branch.parent, branch.second) for name, branch in drawn().items()}

    assert expected == {name: parents(kind) for name, kind in CLASSES.items()}


@pytest.mark.parametrize("name", CLASSES)
def test_exit_codes_are_those_of_the_docstring(name: str) -> None:
    """
    C02/C03: the code that is drawn, or the parent's; never 0, so a failed campaign can't pass for a
    success.
    """
    branch = drawn()[name]
    expected = branch.code or drawn()[branch.parent or "CxError"].code

    assert expected == CLASSES[name].exit_code != 0


@pytest.mark.parametrize("name", CLASSES)
def test_an_error_says_what_where_and_what_to_do(name: str) -> None:
    """One sentence for people, the place in brackets, the advice on a line of its own."""
    error = CLASSES[name]("the answer was cut off", do="run it again")

    assert "the answer was cut off\n  -> run it again" == str(error)


def test_an_api_error_names_request_status_and_trace() -> None:
    """What NICE's support asks for first; the query is left out, since it can hold an address."""
    error = errors.Refused(
        "template unknown", method="POST", path="/messages", status=400, trace_id="abc"
    )

    assert "template unknown  [POST /messages, status 400, trace abc]" == str(error)


def test_facts_are_attributes() -> None:
    """A program reads them without parsing the text."""
    assert 1.5 == errors.RateLimited("slow down", status=429, retry_after_s=1.5).retry_after_s
    assert "run.ipynb" == errors.ReportError("cell 3 failed", notebook="run.ipynb").notebook


CELL = """
import cxtools as cx
secret_of_this_frame = "c4nary"
cx.connect("nowhere", home="/nowhere", client_secret="c4nary")
"""


DEBUGGING = """
from cxtools import errors
errors.CxError.shows_traceback = True
cx.connect("nowhere", home="/nowhere")
"""


def test_a_notebook_shows_the_sentence_and_no_frame() -> None:
    """
    A real kernel: below the cell stand what happened and what to do, and no traceback; that is
    shown to who asks for it.
    """
    cells = [nbformat.v4.new_code_cell(CELL), nbformat.v4.new_code_cell(DEBUGGING)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, kernel_name="python3", allow_errors=True, timeout=60).execute()
    output, debugging = [cell.outputs[0] for cell in notebook.cells]

    assert "ConfigError" == output.ename
    profiles = Path("/nowhere/profiles.toml")
    assert [
        f"ConfigError: there is no profile 'nowhere': {profiles} doesn't exist",
        "  -> create the file with a table of that name, or leave --profile out",
    ] == output.traceback
    assert "Traceback (most recent call last):" == debugging.traceback[0]


#: Counts for minutes. One thread of several would count alone, and DuckDB looks for signals in
#: the main one.
LONG_QUERY = "select count(*) from range(1000000000000)"


def test_a_stop_in_the_midst_of_a_query_says_what_is_kept() -> None:
    """A real signal in a real query: DuckDB passes it on as a RuntimeError."""

    def count() -> None:
        Timer(0.5, signal.raise_signal, (signal.SIGINT,)).start()
        with (
            duckdb.connect(config={"threads": 1}) as connection,
            errors.stoppable(lambda: "all of it is kept"),
        ):
            connection.execute(LONG_QUERY).fetchall()

    with pytest.raises(Interrupted, match="all of it is kept"):
        count()


def test_another_error_is_not_taken_for_a_stop() -> None:
    """Its text is shown, even where it speaks of an interrupted query."""

    def fail() -> None:
        with errors.stoppable(lambda: "nothing"):
            raise RuntimeError("the server says: Query interrupted")

    with pytest.raises(RuntimeError, match="the server says"):
        fail()
