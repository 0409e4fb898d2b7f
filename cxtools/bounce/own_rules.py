"""A user's own rules for bounces, in a file of CXTOOLS_HOME; README.md tells how to write them."""

from __future__ import annotations

from pathlib import Path

from cxtools.bounce.judges import Judge, judge, standard_judge


def judge_by(file: Path) -> Judge:
    """
    Who judges bounces: the rules that ship, with those in *file* if there is one.

    Raises:
        ConfigError: a rule in it is wrong.
    """
    if file.exists():
        return judge(file.read_text("utf-8", "replace"), str(file))
    return standard_judge()
