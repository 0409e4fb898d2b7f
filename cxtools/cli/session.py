"""
What holds for a whole command, wherever it stands in the line: which profile, how much is said, and
where it is printed. Results go to stdout, everything for people to stderr.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from cxtools.progress import say_on_stderr

if TYPE_CHECKING:
    import typer

    from cxtools.connection import Connection
    from cxtools.errors import CxError

FLAGS = ("--debug", "--quiet", "--log-json")


@dataclass(frozen=True)
class Session:
    """The global options of one command line; commands get it by `session(context)`."""

    profile: str | None = None
    quiet: bool = False
    log_json: bool = False

    def connect(self) -> Connection:
        """A connection by the profile; progress bars only for a terminal that wants them."""
        from cxtools.connection import connect

        client = connect(self.profile)
        client.quiet = not self.shows_progress
        client.say = self.say
        return client

    @property
    def shows_progress(self) -> bool:
        """Bars are for a terminal only: a log file holds sentences."""
        return sys.stderr.isatty() and not self.quiet and not self.log_json

    def say(self, text: str) -> None:
        """A sentence for people: on stderr, and not with --quiet."""
        if self.quiet:
            return
        if self.log_json:
            self.log(text)
        else:
            say_on_stderr(text)

    def log(self, event: str, *, level: str = "info", **facts: Any) -> None:
        """A line of the log, where one was asked for."""
        if self.log_json:
            from cxtools.cli.log import log

            log(level, event, **facts)

    def say_failure(self, campaign: str, error: CxError) -> None:
        """What went wrong with one campaign of several: on stderr, with --quiet, too."""
        if self.log_json:
            from cxtools.cli.log import log_error

            log_error(error, campaign=campaign)
        else:
            say_on_stderr(f"{campaign}: {error}")

    def print_text(self, text: str) -> None:
        """A result for people: on stdout, and not with --quiet."""
        if not self.quiet:
            print(text)

    def print_result(self, document: Any, text: str, *, as_json: bool) -> None:
        """A result: one JSON document where that was asked for, else its text."""
        if as_json:
            print_json(document)
        else:
            self.print_text(text)


def session(context: typer.Context) -> Session:
    """The session of a command that is being run."""
    return cast("Session", context.obj)


def print_json(document: Any) -> None:
    """One JSON document on stdout: indented in a terminal, one line for programs."""
    indent = 2 if sys.stdout.isatty() else None
    print(json.dumps(document, ensure_ascii=False, indent=indent))


def write_lines(lines: Iterable[str]) -> None:
    """Lines that end by themselves, on stdout as they come."""
    for line in lines:
        sys.stdout.write(line)


def global_options_first(arguments: Sequence[str]) -> list[str]:
    """
    Global options may stand anywhere in a command; typer wants them before it.

    >>> global_options_first(["send", "spec.toml", "--profile", "eu", "--yes", "--debug"])
    ['--profile', 'eu', '--debug', 'send', 'spec.toml', '--yes']
    """
    moved: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":  # what follows are values, whatever they look like
            rest.append(word)
            rest.extend(words)
        elif word in FLAGS or word.startswith("--profile="):
            moved.append(word)
        elif word == "--profile":
            moved.append(word)
            moved.extend(islice(words, 1))
        else:
            rest.append(word)
    return moved + rest
