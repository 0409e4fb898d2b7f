"""
How fast does a campaign go out, and is everything seen that happened?

    .venv/bin/python benchmarks/send.py [--recipients 10000] [--latency-ms 20] [--rates 400,1000]

Each row is one whole campaign against a fresh simulator: suppression checks, submits, polls,
events. The ideal of a rate limit is requests / rate, but never less than the checks' latency shared
by the workers, which is the ideal without a limit. Ratios are within one run; seconds are this
machine's.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import requests

import cxtools as cx
from cxtools.connection import Connection
from cxtools.measures.outcomes import event_kinds
from cxtools.settings import load_settings
from cxtools.simulated import SIMULATOR_ACCOUNT, start_simulator

HEAD = "server limit   wall s  ideal s  ratio  requests   429s  workers  events seen  existing"
KINDS = ("delivery", "bounce", "open", "click")


def main() -> None:
    line = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    line.add_argument("--recipients", type=int, default=10_000)
    line.add_argument("--latency-ms", type=int, default=20)
    line.add_argument(
        "--rates",
        default="400,1000",
        help="requests per second that the server allows, one campaign each; empty for none",
    )
    line.add_argument("--workers", type=int, default=16)
    given = line.parse_args()
    print(HEAD)
    for rate in [None, *map(int, filter(None, given.rates.split(",")))]:
        campaign_row(given, rate)


def campaign_row(given: argparse.Namespace, rate: int | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        url = start_simulator(
            "--latency-ms", str(given.latency_ms), *(["--rate-limit", str(rate)] if rate else [])
        )
        settings = load_settings(
            environ={},
            home=home,
            env_url=url,
            workers=given.workers,
            patience_s=900,
            **SIMULATOR_ACCOUNT,
        )
        client = Connection(settings, quiet=True)
        campaign = seeded(home, given.recipients)
        began = time.monotonic()
        client.send(campaign)
        wall_s = time.monotonic() - began
        report(given, rate, client, url, wall_s)


def seeded(home: Path, count: int) -> cx.Campaign:
    recipients = home / "recipients.csv"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "cxtools.simulator",
            "recipients",
            "--count",
            str(count),
            "--out",
            str(recipients),
        ],
        check=True,
    )
    spec: dict[str, Any] = {
        "subject": "Bench",
        "template_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
        "sender": "me@example.com",
    }
    return cx.Campaign.from_csv(recipients, name="bench", **spec)


def report(
    given: argparse.Namespace, rate: int | None, client: Connection, url: str, wall_s: float
) -> None:
    requests.post(f"{url}/_sim/advance", json={"seconds": 8 * 86400}, timeout=10).raise_for_status()
    counters = client.context.api.counters
    sent, throttled = counters.requests, counters.throttled
    client.collect()
    seen = sum(event_kinds(client.engine, "bench").values())
    truth = requests.get(f"{url}/_sim/truth", timeout=60).json()
    existing = sum(job["events"].get(kind, 0) for job in truth["jobs"].values() for kind in KINDS)
    ideal_s = max(
        sent / rate if rate else 0, given.recipients * given.latency_ms / 1000 / given.workers
    )
    ratio = wall_s / ideal_s if ideal_s else math.nan  # without limit and latency
    print(
        f"{rate or 'none':>12} {wall_s:8.1f} {ideal_s:8.1f} {ratio:6.2f} {sent:9,} {throttled:6,} "
        f"{given.workers:8} {seen:12,} {existing:9,}"
    )


if __name__ == "__main__":
    main()
