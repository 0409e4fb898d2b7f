"""
An erasure, killed at its n-th system call: `python -m tests.proof.erasure_killer`, one JSON request a
line, one JSON answer a line. How it is killed is told in `killer`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.proof.killer import preload, serve

#: what a run needs, so that it is there before the fork
PRELOADED = (
    "cxtools.connection",
    "cxtools.events.messages.build",
    "cxtools.people.forget",
    "duckdb",
    "email_validator",
    "numpy",
    "pyarrow.parquet",
    "sqlalchemy.dialects.sqlite",
)


def work(request: dict[str, Any]) -> Callable[[], int]:
    """Forget the person of the request."""

    def run() -> int:
        from cxtools.people.forget import forget
        from tests.proof.erasure_ground import client_of

        forget(client_of(Path(request["home"])), request["address"], "asked to")
        return 0

    return run


if __name__ == "__main__":
    preload(PRELOADED)
    serve(work)
