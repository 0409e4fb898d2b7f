"""
Every error that cxtools raises, in one tree.

    CxError                          1  root; never raised itself
    |- ConfigError   (ValueError)    2  a setting, a spec or an input file is missing or wrong
    |- UnknownColumn (KeyError)      2  a table has no such column
    |- ApiError                      3  the API refused or can't be reached
    |  |- Unreachable (ConnectionError)  no usable answer before the deadline
    |  |- Denied                         401 or 403, after one fresh sign-in
    |  |- Refused                        400 404 409 413 422: the request is at fault
    |  |- RateLimited                    429, and patience is over
    |  `- ServerFault                    5xx, or the circuit breaker is open
    |- ContractError (ValueError)    4  a 2xx answer without the promised shape
    |  `- PossiblyTruncated              a full page without a cursor: there may be more
    |- JobFailed                     5  a job ended badly
    |- JobTimeout    (TimeoutError)  5  a job did not end in time; it can be resumed
    |- StoreError                    6  the ledger, the event store, or a file that the disk refuses
    |  `- PartsReplaced                  stored events were merged into other files while read
    |- ReportError                   7  a report could not be made
    `- BadVerdict                    9  a verdict is as bad as `fail_on` says, or worse

The number is the exit code of the command line (`cxtools --help` lists them). Success is 0, and 8
is "done, but outcomes are unknown and listed", which is no error. `Interrupted` (KeyboardInterrupt)
stands beside the tree: somebody stopped it, which is nobody's fault. Who is to blame is in the
type: `Refused` and `ConfigError` are ours, `ContractError` and `ServerFault` are theirs;
`BadVerdict` is no fault of anybody's, but an answer that was asked for.

Where an error is shown decides how: the command line prints its sentence, a notebook too (by
IPython's hook `_render_traceback_`), and only Python itself, a debugger or an error tracker shows a
traceback. Debuggers and trackers print the locals of its frames as well, and those of ours can hold
addresses, documents and secrets: `without_locals` empties them.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class CxError(Exception):
    """
    Something a person can act on: what happened, where, and what to do.

    >>> print(CxError("still limited after 5 tries", where="GET /events", do="run it again later"))
    still limited after 5 tries  [GET /events]
      -> run it again later
    """

    exit_code = 1
    #: Whether a notebook shows the traceback, too: `connection` asks the environment.
    shows_traceback = False

    def __init__(self, what: str, *, where: str = "", do: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.do = do

    def __str__(self) -> str:
        place = f"  [{self.where}]" if self.where else ""
        advice = f"\n  -> {self.do}" if self.do else ""
        return f"{self.what}{place}{advice}"

    def _render_traceback_(self) -> list[str]:
        """
        What IPython shows below a cell: the sentence. `%debug` still leads to the frames, and
        `CXTOOLS_DEBUG` shows them.
        """
        return _below_a_cell(self)


#: What DuckDB says where Ctrl-C comes in the midst of a query.
QUERY_STOPPED = "Query interrupted"


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, or Jupyter's stop button, in mid-work: what was done so far, and how to go on."""

    def _render_traceback_(self) -> list[str]:
        return _below_a_cell(self)


@contextmanager
def stoppable(what_is_kept: Callable[[], str]) -> Iterator[None]:
    """
    Where somebody stops what is done here, say what is kept of it, and how to go on.
    """
    try:
        yield
    except Interrupted:
        raise
    except KeyboardInterrupt:
        raise Interrupted(what_is_kept()) from None
    except RuntimeError as error:  # how DuckDB passes on that somebody stopped it
        if str(error) != QUERY_STOPPED:
            raise
        raise Interrupted(what_is_kept()) from None


class ConfigError(CxError, ValueError):
    """A setting, a campaign spec or an input file is missing or wrong; nothing was sent."""

    exit_code = 2


class UnknownColumn(CxError, KeyError):
    """A table has no such column; which it has is said."""

    exit_code = 2


