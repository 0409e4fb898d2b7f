"""
`python -m cxtools.simulator`: serve the API, or write the recipients and the past of the same world
to files.

Exit codes: 0 done, 2 a flag says what can't be, 6 the system refuses a port or a file.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from dataclasses import fields
from pathlib import Path
from typing import TextIO

from cxtools.simulator import flags
from cxtools.simulator.faults import FAULTS, Armed
from cxtools.simulator.people import FIELDS, recipients
from cxtools.simulator.setup import Setup

#: A thousand earlier campaigns reach back 57 years.
MOST_CAMPAIGNS = 1000
REFUSED_BY_SYSTEM = 6


def parser() -> argparse.ArgumentParser:
    """The command line; the flags of the world are the fields of Setup."""
    line = argparse.ArgumentParser(
        "cxtools simulate",
        description="The CXone Email API, simulated. Without a command it serves.",
    )
    line.add_argument(
        "--port",
        type=flags.port,
        default=0,
        help="0: any free port; the first line on stdout says which",
    )
    names = ", ".join(sorted(FAULTS))
    line.add_argument(
        "--fault",
        type=_arm,
        action="append",
        default=[],
        metavar="NAME[=COUNT]",
        help=f"arm a fault, always or COUNT times: {names}",
    )
    line.add_argument(
        "--exit-on-eof",
        action="store_true",
        help="end when stdin ends, so that no parent leaves it behind",
    )
    line.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        help="keep the jobs in a file, and know those that it holds",
    )
    for option in fields(Setup):
        flag = "--" + option.name.replace("_", "-")
        if isinstance(option.default, bool):
            line.add_argument(flag, action="store_true", help=option.metadata["about"])
        else:
            line.add_argument(
                flag,
                type=option.metadata["read"],
                default=option.default,
                help=option.metadata["about"] + " (%(default)s)",
            )
    commands = line.add_subparsers(dest="command")
    people = commands.add_parser("recipients", help="write the seeded recipient list as CSV")
    people.add_argument("--count", type=flags.count, default=5000)
    people.add_argument("--out", type=Path)
    past = commands.add_parser(
        "history", help="write the events of earlier campaigns, one JSON-lines file each"
    )
    past.add_argument("--campaigns", type=flags.whole_number(0, MOST_CAMPAIGNS), default=8)
    past.add_argument("--recipients", type=flags.count, default=3000)
    past.add_argument("--out", type=Path, required=True)
    for command in (people, past):
        command.add_argument("--seed", type=int, default=argparse.SUPPRESS)
    return line


def main(arguments: list[str] | None = None) -> None:
    line = parser()
    options = line.parse_args(arguments)
    try:
        run(options)
    except BrokenPipeError:  # who reads the list has had enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as refused:
        place = refused.filename or f"port {options.port}"
        line.exit(REFUSED_BY_SYSTEM, f"{line.prog}: {place}: {refused.strerror}\n")


def run(options: argparse.Namespace) -> None:
    """Serve, or write what the command asks for."""
    names = [option.name for option in fields(Setup)]
    setup = Setup(**{name: getattr(options, name) for name in names})
    if options.command == "recipients":
        _save_recipients(setup.seed, options.count, options.out)
    elif options.command == "history":
        from cxtools.simulator.history import write_history

        paths = write_history(
            setup,
            options.out,
            campaigns=options.campaigns,
            recipients=options.recipients,
        )
        for path in paths:
            print(path)
    else:
        from cxtools.simulator.server import serve

        serve(
            setup,
            port=options.port,
            faults=options.fault,
            exit_on_eof=options.exit_on_eof,
            state=options.state,
        )


def _arm(text: str) -> Armed:
    name, _, count = text.partition("=")
    if name not in FAULTS:
        known = ", ".join(sorted(FAULTS))
        raise argparse.ArgumentTypeError(f"there is no fault {name!r}; choose one of: {known}")
    return Armed(name, count=flags.count(count) if count else None)


def _save_recipients(seed: int, count: int, out: Path | None) -> None:
    if out is None:
        _write_recipients(seed, count, sys.stdout)
        return
    with out.open("w", encoding="utf-8", newline="") as file:
        _write_recipients(seed, count, file)


def _write_recipients(seed: int, count: int, file: TextIO) -> None:
    table = csv.DictWriter(file, FIELDS, lineterminator="\n")
    table.writeheader()
    table.writerows(recipients(seed, count))


if __name__ == "__main__":
    main()
