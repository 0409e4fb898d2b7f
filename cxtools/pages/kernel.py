"""
One papermill run, in a process of its own: `python -m cxtools.pages.kernel` reads from stdin what
to run.

papermill changes the working directory of its process, and takes a failed cell for an exception;
the failed cell stands in the output notebook, and there `execution` looks for it. It ends when the
process that started it does, however that ended; and its kernel, which looks after its own parent
in the same way, ends with it. Where the system refuses a file, it ends with EX_IOERR, and the last
line on stderr says why.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from ipykernel.parentpoller import ParentPollerUnix
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync

KERNEL = "python3"
#: Nothing that is run stands in anybody's history.
KERNEL_OPTIONS = ["--HistoryManager.hist_file=:memory:"]


class ThisInterpreter(AsyncKernelManager):
    """
    A kernel of this interpreter, over encrypted channels, without a look at the kernels installed
    elsewhere. The keys of its channels stand in IPython's folder, which is of this run alone.
    """

    def __init__(self) -> None:
        super().__init__(
            kernel_name=KERNEL,
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[]),
            connection_file=str(Path(os.environ["IPYTHONDIR"], "kernel.json")),
            transport_encryption="required",
        )


def run_notebook(source: str, output: str, parameters: dict[str, Any]) -> None:
    """
    Run the notebook *source*; *output* is written after each cell.

    The kernel starts while papermill is loaded, which takes as long.
    """
    kernel = ThisInterpreter()
    try:
        run_sync(kernel.start_kernel)(extra_arguments=KERNEL_OPTIONS)
        import papermill

        with suppress(papermill.PapermillExecutionError):
            papermill.execute_notebook(
                source,
                output,
                parameters,
                kernel_name=KERNEL,
                language="python",
                progress_bar=False,
                km=kernel,
                cwd=str(Path.cwd()),
            )
    finally:
        if run_sync(kernel.is_alive)():  # one that never answered, papermill has ended
            run_sync(kernel.shutdown_kernel)()


if __name__ == "__main__":
    ParentPollerUnix(os.getppid()).start()  # type: ignore[no-untyped-call]
    try:
        run_notebook(**json.load(sys.stdin))
    except OSError as refused:
        print(refused.strerror or refused, file=sys.stderr)
        sys.exit(os.EX_IOERR)
