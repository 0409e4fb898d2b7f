"""Processes of tests whose lines coverage doesn't count."""

from __future__ import annotations

import os

#: How coverage tells the processes that a traced one starts that they are to be traced, too.
TOLD = "COVERAGE_PROCESS_CONFIG"


def environment_without_coverage() -> dict[str, str]:
    """
    The environment of a process that isn't traced. Whoever is killed, or was forked by such a
    process, writes down no lines anyway, and to trace it costs a third of its time.
    """
    return {name: value for name, value in os.environ.items() if name != TOLD}
