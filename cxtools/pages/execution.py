"""
A notebook is run: every cell comes to its end, or the failure is named; a clock over the whole.

papermill stays in a process of its own (`kernel`): it only warns of unknown parameters, takes
`sys.exit(0)` and a timed-out cell for success, and changes the working directory of its process.
The kernel is this very interpreter, whatever kernels the machine has installed, and it talks
encrypted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from cxtools.errors import ReportError
from cxtools.events.own_folder import own_folder
from cxtools.pages.catalogue import read_notebook
from cxtools.pages.disk import cant_write
from cxtools.pages.executed import ended_by_its_verdict, failed_cell, fault_of, fault_text

GRACE_S = 10.0
CHECKOUT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-P", "-m", "cxtools.pages.kernel"]


def execute(
    source: Path,
    output: Path,
    parameters: Mapping[str, Any],
    *,
    environ: Mapping[str, str],
    timeout_s: float,
) -> Any:
    """
    Run a notebook with these parameters, and return it with its outputs; *output* has what was
    done, also when it broke off.

    Raises:
        ReportError: it didn't end in time, or a cell failed or didn't run; which one is said.
        StoreError: the disk refuses *output*.
    """
    order = {
        "source": str(source.resolve()),
        "output": str(output.resolve()),
        "parameters": dict(parameters),
    }
    exit_code, complaint = _run_process(json.dumps(order), environ, source.name, timeout_s)
    if exit_code == os.EX_IOERR:
        raise cant_write(output, complaint)
    if not output.stat().st_size:
        raise ReportError(
            "the notebook could not be run",
            where=source.name,
            do=complaint or "run it in Jupyter to see why",
        )
    notebook = read_notebook(output)
    check_ended(notebook, complaint)
    return notebook


def check_ended(notebook: Any, complaint: str = "") -> None:
    """
    Refuse what papermill ran where a code cell didn't come to its end; *complaint* is the last line
    that it wrote when it broke off.

    papermill's word for it can't be taken: it marks cells that never ran "completed", and the one
    in which the kernel died.
    """
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    ended = [cell for cell in cells if _has_ended(cell)]
    broken_off = (ended or cells)[-1] if complaint else None
    for number, cell in enumerate(cells, start=1):
        if ended_by_its_verdict(cell):
            return
        fault = fault_of(cell)
        if fault:
            story = fault_text(fault)
        elif cell is broken_off or not _has_ended(cell):
            story = complaint or "it did not run"
        else:
            continue
        raise failed_cell(number, len(cells), story)


def _has_ended(cell: Any) -> bool:
    return bool(cell.metadata.get("papermill", {}).get("end_time"))


def _run_process(
    order: str,
    environ: Mapping[str, str],
    name: str,
    timeout_s: float,
) -> tuple[int, str]:
    """
    Run the kernel's process, ended by the clock if need be: its exit code, and its complaint if it
    broke off. What a killed report left of its folder, the next one removes.
    """
    with tempfile.TemporaryDirectory(prefix="report-", dir=own_folder()) as folder:
        process = subprocess.Popen(
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=_environment(environ, ipython_folder=folder),
        )
        try:
            _, complaint = process.communicate(order, timeout=timeout_s)
        except subprocess.TimeoutExpired:
            raise ReportError(
                f"the notebook did not end within {timeout_s:g} s",
                where=name,
                do="give it more time, or a smaller campaign",
            ) from None
        finally:
            _end(process)
    if process.returncode == 0:
        return 0, ""
    return process.returncode, complaint.strip().rpartition("\n")[2]


def _environment(environ: Mapping[str, str], ipython_folder: str) -> dict[str, str]:
    """What the kernel sees: the same hashes each time, plain figures, nobody's IPython settings."""
    paths = [str(CHECKOUT), environ.get("PYTHONPATH", "")]
    return {
        **environ,
        "PLOTLY_RENDERER": "plotly_mimetype",
        "IPYTHONDIR": ipython_folder,
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
    }


def _end(process: subprocess.Popen[str]) -> None:
    """First politely. Its kernel, which is no child of ours, ends when it finds itself alone."""
    process.terminate()  # like kill, it leaves a process alone that has ended
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_S)
    process.kill()
    process.wait()


def anonymous(notebook: Any) -> Any:
    """
    The same notebook without the paths, durations, dates and version of this run: they tell of the
    machine, and differ each time.
    """
    for number, cell in enumerate(notebook.cells, start=1):
        cell["id"] = f"cell-{number:02d}"  # papermill gives the cell of the parameters a random one
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
    parameters = notebook.metadata.get("papermill", {}).get("parameters", {})
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.metadata["papermill"] = {"parameters": parameters}
    return notebook
