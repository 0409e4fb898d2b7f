"""Bounces as lines of JSON, one verdict for each: what `cxtools classify` reads and prints."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator

from cxtools.bounce.judges import Judge, as_dict, standard_judge

#: What a line may say of a bounce.
KEYS = ("code", "text", "class")


def classify_lines(
    lines: Iterable[str],
    *,
    judge: Judge | None = None,
    explain: bool = False,
    counts: Counter[str] | None = None,
) -> Iterator[str]:
    """
    One JSON verdict per JSON line {"code": …, "text": …}, in order, a line at a time; the sending
    platform's own class of the bounce may stand there as "class".

    A bad line is answered with {"error": …, "line": number}; *counts* counts both, as "verdicts"
    and "bad".

    >>> tally = Counter()
    >>> answers = classify_lines(['{"code": 550, "text": "mailbox full"}', "[1"], counts=tally)
    >>> [json.loads(line).get("category", "bad") for line in answers]
    ['mailbox_full', 'bad']
    >>> tally["verdicts"], tally["bad"]
    (1, 1)
    """
    judge = judge or standard_judge()
    counts = Counter() if counts is None else counts
    for number, line in enumerate(lines, 1):
        try:
            bounce = _read(line)
        except ValueError as error:
            counts["bad"] += 1
            yield json.dumps({"error": str(error), "line": number})
            continue
        counts["verdicts"] += 1
        if explain:
            verdict = judge.explain(*bounce)
        else:
            verdict = as_dict(judge.classify(*bounce))
        yield json.dumps(verdict)


def _read(line: str) -> list[str]:
    """The code, the text and the class of a line, each "" where it says none."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("not JSON: write one object per line") from None
    if not isinstance(row, dict) or not any(key in row for key in KEYS):
        raise ValueError('not an object such as {"code": …, "text": …}')
    return [_as_text(row.get(key)) for key in KEYS]


def _as_text(value: object) -> str:
    if isinstance(value, dict | list | bool):
        # A ValueError, as for every line that can't be read.
        raise ValueError("code, text and class must be texts")  # noqa: TRY004
    return "" if value is None else str(value)