class ApiError(CxError):
    """
    The API refused, or can't be reached.

    Attributes:
        method, path: the request, without its query (a query can hold an address)
        status: HTTP status, or None when there was no answer
        trace_id: the answer's `x-trace-id`, to quote to NICE's support; "" when missing
    """

    exit_code = 3

    def __init__(
        self,
        what: str,
        *,
        method: str = "",
        path: str = "",
        status: int | None = None,
        trace_id: str = "",
        do: str = "",
    ) -> None:
        facts = (
            f"{method} {path}".strip(),
            f"status {status}" if status else "",
            f"trace {trace_id}" if trace_id else "",
        )
        super().__init__(what, where=", ".join(filter(None, facts)), do=do)
        self.method = method
        self.path = path
        self.status = status
        self.trace_id = trace_id


class Unreachable(ApiError, ConnectionError):
    """No usable answer before the deadline: refused, reset, timed out, cut off."""


class Denied(ApiError):
    """401 or 403 after one fresh sign-in: credentials, scope, role or permission."""


class Refused(ApiError):
    """400 404 409 413 422: the request is at fault, repeating it won't help."""


class RateLimited(ApiError):
    """429, and patience is over. `retry_after_s` is what the server asked for, in seconds."""

    def __init__(self, what: str, *, retry_after_s: float | None = None, **facts: Any) -> None:
        super().__init__(what, **facts)
        self.retry_after_s = retry_after_s


class ServerFault(ApiError):
    """5xx that did not pass, or the circuit breaker is open."""


class ContractError(CxError, ValueError):
    """
    A 2xx answer without the promised shape; `where` says which field, as `$.results[3].eventType`.
    """

    exit_code = 4


class PossiblyTruncated(ContractError):
    """
    A full page came without a cursor: there may be more rows, so the set must not pass as complete.
    """


class JobFailed(CxError):
    """A send job ended as failed or cancelled."""

    exit_code = 5


class JobTimeout(CxError, TimeoutError):
    """A send job did not end before the deadline; `cxtools resume` goes on waiting."""

    exit_code = 5


class StoreError(CxError):
    """
    The ledger or the event store can't be read or written, or was asked for what it doesn't hold;
    or the disk refuses a file of a report.
    """

    exit_code = 6


class PartsReplaced(StoreError):
    """
    Files of events were merged into others while they were read. Nothing is lost: asking again
    reads those, and every question does so by itself, several times.
    """


class ReportError(CxError):
    """
    A report could not be made; `notebook` is the path of the kept, partly run notebook, or "".
    """

    exit_code = 7

    def __init__(self, what: str, *, notebook: str = "", where: str = "", do: str = "") -> None:
        super().__init__(what, where=where, do=do)
        self.notebook = notebook


class BadVerdict(CxError):
    """A campaign's verdict is as bad as `fail_on` says, or worse: a scheduled run ends with it."""

    exit_code = 9


def _below_a_cell(error: BaseException) -> list[str]:
    """What a notebook shows of an error: its name and its sentence; the traceback on demand."""
    if CxError.shows_traceback:
        return "".join(traceback.format_exception(error)).splitlines()
    return f"{type(error).__name__}: {error}".splitlines()


def without_locals(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """
    The same function or generator; a CxError that leaves it takes no locals along.

    The lines of the traceback stay.
    """

    @wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except CxError as error:
            del arguments, options  # this frame is still running, so nobody else can empty it
            forget_locals(error)
            raise

    @wraps(function)
    def generate(*arguments: Any, **options: Any) -> Iterator[Any]:
        try:
            yield from cast(Iterator[Any], function(*arguments, **options))
        except CxError as error:
            del arguments, options
            forget_locals(error)
            raise

    wrapper = generate if inspect.isgeneratorfunction(function) else call
    return cast(Callable[Arguments, Result], wrapper)


def forget_locals(error: BaseException) -> None:
    """
    Empty the frames of an error's traceback, as far as they have ended, and let go of the foreign
    errors behind it.
    """
    traceback.clear_frames(error.__traceback__)
    cause = error.__cause__ or error.__context__
    if cause is None:
        return
    forget_locals(cause)
    if not isinstance(cause, CxError):
        error.__cause__ = None
        error.__context__ = None
