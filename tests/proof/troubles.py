"""
Campaigns with one planted trouble and without: is it named, and is nothing else?

    python -m tests.proof.troubles [--seeds 25]

Every seed makes a year, and in it one campaign with each trouble of `tests.troubles` and as many
without. Each is judged beside the year by itself.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from cxtools.events.store import EventStore
from cxtools.measures.engine import Engine
from cxtools.verdicts.evidence import verdict_on
from cxtools.verdicts.verdict import CampaignVerdict
from tests.tables import RECEIVED
from tests.troubles import TROUBLES, Mailing, mailing, year_before

NAME = "judged"
ALARMS = ("FAIL", "WARN")


class Judged(NamedTuple):
    """One campaign and its verdict; `trouble` is "" where none was planted."""

    trouble: str
    verdict: CampaignVerdict


def alarms(verdict: CampaignVerdict) -> set[str]:
    """What the checks that alarm are about: a count, the name of a place, or what has changed."""
    named = set()
    for check in verdict.facts.checks:
        if check.word not in ALARMS:
            continue
        named.add(check.limit.part)
        if check.trouble:
            named.add(check.trouble.place.name)
    return named


def doubts(verdict: CampaignVerdict) -> set[str]:
    """What of the data isn't trusted."""
    return {reason.affects for reason in verdict.trust.reasons}


#: Planted trouble -> whether a verdict names it.
NAMES: dict[str, Callable[[CampaignVerdict], bool]] = {
    "block_provider": lambda verdict: {"microsoft", "refused"} <= alarms(verdict),
    "kill_domain": lambda verdict: {"gone.example", "hard"} <= alarms(verdict),
    "rot_list": lambda verdict: "hard" in alarms(verdict),
    "break_tracking": lambda verdict: (
        bool({"clicked", "opened"} & alarms(verdict)) or bool({"clicks", "opens"} & doubts(verdict))
    ),
    "storm_with_scanners": lambda verdict: "suspect" in alarms(verdict),
    "fail_authentication": lambda verdict: "unauthenticated" in alarms(verdict),
    "complain": lambda verdict: "complained" in alarms(verdict),
    "cut_feed_short": lambda verdict: bool({"events", "deliveries"} & doubts(verdict)),
}


def is_right(judged: Judged) -> bool:
    """Whether the trouble is named; where there is none, whether nothing alarms."""
    if judged.trouble:
        return NAMES[judged.trouble](judged.verdict)
    return judged.verdict.word not in ALARMS


def judge_seed(seed: int) -> Iterator[Judged]:
    """One year, with a campaign with each trouble and as many without."""
    rng = random.Random(seed)
    folder = Path(tempfile.mkdtemp())
    try:
        year = folder / "year"
        store = EventStore(year)
        for week, earlier in enumerate(year_before(rng)):
            add(store, f"week-{week:02}", earlier, rng)
        for trouble in TROUBLES:
            name = trouble.__name__
            yield Judged("", judge(year, folder / f"not-{name}", mailing(rng), rng))
            planted = trouble(mailing(rng), rng)
            yield Judged(name, judge(year, folder / name, planted, rng))
    finally:
        shutil.rmtree(folder)


def judge(year: Path, folder: Path, known: Mailing, rng: random.Random) -> CampaignVerdict:
    """The verdict on one campaign in a store of its own, beside the year."""
    shutil.copytree(year, folder)
    store = EventStore(folder)
    add(store, NAME, known, rng)
    return verdict_on(Engine(store), NAME)


def add(store: EventStore, name: str, known: Mailing, rng: random.Random) -> None:
    """Add what a feed tells of a campaign."""
    store.add(name, known.events(rng), source="test", received_at=RECEIVED)


def main(seeds: int) -> int:
    """Print how often each trouble was named, and what was said without one."""
    rights: dict[str, list[bool]] = {}
    for seed in range(seeds):
        for judged in judge_seed(seed):
            right = is_right(judged)
            rights.setdefault(judged.trouble, []).append(right)
            if not right:
                print(seed, judged.trouble or "none", judged.verdict, sep=" | ", flush=True)
    for trouble, known in rights.items():
        print(f"{trouble or 'none':20} {sum(known)} of {len(known)} right")
    planted = [right for trouble, known in rights.items() if trouble for right in known]
    print(f"named {sum(planted)} of {len(planted)}")
    return 0 if sum(planted) >= 0.95 * len(planted) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=25)
    sys.exit(main(parser.parse_args().seeds))
