"""
How well and how fast bounces are classified.

    python benchmarks/bounces.py labelled.jsonl     scores against labelled rows
    python benchmarks/bounces.py --speed            verdicts per second, memory

A labelled row is a JSON object with `code`, `text`, `category`, `hard` (bool) and, where practice
differs, `category_alt` (list of categories that a lenient score accepts, "*" = any) and
`hard_disputed` (left out of the score for hard). The data that the figures in
cxtools/bounce/README.md were measured on is not part of the project.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cxtools.bounce import BounceVerdict, classify
from cxtools.bounce.policy import MAILED_AGAIN
from cxtools.bounce.rules import standard_rules

RETRYABLE = ("mailbox_full", "rate_limited", "greylisted", "temporary_failure")
#: Bounces of each sort that the speed is measured on.
REPETITIVE = 200_000
DISTINCT = 60_000
SEED = 7
LETTERS = "abcdefghijklmnopqrstuvwxyz"

Row = dict[str, Any]
Pair = tuple[Row, BounceVerdict]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("labelled", nargs="?", type=Path)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument(
        "--show", action="store_true", help="print the rows whose verdict differs from the label"
    )
    options = parser.parse_args()
    if options.speed:
        print_speed()
        return 0
    if options.labelled is None or not options.labelled.exists():
        print(
            f"no labelled data at {options.labelled}: give the path of a JSON Lines file",
            file=sys.stderr,
        )
        return 2
    lines = options.labelled.read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    pairs = [(row, classify(row["code"], row["text"])) for row in rows]
    print_scores(pairs)
    if options.show:
        print_mistakes(pairs)
    return 0


def print_scores(pairs: list[Pair]) -> None:
    undisputed = [pair for pair in pairs if not pair[0].get("hard_disputed")]
    print_score(
        "hard (undisputed)",
        undisputed,
        in_label=lambda row: bool(row["hard"]),
        in_verdict=lambda verdict: verdict.kind == "hard",
    )
    print_score(
        "retry",
        pairs,
        in_label=lambda row: row["category"] in RETRYABLE,
        in_verdict=lambda verdict: verdict.retry in MAILED_AGAIN,
    )
    total = len(pairs)
    strict = sum(row["category"] == verdict.category for row, verdict in pairs) / total
    lenient = sum(is_acceptable(row, verdict) for row, verdict in pairs) / total
    print(f"category: strict {strict:.3f}  lenient {lenient:.3f}  of {total}")
    confusion: Counter[tuple[str, str]] = Counter()
    for row, verdict in pairs:
        if row["category"] != verdict.category:
            confusion[row["category"], verdict.category] += 1
    for (label, category), count in confusion.most_common():
        print(f"  {count:4}  {label} -> {category}")


def print_score(
    name: str,
    pairs: list[Pair],
    *,
    in_label: Callable[[Row], bool],
    in_verdict: Callable[[BounceVerdict], bool],
) -> None:
    """Precision and recall of one yes-or-no question."""
    counts = Counter((in_label(row), in_verdict(verdict)) for row, verdict in pairs)
    hits = counts[True, True]
    precision = hits / max(1, hits + counts[False, True])
    recall = hits / max(1, hits + counts[True, False])
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    print(f"{name}: F1 {f1:.3f}  precision {precision:.3f}  recall {recall:.3f}  of {len(pairs)}")


def print_mistakes(pairs: list[Pair]) -> None:
    for row, verdict in pairs:
        differs_on_hard = row["hard"] != (verdict.kind == "hard")
        wrong_hard = differs_on_hard and not row.get("hard_disputed")
        if wrong_hard or not is_acceptable(row, verdict):
            mark = "HARD " if wrong_hard else ""
            text = str(row["text"])[:300]
            print(
                f"{mark}{row['category']} -> {verdict.category} by {verdict.rule} "
                f"| {row['code']} | {text}"
            )


def is_acceptable(row: Row, verdict: BounceVerdict) -> bool:
    """Whether a lenient score accepts the verdict's category."""
    alternatives = row.get("category_alt") or []
    return verdict.category in (row["category"], *alternatives) or "*" in alternatives


def print_speed() -> None:
    bounces_by_name = {
        "repetitive mix": repetitive_bounces(REPETITIVE),
        "all distinct": distinct_bounces(DISTINCT),
    }
    for name, stream in bounces_by_name.items():
        bounces = list(stream)
        started_at = time.process_time()
        for code, text in bounces:
            classify(code, text)
        per_second = len(bounces) / (time.process_time() - started_at)
        print(f"{name}: {per_second:,.0f} verdicts per second")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory: {peak_mb:.0f} MB")


def repetitive_bounces(count: int) -> Iterator[tuple[str, str]]:
    """
    As a campaign sees them: a few dozen causes, half of the texts with mailbox, queue id and host,
    half of them bare.
    """
    rng = random.Random(SEED)
    examples = [rule.example for rule in standard_rules()]
    for number in range(count):
        place = int(rng.expovariate(0.12))
        text = examples[min(place, len(examples) - 1)]
        host = f"mx{number % 9}.example.net[192.0.2.{number % 250}]"
        queue_id = f"{rng.getrandbits(48):x}"
        address = f"<reader{number}@example.com>"
        if number % 2:
            text = f"host {host} said: {text} {address} {queue_id} - q{number % 7}"
        yield "550", text


def distinct_bounces(count: int) -> Iterator[tuple[str, str]]:
    """
    No two texts alike even after masking: sentences of random words around the rules' examples.
    """
    rng = random.Random(SEED)
    examples = [rule.example for rule in standard_rules()]
    for number in range(count):
        noise = ["".join(rng.choices(LETTERS, k=rng.randint(3, 9))) for _ in range(8)]
        example = examples[number % len(examples)]
        yield "550", f"{' '.join(noise)}: {example} <reader{number}@example.com>"


if __name__ == "__main__":
    raise SystemExit(main())
