"""
One papermill run, one page: parameters checked before, every cell after, a clock over the whole.

papermill stays behind this module, in a process of its own: it only warns about unknown parameters,
takes `sys.exit(0)` and a timed-out cell for success, and changes the working directory of its
process. The kernel is this very interpreter, whatever kernels the machine has installed, and it
talks encrypted.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

from cxtools.errors import ReportError

if TYPE_CHECKING:
    from cxtools.ledger.ledger import Ledger
    from cxtools.settings import Settings

TIMEOUT_S = 600.0
GRACE_S = 10.0
NOTEBOOKS = (Path(__file__).parent / "notebooks", Path(__file__).parents[2] / "notebooks")


def render_report(
    name: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    out: Path,
    home: Path,
    profile: str | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Path:
    """
    Run the notebook *name* with these parameters and write `<out>/<name>-<campaign>.html`, the
    executed notebook beside it.

    *name* is one of `report_names()` or the path of a notebook. A parameter may be given as text;
    it is read as the type of the notebook's default. *home* is the `CXTOOLS_HOME` that the notebook
    reads, *profile* the `CXTOOLS_PROFILE` (None: the environment's).

    Raises:
        ReportError: unknown notebook or parameter, wrong type, no campaign or one that isn't there,
        a cell that failed or didn't run,
            a page that breaks a promise. The partly run notebook is kept as `….failed.ipynb`; the
            error names it, the cell and its error.
    """
    from cxtools.pages.page import render_page, told, write_text
    from cxtools.settings import load_settings

    source = _notebook(name)
    given = checked_parameters(declared_parameters(_read(source)), parameters or {}, source.stem)
    environ = (
        os.environ
        | {"CXTOOLS_HOME": str(home.resolve())}
        | ({"CXTOOLS_PROFILE": profile} if profile else {})
    )
    ours = (
        source.parent in NOTEBOOKS
    )  # a notebook of someone else's may mean other things by `profile` and `campaign`
    settings = load_settings((ours and given.get("profile")) or None, environ=environ)
    if ours and not given.get("spec"):
        _check_campaign(
            source.stem, given["campaign"] if "campaign" in (parameters or {}) else "", settings
        )
    out.mkdir(parents=True, exist_ok=True)
    if out.resolve().is_relative_to(
        home.resolve()
    ):  # what is below CXTOOLS_HOME is its owner's; a folder given by --out keeps its mode
        out.chmod(0o700)
    kept = out / f"{_stem(source, given.get('campaign'))}.failed.ipynb"
    complaint = _execute(
        source,
        kept,
        {name: given[name] for name in parameters or {}},
        environ=environ,
        timeout_s=timeout_s,
    )
    try:
        notebook = _finished(kept, complaint)
        campaign = told(notebook).get("campaign") or given.get("campaign")
        page = render_page(
            notebook, name=source.stem, parameters=given, anchor=_anchor(settings, campaign)
        )
        executed = nbformat.writes(_anonymous(notebook)) + "\n"  # type: ignore[no-untyped-call]
    except ReportError as failed:
        failed.notebook = str(kept)
        raise
    stem = _stem(source, campaign)
    write_text(out / f"{stem}.ipynb", executed)
    kept.unlink()
    return write_text(out / f"{stem}.html", page)


def render_reports(
    requests: Sequence[tuple[str, Mapping[str, Any]]], *, out: Path, home: Path
) -> list[Path]:
    """
    Several reports at once, each in its own process, and the index of the folder. The first failure
    is raised after all have ended.
    """
    from cxtools.pages.page import write_index

    with ThreadPoolExecutor(max_workers=2) as pool:
        waiting = [
            pool.submit(render_report, name, parameters, out=out, home=home)
            for name, parameters in requests
        ]
    done = [page.result() for page in waiting]
    write_index(out)
    return done


def report_names() -> list[str]:
    """The reports that come with cxtools: notebooks with a `parameters` cell."""
    found = {file.stem: file for folder in reversed(NOTEBOOKS) for file in folder.glob("*.ipynb")}
    return sorted(stem for stem, file in found.items() if _parameters_cell(_read(file)) is not None)


def declared_parameters(notebook: Any) -> dict[str, Any]:
    """
    Name -> default of the cell tagged `parameters`.

    Raises:
        ReportError: there is no such cell, or it holds more than plain assignments.
    """
    cell = _parameters_cell(notebook)
    if cell is None:
        raise ReportError(
            "the notebook has no cell tagged `parameters`",
            do="tag the cell that holds its defaults",
        )
    try:
        return dict(_assigned(line) for line in ast.parse(cell.source).body)
    except (SyntaxError, ValueError) as broken:
        raise ReportError(
            f"the `parameters` cell is no list of plain values: {broken}",
            do="write one `name = literal` a line",
        ) from None


def _assigned(line: ast.stmt) -> tuple[str, Any]:
    match line:
        case ast.Assign([ast.Name(name)], ast.expr() as value) | ast.AnnAssign(
            ast.Name(name), value=ast.expr() as value
        ):
            return name, ast.literal_eval(value)
    raise ValueError(f"line {line.lineno} assigns nothing")


def checked_parameters(
    declared: Mapping[str, Any], given: Mapping[str, Any], where: str = ""
) -> dict[str, Any]:
    """
    The notebook's defaults with what is given in their place; text is read as the default's type.

    >>> checked_parameters({"campaign": "", "limit": 5}, {"limit": "20"})
    {'campaign': '', 'limit': 20}
    >>> checked_parameters({"campaign": ""}, {"campain": "q3"})
    Traceback (most recent call last):
        ...
    cxtools.errors.ReportError: unknown parameter: campain
      -> it takes: campaign
    """
    if unknown := sorted(set(given) - set(declared)):
        raise ReportError(
            f"unknown parameter{'s' * (len(unknown) > 1)}: {', '.join(unknown)}",
            where=where,
            do=f"it takes: {', '.join(declared)}",
        )
    return dict(declared) | {
        name: _typed(name, value, declared[name], where) for name, value in given.items()
    }


def _typed(name: str, given: Any, default: Any, where: str) -> Any:
    if isinstance(given, str) and not isinstance(default, str | None):
        with suppress(ValueError, SyntaxError):
            given = ast.literal_eval(
                given.capitalize() if given.lower() in ("true", "false") else given
            )
    if isinstance(given, str) and isinstance(default, list):
        given = [part.strip() for part in given.split(",")]
    if isinstance(given, tuple):
        given = list(given)
    fits = (
        default is None
        or type(given) is type(default)
        or (isinstance(default, float) and type(given) is int)
    )
    if not fits:
        raise ReportError(
            f"parameter {name} is to be {type(default).__name__}, not {type(given).__name__}",
            where=where,
            do=f"its default is {default!r}",
        )
    try:
        json.dumps(given)
    except TypeError:
        raise ReportError(
            f"parameter {name} can't be written into a notebook",
            where=where,
            do="give text, a number, true or false, or a list of them",
        ) from None
    return given


def _check_campaign(report: str, campaign: str, settings: Settings) -> None:
    """
    Refuse a report on a campaign that isn't there before a kernel starts: sent ones are in the
    ledger, their events in the store.
    """
    from cxtools.events.store import EventStore

    sent = report == "run_campaign"
    if sent:
        ledger = _ledger(settings)
        known = ledger.plans.names() if ledger else []
    else:
        known = EventStore(settings.home / "events").campaigns()
    if campaign not in known:
        what = (
            f"there is no campaign {campaign!r}{' in the ledger' * sent}"
            if campaign
            else "no campaign is named"
        )
        hint = "; or send one with -p spec=SPEC.toml. For imported campaigns use bounce_report or engagement_report"
        raise ReportError(
            what,
            where=report,
            do=f"say -p campaign=NAME, one of: {', '.join(known) or 'none yet'}{hint * sent}",
        )


def _ledger(settings: Settings) -> Ledger | None:
    """The ledger; one that isn't there is not made."""
    from cxtools.ledger.ledger import Ledger

    there = settings.ledger or (settings.home / "ledger.sqlite").exists()
    return Ledger(settings.ledger_url, now=time.time, home=settings.home) if there else None


def _anchor(settings: Settings, campaign: object) -> tuple[int, str] | None:
    """Where the audit trail ends, if its ledger knows the campaign."""
    ledger = _ledger(settings)
    return ledger.audit_log.head() if ledger and campaign in ledger.plans.names() else None


def _stem(source: Path, campaign: object) -> str:
    return "-".join(filter(None, (source.stem, re.sub(r"[^\w.-]+", "_", str(campaign or "")))))


def _read(file: Path) -> Any:
    return nbformat.read(file, as_version=4)  # type: ignore[no-untyped-call]


def _parameters_cell(notebook: Any) -> Any:
    return next(
        (
            cell
            for cell in notebook.cells
            if cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", [])
        ),
        None,
    )


def _notebook(name: str) -> Path:
    """The file behind a report's name: `bounce_report`, `bounce`, or the path of a notebook."""
    stems = (name, f"{name}_report", name.replace("-", "_"))
    tries = (
        [Path(name)]
        if name.endswith(".ipynb")
        else [folder / f"{stem}.ipynb" for stem in stems for folder in NOTEBOOKS]
    )
    if found := next(filter(Path.is_file, tries), None):
        return found
    raise ReportError(
        f"there is no report {name!r}",
        do=f"choose one of: {', '.join(report_names())}; or give the path of a notebook",
    )


def _execute(
    source: Path,
    output: Path,
    parameters: dict[str, Any],
    *,
    environ: Mapping[str, str],
    timeout_s: float,
) -> str:
    """
    Run papermill in a process of its own, ended by the clock if need be: its complaint if it broke
    off. *output* has what was done.
    """
    order = json.dumps(
        {"source": str(source.resolve()), "output": str(output.resolve()), "parameters": parameters}
    )
    with tempfile.TemporaryDirectory(prefix="cx-report-") as folder:
        ours = {
            "PLOTLY_RENDERER": "plotly_mimetype",
            "IPYTHONDIR": folder,
            "PYTHONHASHSEED": "0",
            "PYTHONPATH": os.pathsep.join(
                filter(None, (str(Path(__file__).parents[2]), environ.get("PYTHONPATH")))
            ),
        }
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "cxtools.pages.run"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**environ, **ours},
        )
        try:
            _, complaint = process.communicate(order, timeout=timeout_s)
        except subprocess.TimeoutExpired:
            raise ReportError(
                f"the notebook did not end within {timeout_s:g} s",
                notebook=str(output),
                where=source.name,
                do=f"look at the kept notebook, or give it more time: {output.resolve()}",
            ) from None
        finally:
            _end(process)
    last = complaint.strip().rpartition("\n")[2] if process.returncode else ""
    if not output.exists():
        raise ReportError(
            "the notebook could not be run",
            where=source.name,
            do=last or "run it in Jupyter to see why",
        )
    return last


