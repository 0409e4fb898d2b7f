"""The demo's home goes on living: refresh finds work, does it, and three days later tells one thing."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from cxtools.connection import connect
from cxtools.demo import run_demo
from cxtools.refresh.refresh import refresh
from cxtools.text import parse_moment
from tests.mailboxes import open_mailbox
from tests.refreshing import DAY_S, TEAM, put_events

MOMENT = parse_moment("2026-09-22T06:00:00Z")


def test_the_demo_ends_with_work_for_refresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    It makes the pages that are due, also of a file in the inbox, and again nothing; three days later there are late bounces of one
    campaign: exactly its pages are made anew, and one mail says that its PASS became a WARN.
    """
    out = tmp_path / "demo"
    run_demo(out, progress=False)
    home = out / "home"
    assert MOMENT
    now = MOMENT.timestamp()
    client = connect(home=str(home))
    client.quiet = True
    with open_mailbox() as mailbox:
        with (home / "reports.toml").open("a") as reports:
            reports.write(TEAM.format(port=mailbox.port))
        name = "2026-08-thanks"
        put_events(home, name, delivered=2900, bounced=40)
        first = refresh(client, now, environ={}, rng=random.Random(7))
        again = refresh(client, now + 60, environ={}, rng=random.Random(7))
        words = {one.due.campaign: one.word for one in first.made}
        mailbox.mails.clear()
        put_events(home, name, name="late", bounced=70)
        later = refresh(client, now + 3 * DAY_S, environ={}, rng=random.Random(7))
        last = refresh(client, now + 3 * DAY_S + 60, environ={}, rng=random.Random(7))

    assert 9 == len(first.made)
    assert [] == first.not_made
    assert "PASS" == words[name]
    assert "nothing is due" == str(again) == str(last)
    assert {f"bounce_report-{name}.html", f"engagement_report-{name}.html"} == {
        one.page.name for one in later.made if one.page
    }
    assert [f"{name}: WARN (was PASS)"] == mailbox.subjects
    index = (out / "index.html").read_text()
    assert "was PASS on 22 Sep 2026" in index
