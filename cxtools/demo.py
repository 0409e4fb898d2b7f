"""
The demo: the whole job on the simulator, from a seeded list of recipients to the pages that
stakeholders open.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import requests

from cxtools import wording
from cxtools.connection import Connection, connect
from cxtools.errors import ConfigError, JobFailed, StoreError
from cxtools.events.importing import import_file
from cxtools.measures.answers import answer
from cxtools.pages.run import render_reports
from cxtools.sending.campaign import Campaign

NAME = "q3-update"
SEED, RECIPIENTS, EARLIER = "7", "5000", "8"
REPORTS = ("run_campaign", "bounce_report", "engagement_report")
WEEK_S = 7 * 86400
MARK = ".cxtools-demo"
SPEC = f"""\
name = "{NAME}"
subject = "Q3 Product Update"
template_id = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
sender = "marketing@example.com"
fields = ["firstName", "plan", "city"]
"""


def say_on_stderr(text: str) -> None:
    print(text, file=sys.stderr)


def run_demo(
    out: Path, *, say: Callable[[str], None] = say_on_stderr, progress: bool = True
) -> str:
    """
    Run the demo into *out* and return its summary in five lines; the store and ledger stand in
    `out/home`. *progress*: draw progress bars.

    Raises:
        ConfigError: *out*/home exists and isn't a demo's; nothing was touched.
        JobFailed, StoreError: the send didn't complete, or its audit trail has faults.
    """
    began = time.monotonic()
    home = _fresh_home(out)
    client = connect("simulator", home=home)
    client.quiet = not progress
    say("1/4  eight earlier campaigns into the event store")
    _import_history(client)
    say(f"2/4  sending {NAME}: {int(RECIPIENTS):,} recipients over HTTP")
    campaign = Campaign.from_toml(*_inputs(home))
    sent = client.send(campaign)
    if sent.state != "completed":
        raise JobFailed(
            f"the demo's send ended as {sent.state}",
            where=str(home),
            do="look at the ledger there; then run the demo again",
        )
    say("3/4  a week passes on the simulator's clock; late events come in")
    requests.post(
        f"{client.settings.env_url}/_sim/advance", json={"seconds": WEEK_S}, timeout=10
    ).raise_for_status()
    for _ in range(3):  # what is late; then two quiet looks, after which the campaign is settled
        client.collect(NAME)
    say("4/4  reports")
    render_reports([(name, {"campaign": NAME}) for name in REPORTS], out=out, home=home)
    return _summary(client, out / "index.html", time.monotonic() - began)


def _fresh_home(out: Path) -> Path:
    home = out / "home"
    if home.exists() and not (home / MARK).exists():
        raise ConfigError(
            "the folder is not a demo's, it is left alone",
            where=str(home),
            do="choose another --out",
        )
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True, mode=0o700)
    (home / MARK).touch()
    return home


def _simulated(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "cxtools.simulator", *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _import_history(client: Connection) -> None:
    folder = client.settings.home / "history"
    _simulated("history", "--campaigns", EARLIER, "--seed", SEED, "--out", str(folder))
    for file in sorted(folder.glob("*.jsonl")):
        import_file(file, file.stem, client.store, now=datetime.now(UTC))


def _inputs(home: Path) -> tuple[Path, Path]:
    recipients, spec = home / "recipients.csv", home / "spec.toml"
    _simulated("recipients", "--count", RECIPIENTS, "--seed", SEED, "--out", str(recipients))
    spec.write_text(SPEC)
    return spec, recipients


def _summary(client: Connection, index: Path, seconds: float) -> str:
    status = client.status(NAME)
    trail = client.ledger.audit_log.verify()
    if trail.faults:
        raise StoreError(
            f"the audit trail has faults: {trail.faults[0]}",
            where=str(client.settings.home),
            do="run the demo again",
        )
    row, share = answer(client.engine, "funnel", NAME).iloc[0], wording.percent
    people, hooks = status.recipients, status.webhooks
    return "\n".join(
        [
            f"campaign     {NAME}: {status.state}; {people['planned']:,} planned, {people['submitted']:,} submitted, "
            f"{people['suppressed']:,} suppressed",
            f"delivered    {row.delivered:,} of {row.attempted:,} ({share(row.delivery_rate)}), bounced {row.bounced:,}",
            f"engagement   opened {row.opened:,} ({share(row.open_rate)}), clicked {row.clicked:,} ({share(row.click_rate)})",
            f"webhooks     {hooks['delivered']:,} delivered, {hooks['pending']:,} pending; audit trail of {trail.rows:,} rows intact",
            f"reports      {index} ({seconds:.0f} s in all)",
        ]
    )
