"""
How close to a server's limit do suppression checks come, and at what cost for the server?

    .venv/bin/python benchmarks/pacing.py [--runs 3] [--latency-ms 20] [--package DIR]

Each row is the median run of a fresh process against a fresh simulator, whose limit is a token
bucket: so many requests per second, so many at once. The client knows the rate, or has to learn it.
Ideal is checks / rate, though a full bucket allows a little more; amplification is requests sent /
requests needed. DIR is the checkout that is measured, by default this one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import NamedTuple

from cxtools.simulated import start_simulator

ROOT = Path(__file__).parents[1]
HEAD = "  rate  burst   known  checks   wall s  ratio  requests   429s  amplification"
CHECK = """
import json, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from cxtools.api.client import Client
from cxtools.settings import load_settings
from cxtools.simulated import SIMULATOR_ACCOUNT

url, known, checks = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
settings = load_settings(
    environ={},
    home=Path(tempfile.gettempdir()),
    env_url=url,
    patience_s=900,
    requests_per_s=known or None,
    **SIMULATOR_ACCOUNT,
)
client = Client(settings)
client.sign_in()
signed_in = client.counters.requests
addresses = [f"p{number}@acme.example" for number in range(checks)]
began = time.monotonic()
with ThreadPoolExecutor(16) as pool:
    list(pool.map(client.fetch_suppression, addresses))
wall_s = time.monotonic() - began
print(json.dumps([wall_s, client.counters.requests - signed_in, client.counters.throttled]))
"""


class Limit(NamedTuple):
    """A server's limit, and how many checks are made against it."""

    rate: float
    burst: float
    checks: int


LIMITS = [
    Limit(20, 20, 200),
    Limit(100, 100, 1000),
    Limit(100, 50, 1000),
    Limit(100, 10, 1000),
]


class Run(NamedTuple):
    wall_s: float
    requests: int
    throttled: int


def main() -> None:
    line = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    line.add_argument("--runs", type=int, default=3)
    line.add_argument("--latency-ms", type=float, default=20)
    line.add_argument("--package", type=Path, default=ROOT)
    given = line.parse_args()
    print(HEAD)
    for limit in LIMITS:
        for known in (True, False):
            runs = [run(limit, known, given.latency_ms, given.package) for _ in range(given.runs)]
            print(row(limit, known, runs), flush=True)


def run(limit: Limit, known: bool, latency_ms: float, package: Path) -> Run:
    """One process that makes its checks."""
    url = start_simulator(
        "--latency-ms",
        str(latency_ms),
        "--rate-limit",
        str(limit.rate),
        "--rate-burst",
        str(limit.burst),
    )
    rate = limit.rate if known else 0
    done = subprocess.run(
        [sys.executable, "-c", CHECK, url, str(rate), str(limit.checks)],
        env={**os.environ, "PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=True,
    )
    return Run(*json.loads(done.stdout))


def row(limit: Limit, known: bool, runs: list[Run]) -> str:
    wall_s = median(each.wall_s for each in runs)
    requests = median(each.requests for each in runs)
    throttled = median(each.throttled for each in runs)
    return (
        f"{limit.rate:6g} {limit.burst:6g} {known!s:>7} {limit.checks:7,} {wall_s:8.2f} "
        f"{wall_s * limit.rate / limit.checks:6.2f} {requests:9,.0f} {throttled:6,.0f} "
        f"{requests / limit.checks:14.3f}"
    )


if __name__ == "__main__":
    main()
