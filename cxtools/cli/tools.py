"""Commands around the product: doctor, demo, simulate, notebooks, lab."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from cxtools.cli.options import Json
from cxtools.cli.session import Session, session
from cxtools.errors import ConfigError

if TYPE_CHECKING:
    from cxtools.doctor import Finding

commands = typer.Typer()

#: Where the notebooks are that people work on.
NOTEBOOKS = Path("notebooks")
#: What a command passes on to the program that it starts.
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@commands.command()
def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Check settings, sign-in, scopes, ledger, store and report kernel; says what to mend."""
    from cxtools.doctor import examine

    findings = examine(session(context).connect())
    documents = [
        {"check": finding.check, "ok": finding.ok, "says": finding.says} for finding in findings
    ]
    text = "\n".join(finding_line(finding) for finding in findings)
    session(context).print_result(documents, text, as_json=as_json)
    failures = [finding.exit_code for finding in findings if not finding.ok]
    sys.exit(failures[0] if failures else 0)


def finding_line(finding: Finding) -> str:
    """One line of what the doctor says."""
    word = "ok  " if finding.ok else "FAIL"
    return f"{word}  {finding.check}: {finding.says}"


@commands.command()
def demo(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option(help="The folder for the reports; reports/demo when left out.")
    ] = None,
) -> None:
    """The whole job on the simulator: send, follow, collect, report."""
    from cxtools.demo import OUT, run_demo

    cli = session(context)
    cli.print_text(run_demo(out or OUT, say=cli.say, progress=cli.shows_progress))


@commands.command(context_settings=PASS_ON, add_help_option=False)
def simulate(context: typer.Context) -> None:
    """The simulator alone; `cxtools simulate --help` lists its options."""
    run_in_place("cxtools.simulator", context.args)


@commands.command()
def notebooks(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="The folder to copy them into.")
    ] = None,
    path: Annotated[
        bool, typer.Option("--path", help="Print where they lie; the same without a folder.")
    ] = False,
) -> None:
    """
    Copy the notebooks into a folder, to work on; nothing is overwritten. Without a folder: where
    they lie, as for `papermill "$(cxtools notebooks --path)/bounce_report.ipynb" …`.
    """
    from cxtools.pages.catalogue import copy_notebooks, notebooks_folder

    if folder is None:
        session(context).print_text(str(notebooks_folder()))
        return
    if path:
        raise ConfigError("--path goes without a folder", do="leave one of them out")
    for copy in copy_notebooks(folder):
        session(context).print_text(str(copy))


@commands.command(context_settings=PASS_ON)
def lab(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FOLDER] [OPTIONS]",
            help="The folder to open, and options of JupyterLab, as --no-browser.",
        ),
    ] = None,
) -> None:
    """
    JupyterLab on the notebooks in the folder `notebooks`, which is made where there is none. After
    a demo in this folder they show its campaigns, unless CXTOOLS_HOME says otherwise.
    """
    if find_spec("jupyterlab") is None:
        raise ConfigError(
            "JupyterLab isn't installed here",
            do="in a checkout run `make lab`; "
            "else install cxtools[lab] into an environment of its own",
        )
    given = words or []
    if not given or given[0].startswith("-"):
        _make_notebooks(session(context))
        given = [str(NOTEBOOKS), *given]
    _show_the_demo()
    run_in_place("jupyterlab", given)


def _make_notebooks(cli: Session) -> None:
    """The notebooks to work on, in the folder where one works."""
    from cxtools.pages.catalogue import copy_notebooks

    if not NOTEBOOKS.exists():
        copy_notebooks(NOTEBOOKS)
        cli.say(f"the notebooks were copied into {NOTEBOOKS}")


def _show_the_demo() -> None:
    """Where nobody names a home, the campaigns of a demo that was run in this folder."""
    from cxtools.demo import NAME, demo_home

    demo = demo_home()
    if demo and not os.environ.get("CXTOOLS_HOME"):
        os.environ["CXTOOLS_HOME"] = str(demo.resolve())
        os.environ.setdefault("CXTOOLS_CAMPAIGN", NAME)


def run_in_place(module: str, arguments: Sequence[str]) -> NoReturn:
    """
    Go on as another program: it takes the place of this process, so that whatever ends the command
    ends the program, and nothing is left behind that serves.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    command = [sys.executable, "-m", module, *arguments]
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter
