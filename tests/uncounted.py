"""Processes of tests whose lines coverage doesn't count."""

from __future__ import annotations

import os

#: How coverage tells the processes that a traced one starts that they are to be traced, too.
TOLD = "COVERAGE_PROCESS_CONFIG"


def environment_without_coverage() -> dict[str, str]:
    """
    The environment of a process that isn't traced, which takes up to half of its time. Whoever is
    killed, or ends as a fork by `os._exit`, writes down no lines anyway; what simulators and
    schedulers of the proofs would write is left out, since other tests run the same code.
    """
    return {name: value for name, value in os.environ.items() if name != TOLD}
