"""The exit codes of the command line, as one table, and which one a campaign's state has."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cxtools.sending.status import Status

DONE = 0
REFUSED = 3
FAILED = 5
REPORT = 7
UNKNOWN = 8
BAD_VERDICT = 9
NOT_UNDERSTOOD = 10
INTERRUPTED = 130

#: Exit code -> what it means. 1 to 7 are those of the errors.
MEANINGS = {
    DONE: "done",
    1: "a bug",
    2: "usage or configuration",
    REFUSED: "the API refused or can't be reached",
    4: "the API broke its contract",
    FAILED: "a job failed or ran out of time",
    6: "store or ledger",
    REPORT: "report",
    UNKNOWN: "done, but outcomes are unknown and listed",
    BAD_VERDICT: "the verdict is as bad as --fail-on says, or worse",
    NOT_UNDERSTOOD: "imported, but most rows were not understood",
    INTERRUPTED: "stopped by Ctrl-C",
}

#: A campaign's state -> exit code. One that waits for a job or for the next day has its time.
EXIT_CODES = {
    "completed": DONE,
    "nothing_to_send": DONE,
    "in_progress": DONE,
    "partial": FAILED,
    "failed": FAILED,
    "unknown": UNKNOWN,
}


#: Webhooks that wait for a person to do something.
STUCK = ("dead", "parked")


def exit_code(status: Status) -> int:
    """The exit code that tells where a campaign stands."""
    people = status.recipients
    nothing_submitted = people["rejected"] and not people["submitted"]
    if status.state == "failed" and nothing_submitted:
        return REFUSED
    code = EXIT_CODES[status.state]
    if code == DONE and any(status.webhooks[state] for state in STUCK):
        return REFUSED
    return code
