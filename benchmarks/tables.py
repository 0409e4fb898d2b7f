"""The results as Markdown: a table for each number of events, with the ratios of its rows."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.contest import Result

HEAD = (
    "question",
    "contestant",
    "CPU s",
    "of it asked",
    "wall s",
    "memory MB",
    "spill MB",
    "cxtools / this",
)
PRODUCT = "cxtools"


def markdown(results: Sequence[Result]) -> str:
    """All results. Ratios are of the CPU seconds after the start of Python."""
    lines: list[str] = []
    for events in dict.fromkeys(result.events for result in results):
        lines += ["", f"### {events:,} events", "", cells(HEAD), cells(["---"] * len(HEAD))]
        own = [result for result in results if result.events == events]
        lines += [_row(result, own) for result in own]
    return "\n".join(lines)


def line(result: Result) -> str:
    """One result, for whoever waits for the table."""
    cost = result.cost
    error = f"  {result.error}" if result.error else ""
    return (
        f"{result.events:>11,}  {result.question:20} {result.contestant:26} "
        f"{cost.cpu_s:8.2f} CPU s {cost.wall_s:8.1f} s {cost.memory_mb:7,.0f} MB "
        f"{cost.spill_mb:7,.0f} MB spilled{error}"
    )


def _row(result: Result, others: Sequence[Result]) -> str:
    cost = result.cost
    if result.error:
        return cells([result.question, result.contestant, f"**{result.error}**"])
    return cells(
        [
            result.question,
            result.contestant,
            f"{cost.cpu_s:.2f}",
            _seconds(result.asked_cpu_s),
            f"{cost.wall_s:.2f}",
            f"{cost.memory_mb:,.0f}",
            f"{cost.spill_mb:,.0f}",
            _ratio(result, others),
        ]
    )


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.2f}"


def _ratio(result: Result, others: Sequence[Result]) -> str:
    """How many times as much cxtools needs for the same question."""
    for other in others:
        same_question = other.question == result.question and other.contestant == PRODUCT
        if same_question and other.asked_cpu_s and result.asked_cpu_s:
            return f"{other.asked_cpu_s / result.asked_cpu_s:.2f}"
    return ""


def cells(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