def _end(process: subprocess.Popen[str]) -> None:
    """
    First politely, since papermill then ends its kernel; the kernel lives in a session of its own
    and would stay behind.
    """
    process.terminate()  # like kill, it leaves a process alone that has ended
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_S)
    process.kill()
    process.wait()


def _finished(file: Path, complaint: str) -> Any:
    """
    The executed notebook, if every code cell came to its end.

    papermill's word for it can't be taken: it marks cells that never ran "completed", and the one
    in which the kernel died.
    """
    from cxtools.pages.page import ADDRESS

    notebook = _read(file)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    begun = [cell for cell in cells if cell.metadata.get("papermill", {}).get("end_time")]
    for number, cell in enumerate(cells, start=1):
        fault = next((output for output in cell.outputs if output.output_type == "error"), None)
        broke_off = complaint and cell is (begun or cells)[-1]
        if fault or cell not in begun or broke_off:
            story = f"{fault.ename}: {fault.evalue}" if fault else complaint or "it did not run"
            raise ReportError(
                f"cell {number} of {len(cells)} failed: {ADDRESS.sub('…@…', story)}",
                do=f"look at the kept notebook: {file.resolve()}",
            )
    return notebook


def _anonymous(notebook: Any) -> Any:
    """
    Without the paths, durations, dates and version of this run: they tell of the machine, and
    differ each time.
    """
    for number, cell in enumerate(notebook.cells, start=1):
        cell["id"] = f"cell-{number:02d}"  # papermill gives the cell of the parameters a random one
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.metadata["papermill"] = {
        "parameters": notebook.metadata.get("papermill", {}).get("parameters", {})
    }
    return notebook


def _run_papermill(source: str, output: str, parameters: dict[str, Any]) -> None:
    """
    Inside the process of its own; a failed cell stands in the output notebook, and there it is
    looked for.
    """
    import papermill
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    class ThisInterpreter(AsyncKernelManager):
        """
        A kernel of this interpreter, over encrypted channels, without a look at the kernels
        installed elsewhere.
        """

        def __init__(self, **given: Any) -> None:
            super().__init__(
                **given
                | {
                    "kernel_name": "python3",
                    "kernel_spec_manager": KernelSpecManager(kernel_dirs=[]),
                    "transport_encryption": "required",
                }
            )

    with suppress(papermill.PapermillExecutionError):
        papermill.execute_notebook(
            source,
            output,
            parameters,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            kernel_manager_class=ThisInterpreter,
            cwd=str(Path.cwd()),
        )


if __name__ == "__main__":
    _run_papermill(**json.load(sys.stdin))
