"""
What an executed notebook tells of itself: which report it is, with which parameters it ran, when,
and whether every cell came to its end.

A page is made of nothing else, so that whoever ran the notebook gets the same one: `cxtools
report`, papermill, a scheduler, a person in JupyterLab.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from cxtools.errors import BadVerdict, ReportError
from cxtools.pages.checks import mask_addresses
from cxtools.pages.parameters import (
    Values,
    check_names,
    declared_parameters,
    injected_parameters,
    parameters_cell,
)

#: Where cxtools writes into a notebook's metadata which report it is, and when it was run.
MARK = "cxtools"
#: What Jupyter and papermill know of the end of a cell, the most exact first.
CELL_ENDS = ("shell.execute_reply", "iopub.status.idle")
#: papermill puts a red banner above a notebook and a cell that failed.
BANNER_TAG = "papermill-error-cell-tag"
RUN_IT = "run all of it: with `cxtools report`, papermill, or Restart Kernel and Run All Cells"


@dataclass(frozen=True)
class Origin:
    """
    Where a page comes from.

    report      the notebook's name
    parameters  every parameter with its value
    made_at     when the notebook was run; None where nobody wrote it down
    """

    report: str
    parameters: Mapping[str, Any]
    made_at: datetime | None


def origin_of(notebook: Any, name: str = "") -> Origin:
    """
    Where an executed notebook comes from; *name* is for one that doesn't tell.

    Raises:
        ReportError: it was run with a parameter that it doesn't have, which papermill only warns
        of: the page would look like an answer to what was asked.
    """
    return Origin(
        report=_report_name(notebook) or name,
        parameters=_parameters(notebook),
        made_at=_moment(notebook),
    )


def sign(notebook: Any, *, report: str, made_at: datetime) -> None:
    """Write into a notebook which report it is, and when it was run."""
    notebook.metadata[MARK] = {"report": report, "made_at": made_at.isoformat(timespec="seconds")}


def check_finished(notebook: Any) -> None:
    """
    Refuse a notebook of which a code cell failed, or wasn't run. One that ended by its own verdict
    (`fail_on`) has said all that it has to say.

    Raises:
        ReportError: which cell, and why.
    """
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(cells, start=1):
        fault = fault_of(cell)
        if fault:
            raise failed_cell(number, len(cells), fault_text(fault))
        if _was_skipped(cell):
            raise failed_cell(number, len(cells), "it was not run", do=RUN_IT)


def failed_cell(number: int, of: int, story: str, do: str = "") -> ReportError:
    """What is said of a cell that didn't come to its end."""
    return ReportError(f"cell {number} of {of} failed: {mask_addresses(story)}", do=do)


def fault_of(cell: Any) -> Any:
    """The error in a code cell's outputs; None where it has none, or only its verdict's."""
    for output in cell.outputs:
        if output.output_type == "error" and output.ename != BadVerdict.__name__:
            return output
    return None


def fault_text(fault: Any) -> str:
    """An error of a cell in one line."""
    return f"{fault.ename}: {fault.evalue}"


def ended_by_its_verdict(cell: Any) -> bool:
    """Whether a cell ended the notebook since the verdict is as bad as `fail_on` says."""
    outputs = cell.get("outputs", [])
    return any(output.get("ename") == BadVerdict.__name__ for output in outputs)


def is_banner(cell: Any) -> bool:
    """Whether papermill put the cell there to say that another one failed."""
    return BANNER_TAG in cell.metadata.get("tags", [])


def _was_skipped(cell: Any) -> bool:
    is_empty = not cell.source.strip()
    return cell.execution_count is None and not cell.outputs and not is_empty


def _report_name(notebook: Any) -> str:
    """The name of the notebook that papermill was given, else what is written into its metadata."""
    source = notebook.metadata.get("papermill", {}).get("input_path") or ""
    return PurePath(source).stem or notebook.metadata.get(MARK, {}).get("report", "")


def _parameters(notebook: Any) -> Values:
    """The defaults of the notebook, with the values of this run in their place."""
    given = notebook.metadata.get("papermill", {}).get("parameters")
    if given is None:
        given = injected_parameters(notebook)
    if parameters_cell(notebook) is None:
        return dict(given)
    declared = declared_parameters(notebook)
    check_names(declared, given)
    return {**declared, **given}


def _moment(notebook: Any) -> datetime | None:
    """When the notebook was run, to the second, in UTC."""
    written = (
        notebook.metadata.get(MARK, {}).get("made_at"),
        notebook.metadata.get("papermill", {}).get("end_time"),
        *_ends_of_cells(notebook),
    )
    for text in written:
        with suppress(TypeError, ValueError):
            moment = datetime.fromisoformat(text)
            in_utc = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return in_utc.astimezone(UTC).replace(microsecond=0)
    return None


def _ends_of_cells(notebook: Any) -> list[str]:
    """When the cells came to their ends, the last one first."""
    ends = []
    for cell in reversed(notebook.cells):
        timing = cell.metadata.get("execution", {})
        ends += [timing[end] for end in CELL_ENDS if end in timing]
    return ends
