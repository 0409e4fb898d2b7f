"""The command that judges bounces line by line: classify."""

from __future__ import annotations

import sys
from collections import Counter
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from cxtools.cli.session import session, write_lines

commands = typer.Typer()

Explain = Annotated[
    bool, typer.Option("--explain", help="Say which rules matched, which won and why.")
]
Rules = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="Own rules, instead of CXTOOLS_HOME's."),
]


@commands.command()
def classify(context: typer.Context, explain: Explain = False, rules: Rules = None) -> None:
    """
    Judge bounces: JSON lines {"code", "text"} on stdin, one verdict each on stdout, in order.

    "class", the sending platform's own word for the bounce, is optional.
    """
    from cxtools.bounce import classify_lines
    from cxtools.bounce.own_rules import judge_by

    if isinstance(sys.stdin, TextIOWrapper):
        # Bytes that aren't UTF-8 spoil their own line at most.
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    judge = judge_by(rules) if rules else session(context).connect().engine.judge
    counts: Counter[str] = Counter()
    answers = classify_lines(sys.stdin, judge=judge, explain=explain, counts=counts)
    write_lines(f"{answer}\n" for answer in answers)
    if counts["bad"]:
        session(context).say(
            f"{counts['bad']:,} of {counts.total():,} lines could not be read; "
            "each was answered with an error object"
        )
