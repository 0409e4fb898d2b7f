"""
The door of the command line: `main` runs a command, and turns what went wrong into a sentence and
an exit code. `program` has the commands, one file for each group of them.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

from cxtools import __version__
from cxtools.cli.exits import INTERRUPTED
from cxtools.cli.session import global_options_first
from cxtools.errors import ConfigError, CxError, StoreError


def main(argv: Sequence[str] | None = None) -> None:
    """
    Run a command, and end the process with its exit code. Errors are printed as sentences,
    tracebacks only with --debug.
    """
    arguments = global_options_first(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"]:  # the commands needn't be loaded for it
        print(__version__)
        return
    try:
        from cxtools.cli.program import command_tree

        command_tree()(arguments, prog_name="cxtools")
    except SystemExit as end:  # how typer passes Ctrl-C on, and that nobody reads any more
        if isinstance(end.__context__, BrokenPipeError):
            _end_unread()
        if end.code == INTERRUPTED:
            print("stopped; run the same command again to continue", file=sys.stderr)
        raise
    except BrokenPipeError:
        _end_unread()
    except Exception as error:
        if "--debug" in arguments or os.environ.get("CXTOOLS_DEBUG"):
            traceback.print_exception(error)
        explanation = explain(error, arguments)
        say_error(explanation, as_json="--log-json" in arguments)
        sys.exit(explanation.exit_code)


def _end_unread() -> NoReturn:
    """End well: who reads, as `head`, has had enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)


def say_error(error: CxError, *, as_json: bool) -> None:
    """An error's sentence on stderr."""
    if not as_json:
        print(f"error: {error}", file=sys.stderr)
        return
    from cxtools.cli.log import log_error

    log_error(error)


def explain(error: Exception, arguments: Sequence[str] = ()) -> CxError:
    """What a person is told of an error, and its exit code."""
    if isinstance(error, CxError):
        return error
    if isinstance(error, OSError):
        return StoreError(
            f"the system refused: {error.strerror or error}",
            where=str(error.filename or ""),
            do="check the path, its rights and the free space, then run it again",
        )
    odd = [argument for argument in arguments if not is_unicode(argument)]
    if odd and isinstance(error, UnicodeEncodeError):
        return ConfigError(
            f"{odd[0]!a} is not text in UTF-8",
            where="command line",
            do="write it in the encoding of the terminal",
        )
    return CxError(
        f"this is a bug in cxtools: {type(error).__name__}",
        do="run it again with --debug and report what it prints (look it over for addresses first)",
    )


def is_unicode(argument: str) -> bool:
    """Python keeps bytes that aren't text as halves of a pair: fit for a path, and for no text."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True
