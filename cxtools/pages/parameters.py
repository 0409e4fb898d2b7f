"""
The parameters of a notebook: what its cell tagged `parameters` declares, and what a caller gives.

papermill only warns of an unknown name and takes any type; here both are refused before a kernel
starts.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from cxtools.errors import ReportError
from cxtools.wording import did_you_mean

#: The name of a parameter -> its value.
Values = Mapping[str, Any]

TAG = "parameters"
#: The tag that papermill gives to the cell with a caller's values.
INJECTED_TAG = "injected-parameters"


def parameters_cell(notebook: Any) -> Any:
    """The code cell tagged `parameters`; None for a notebook without one."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and TAG in cell.metadata.get("tags", []):
            return cell
    return None


def holds_parameters(cell: Any) -> bool:
    """Whether this is the cell of the defaults, or the one with a caller's values."""
    tags = cell.metadata.get("tags", [])
    return TAG in tags or INJECTED_TAG in tags


def injected_parameters(notebook: Any) -> dict[str, Any]:
    """
    What a caller gave, read from the cell that papermill or a scheduler put behind the defaults; {}
    for a notebook without one.
    """
    for cell in notebook.cells:
        if INJECTED_TAG in cell.metadata.get("tags", []):
            return _values_of(cell)
    return {}


def declared_parameters(notebook: Any) -> dict[str, Any]:
    """
    Name -> default of the cell tagged `parameters`, which is read without being run.

    Raises:
        ReportError: there is no such cell, or it holds more than plain assignments.
    """
    cell = parameters_cell(notebook)
    if cell is None:
        raise ReportError(
            "the notebook has no cell tagged `parameters`",
            do="tag the cell that holds its defaults",
        )
    return _values_of(cell)


def checked_parameters(declared: Values, overrides: Values, where: str = "") -> dict[str, Any]:
    """
    The notebook's defaults with *overrides* in their place; text is read as the default's type.

    >>> checked_parameters({"campaign": "", "limit": 5}, {"limit": "20"})
    {'campaign': '', 'limit': 20}
    >>> checked_parameters({"campaign": ""}, {"campain": "q3"})
    Traceback (most recent call last):
        ...
    cxtools.errors.ReportError: unknown parameter: campain
      -> did you mean campaign? it takes: campaign
    """
    check_names(declared, overrides, where)
    checked = dict(declared)
    for name, value in overrides.items():
        checked[name] = _checked_value(name, value, declared[name], where)
    return checked


def check_names(declared: Values, overrides: Values, where: str = "") -> None:
    """
    Refuse values for parameters that a notebook doesn't have.

    Raises:
        ReportError: which, and which there are.
    """
    unknown = sorted(set(overrides) - set(declared))
    if unknown:
        noun = "parameter" if len(unknown) == 1 else "parameters"
        raise ReportError(
            f"unknown {noun}: {', '.join(unknown)}",
            where=where,
            do=f"{did_you_mean(unknown, declared)}it takes: {', '.join(declared)}",
        )


def _values_of(cell: Any) -> dict[str, Any]:
    """The names that a cell assigns, with their values."""
    try:
        statements = ast.parse(cell.source).body
        return dict(_name_and_default(statement) for statement in statements)
    except (SyntaxError, ValueError) as error:
        raise ReportError(
            f"the cell tagged `parameters` holds more than plain values: {error}",
            do="write one `name = value` a line",
        ) from None


def _name_and_default(statement: ast.stmt) -> tuple[str, Any]:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name, ast.literal_eval(value)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            return name, ast.literal_eval(value)
    raise ValueError(f"line {statement.lineno} doesn't assign a value")


def _checked_value(name: str, value: Any, default: Any, where: str) -> Any:
    if isinstance(value, str) and not isinstance(default, str | None):
        value = _value_of_text(value, default)
    if isinstance(value, tuple):  # which papermill would turn into text
        value = list(value)
    if not _same_type(value, default):
        raise ReportError(
            f"parameter {name} must be {type(default).__name__}, not {type(value).__name__}",
            where=where,
            do=f"its default is {default!r}",
        )
    try:
        json.dumps(value)
    except TypeError:
        raise ReportError(
            f"parameter {name} can't be written into a notebook",
            where=where,
            do="give text, a number, true or false, or a list of them",
        ) from None
    return value


def _value_of_text(text: str, default: Any) -> Any:
    """Text from a command line as a Python value; itself where it isn't one."""
    literal = text.capitalize() if text.lower() in ("true", "false") else text
    value: Any = text
    with suppress(ValueError, SyntaxError):
        value = ast.literal_eval(literal)
    if isinstance(value, str) and isinstance(default, list):
        return [part.strip() for part in value.split(",")]
    return value


def _same_type(value: Any, default: Any) -> bool:
    if default is None or type(value) is type(default):
        return True
    return isinstance(default, float) and type(value) is int
