"""
How much memory and time does the plan of a long list cost?

    .venv/bin/python benchmarks/plan.py [--sizes 100000,1000000] [--package DIR]

Each row is a process of its own that reads a list of recipients from a CSV file and writes its plan
into a fresh ledger. Memory is the peak beyond that of a plan of one person; ratios are of CPU
seconds. DIR is the checkout that is measured, by default this one.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEAD = "   people    CPU s  us a person    peak MB  beyond one, MB  bytes a person"
PLAN = """
import json, resource, sys, time
from pathlib import Path
from cxtools.ledger.ledger import Ledger
from cxtools.sending.campaign import Campaign

file, home = Path(sys.argv[1]), Path(sys.argv[2])
campaign = Campaign.from_csv(
    file,
    name="bench",
    subject="Bench",
    template_id="a1b2c3d4-e5f6-7890-abcd-ef1234567890",
    sender="me@example.com",
)
ledger = Ledger(f"sqlite:///{home / 'ledger.sqlite'}", now=time.time, home=home)
ledger.plans.write(
    "bench",
    digest=campaign.digest,
    spec=campaign.spec.model_dump(mode="json"),
    planned=campaign.plan(),
    batch_size=1000,
)
used = resource.getrusage(resource.RUSAGE_SELF)
planned = ledger.batches.counts("bench")["planned"]
print(json.dumps([planned, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024]))
"""


def main() -> None:
    line = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    line.add_argument("--sizes", default="100000,1000000")
    line.add_argument("--package", type=Path, default=ROOT)
    given = line.parse_args()
    print(HEAD)
    one_cpu_s, one_bytes = plan(1, given.package)
    for size in map(int, given.sizes.split(",")):
        cpu_s, peak = plan(size, given.package)
        beyond = peak - one_bytes
        print(
            f"{size:9,} {cpu_s:8.1f} {(cpu_s - one_cpu_s) / size * 1e6:12.1f} {peak / 1e6:10.1f} "
            f"{beyond / 1e6:15.1f} {beyond / size:15.1f}"
        )


def plan(size: int, package: Path) -> tuple[float, int]:
    """CPU seconds and peak memory in bytes of a process that plans so many people."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        file = home / "recipients.csv"
        write_list(file, size)
        done = subprocess.run(
            [sys.executable, "-c", PLAN, file, home],
            env={**os.environ, "PYTHONPATH": str(package)},
            cwd=home,
            capture_output=True,
            text=True,
            check=True,
        )
    planned, cpu_s, peak = json.loads(done.stdout)
    assert planned == size
    return cpu_s, peak


def write_list(file: Path, size: int) -> None:
    """So many people, each once, with three merge fields and tags."""
    with file.open("w", encoding="utf-8", newline="") as output:
        table = csv.writer(output)
        table.writerow(["email", "tags", "firstName", "plan", "city"])
        numbers = iter(range(size))
        while group := list(islice(numbers, 1000)):
            table.writerows(person(number) for number in group)


def person(number: int) -> list[str]:
    plans = ("basic", "plus", "premium")
    domain = f"customer-{number % 977:03}.example"
    return [
        f"person.{number}@{domain}",
        "autumn;vip",
        f"Name {number}",
        plans[number % 3],
        f"City {number % 613}",
    ]


if __name__ == "__main__":
    main()
