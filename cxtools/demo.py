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
from cxtools.progress import say_on_stderr
from cxtools.sending.campaign import Campaign
from cxtools.wording import percent

NAME = "q3-update"
SEED = 7
RECIPIENTS = 5000
EARLIER_CAMPAIGNS = 8
#: Where `cxtools demo` puts its pages, and its home below them.
OUT = Path("reports/demo")
REPORTS = ("run_campaign", "bounce_report", "engagement_report")
#: What the demo is given, beside its home: list, spec, events of earlier campaigns.
INPUT = Path("input")
WEEK_S = 7 * 86400
#: The first fetches late events; after two more that find nothing the campaign is settled.
LATE_COLLECTS = 3
#: A file of this name says that a home is a demo's, and may be removed.
MARK = ".cxtools-demo"
SPEC = f"""\
name = "{NAME}"
subject = "Q3 Product Update"
template_id = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
sender = "marketing@example.com"
fields = ["firstName", "plan", "city"]
"""
#: What `cxtools refresh` makes in the demo's home, into the demo's folder of pages.
SCHEDULE = """\
[reports.campaign]
notebook = "run_campaign"
out = ".."

[reports.bounces]
notebook = "bounce_report"
campaigns = ["q3-*", "2026-08-*"]
out = ".."

[reports.engagement]
notebook = "engagement_report"
campaigns = ["q3-*", "2026-08-*"]
out = ".."
"""


def run_demo(
    out: Path,
    *,
    say: Callable[[str], None] = say_on_stderr,
    progress: bool = True,
) -> str:
    """
    Run the demo into *out* and return its summary in five lines; the store and ledger stand in
    `out/home`, what it is given beside it. *progress*: draw progress bars.

    Raises:
        ConfigError: *out*/home exists and isn't a demo's; nothing was touched.
        JobFailed, StoreError: the send didn't complete, or its audit log has faults.
    """
    started_at = time.monotonic()
    home = _make_home(out)
    client = connect("simulator", home=home)
    client.quiet = not progress
    say(f"1/4  {EARLIER_CAMPAIGNS} earlier campaigns into the event store")
    _import_history(client, out / INPUT)
    say(f"2/4  sending {NAME}: {wording.count(RECIPIENTS)} recipients over HTTP")
    _send(client, out / INPUT)
    say("3/4  a week passes on the simulator's clock; late events come in")
    _let_a_week_pass(client)
    say("4/4  reports")
    index = out / "index.html"
    render_reports([(name, {"campaign": NAME}) for name in REPORTS], out=out, home=home)
    (home / "reports.toml").write_text(SCHEDULE, encoding="utf-8")
    say(f"next: CXTOOLS_HOME={home} cxtools refresh makes the reports of its reports.toml")
    return _summary(client, index, seconds=time.monotonic() - started_at)


def demo_home() -> Path | None:
    """The home of a demo that was run in this folder; None where there is none."""
    home = OUT / "home"
    return home if (home / MARK).exists() else None


def _make_home(out: Path) -> Path:
    home = out / "home"
    if home.exists() and not (home / MARK).exists():
        raise ConfigError(
            "the folder is not a demo's and was left alone",
            where=str(home),
            do="choose another --out",
        )
    shutil.rmtree(home, ignore_errors=True)
    shutil.rmtree(out / INPUT, ignore_errors=True)
    home.mkdir(parents=True, mode=0o700)
    (home / MARK).touch()
    return home


def _import_history(client: Connection, files: Path) -> None:
    folder = files / "history"
    _run_simulator("history", campaigns=EARLIER_CAMPAIGNS, seed=SEED, out=folder)
    for file in sorted(folder.glob("*.jsonl")):
        import_file(file, file.stem, client.store, now=datetime.now(UTC))


def _send(client: Connection, files: Path) -> None:
    recipients = files / "recipients.csv"
    spec = files / "spec.toml"
    _run_simulator("recipients", count=RECIPIENTS, seed=SEED, out=recipients)
    spec.write_text(SPEC, encoding="utf-8")
    sent = client.send(Campaign.from_toml(spec, recipients))
    if sent.state != "completed":
        raise JobFailed(
            f"the demo's send ended as {sent.state}",
            where=str(client.settings.home),
            do="look at the ledger there; then run the demo again",
        )


def _run_simulator(command: str, **options: object) -> None:
    flags: list[str] = []
    for name, value in options.items():
        flags += [f"--{name}", str(value)]
    subprocess.run(
        [sys.executable, "-m", "cxtools.simulator", command, *flags],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _let_a_week_pass(client: Connection) -> None:
    url = f"{client.settings.env_url}/_sim/advance"
    requests.post(url, json={"seconds": WEEK_S}, timeout=10).raise_for_status()
    for _ in range(LATE_COLLECTS):
        client.collect(NAME)


def _summary(client: Connection, index: Path, *, seconds: float) -> str:
    status = client.status(NAME)
    audit = client.ledger.audit_log.verify()
    if audit.faults:
        raise StoreError(
            f"the audit log has faults: {audit.faults[0]}",
            where=str(client.settings.home),
            do="run the demo again",
        )
    row = answer(client.engine, "funnel", NAME).iloc[0]
    people = status.recipients
    webhooks = status.webhooks
    lines = {
        "campaign": f"{NAME}: {status.state}; {wording.count(people['planned'])} planned, "
        f"{wording.count(people['submitted'])} submitted, "
        f"{wording.count(people['suppressed'])} suppressed",
        "delivered": f"{wording.count(row.delivered)} of {wording.count(row.attempted)} "
        f"({percent(row.delivery_rate)}), bounced {wording.count(row.bounced)}",
        "engagement": f"opened {wording.count(row.opened)} ({percent(row.open_rate)}), "
        f"clicked {wording.count(row.clicked)} ({percent(row.click_rate)})",
        "webhooks": f"{wording.count(webhooks['delivered'])} delivered, "
        f"{wording.count(webhooks['pending'])} pending; "
        f"audit log of {wording.count(audit.rows)} rows intact",
        "reports": f"{index} ({seconds:.0f} s in all)",
    }
    return "\n".join(f"{name:<12} {text}" for name, text in lines.items())
