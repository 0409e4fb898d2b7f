"""
How well and how fast bounces are judged.

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

from cxtools.bounce import BounceVerdict, classify
from cxtools.bounce.rules import standard_rules

RETRYABLE = ("mailbox_full", "rate_limited", "greylisted", "temporary_failure")
Judged = list[tuple[dict[str, object], BounceVerdict]]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("labelled", nargs="?", type=Path)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument(
        "--show", action="store_true", help="print the rows that were judged otherwise"
    )
    options = parser.parse_args()
    if options.speed:
        speed()
    elif options.labelled is None or not options.labelled.exists():
        print(
            f"no labelled data at {options.labelled}: give the path of a JSON Lines file",
            file=sys.stderr,
        )
        return 2
    else:
        rows = [json.loads(line) for line in options.labelled.read_text("utf-8").splitlines()]
        scores([(row, classify(row["code"], row["text"])) for row in rows], options.show)
    return 0


def scores(judged: Judged, show: bool) -> None:
    undisputed = [(row, verdict) for row, verdict in judged if not row.get("hard_disputed")]
    report(
        "hard (undisputed)",
        undisputed,
        lambda row: bool(row["hard"]),
        lambda verdict: verdict.kind == "hard",
    )
    report(
        "retry",
        judged,
        lambda row: row["category"] in RETRYABLE,
        lambda verdict: verdict.retry in ("now", "later"),
    )
    strict = sum(row["category"] == verdict.category for row, verdict in judged)
    lenient = sum(accepted(row, verdict) for row, verdict in judged)
    print(
        f"category: strict {strict / len(judged):.3f}  lenient {lenient / len(judged):.3f}  of {len(judged)}"
    )
    confusion = Counter(
        (str(row["category"]), str(verdict.category))
        for row, verdict in judged
        if row["category"] != verdict.category
    )
    for (truth, said), count in confusion.most_common():
        print(f"  {count:4}  {truth} -> {said}")
    for row, verdict in judged if show else []:
        wrong_hard = not row.get("hard_disputed") and row["hard"] != (verdict.kind == "hard")
        if wrong_hard or not accepted(row, verdict):
            told = f"{row['category']} -> {verdict.category} by {verdict.rule} | {row['code']} | {str(row['text'])[:300]}"
            print(f"{'HARD ' if wrong_hard else ''}{told}")


def accepted(row: dict[str, object], verdict: BounceVerdict) -> bool:
    return verdict.category == row["category"] or not {"*", verdict.category}.isdisjoint(
        alternatives(row)
    )


def alternatives(row: dict[str, object]) -> list[str]:
    given = row.get("category_alt")
    return given if isinstance(given, list) else []


def report(
    name: str,
    judged: Judged,
    truth: Callable[[dict[str, object]], bool],
    said: Callable[[BounceVerdict], bool],
) -> None:
    pairs = Counter((truth(row), said(verdict)) for row, verdict in judged)
    hits, precision = (
        pairs[True, True],
        pairs[True, True] / max(1, pairs[True, True] + pairs[False, True]),
    )
    recall = hits / max(1, hits + pairs[True, False])
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    print(f"{name}: F1 {f1:.3f}  precision {precision:.3f}  recall {recall:.3f}  of {len(judged)}")


def speed() -> None:
    for name, stream in (("repetitive mix", mix(200_000)), ("all distinct", distinct(60_000))):
        bounces = list(stream)
        began = time.process_time()
        for code, text in bounces:
            classify(code, text)
        print(f"{name}: {len(bounces) / (time.process_time() - began):,.0f} verdicts per second")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def mix(count: int, seed: int = 7) -> Iterator[tuple[str, str]]:
    """
    As a campaign sees it: a few dozen causes, half of them told with mailbox, queue id and host,
    half of them bare.
    """
    dice, examples = random.Random(seed), [rule.example for rule in standard_rules()]
    for number in range(count):
        text = examples[min(int(dice.expovariate(0.12)), len(examples) - 1)]
        host, queue_id = (
            f"mx{number % 9}.example.net[192.0.2.{number % 250}]",
            f"{dice.getrandbits(48):x}",
        )
        told = f"host {host} said: {text} <reader{number}@example.com> {queue_id} - q{number % 7}"
        yield "550", told if number % 2 else text


def distinct(count: int, seed: int = 7) -> Iterator[tuple[str, str]]:
    """
    No two texts alike even after masking: sentences of random words around the rules' examples.
    """
    dice, examples = random.Random(seed), [rule.example for rule in standard_rules()]
    letters = "abcdefghijklmnopqrstuvwxyz"
    for number in range(count):
        noise = ["".join(dice.choices(letters, k=dice.randint(3, 9))) for _ in range(8)]
        yield (
            "550",
            f"{' '.join(noise)}: {examples[number % len(examples)]} <reader{number}@example.com>",
        )


if __name__ == "__main__":
    raise SystemExit(main())
