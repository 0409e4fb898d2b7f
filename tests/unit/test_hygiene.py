"""What is odd about a list before it is mailed: by itself, by DNS, by the ledger, by earlier campaigns."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cxtools.cli.program import app
from cxtools.connection import Connection
from cxtools.identity import recipient_key
from cxtools.ledger.suppressions import BY_HAND, OPERATOR
from cxtools.sending.hygiene import (
    KINDS,
    History,
    Known,
    domains_of,
    find_oddities,
    read_addresses,
)
from cxtools.sending.row import Row
from cxtools.settings import load_settings
from tests import tables
from tests.name_server import SILENT, NameServer

NOW = datetime(2026, 9, 14, tzinfo=UTC)
#: address | what is odd about it
CASES = """
    ann@one.example             |
    c@gmial.com                 | typo gmail.com?
    bob@gmail.con               | typo gmail.com?
    eve@acme-01.exmaple         | typo acme-01.example?
    eve@acme-02.example         |
    info@one.example            | role info
    Info@two.example            | role info
    information@two.example     |
    x@mailinator.com            | disposable mailinator.com
    ANN@one.example             | duplicate line 1
    Ann <ann@one.example>       | duplicate line 1
    nobody                      | invalid
    dead@gone.example           | dead domain no such domain
    left@one.example            | suppressed asked by phone
    twice@one.example           | bounced in 2 campaigns
    once@one.example            |
    silent@one.example          | never engaged 6 messages
    new@one.example             |
    old@one.example             | not engaged lately 621 days ago
    lately@one.example          |
"""
COMMON = [f"p{number}@acme-01.example" for number in range(30)]
HISTORY = {
    "twice@one.example": History(bounced=2),
    "once@one.example": History(bounced=1),
    "silent@one.example": History(delivered=6),
    "new@one.example": History(delivered=2),
    "old@one.example": History(0, 9, datetime(2025, 1, 1, tzinfo=UTC)),
    "lately@one.example": History(0, 9, datetime(2026, 9, 1, tzinfo=UTC)),
}
KNOWN = Known(
    disposable={"mailinator.com"},
    dead={"gone.example": "no such domain"},
    suppressed={recipient_key("left@one.example"): "asked by phone"},
    history={recipient_key(email): history for email, history in HISTORY.items()},
)


def test_each_address_is_odd_in_its_way() -> None:
    """One kind each, and nothing of those that are fine."""
    cases = [line.strip().split("|") for line in CASES.strip().splitlines()]
    addresses = [address.strip() for address, _ in cases]
    rows = [Row(line, {"email": email}) for line, email in enumerate([*addresses, *COMMON], 1)]
    listed = read_addresses(rows)
    odd = find_oddities(listed, domains_of(listed), KNOWN, now=NOW)
    found = {one.line: f"{one.kind} {one.detail}".strip() for one in odd}

    assert {
        line: expected.strip() for line, (_, expected) in enumerate(cases, 1) if expected.strip()
    } == found
    assert set(KINDS) == {kind for kind in KINDS if any(kind in one for one in found.values())}


EARLIER = """
    to             | kind     | at | code  | text
    gone@x.example | bounce   | +1 | 5.1.1 | no such user
    fine@x.example | delivery | +1 |       |
    fine@x.example | open     | +2 |       |
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two campaigns that one address bounced in, and somebody whom an operator suppressed."""
    client = Connection(load_settings(environ={}, home=tmp_path), quiet=True)
    for name in ("spring", "summer"):
        tables.store(EARLIER, name, into=client.store)
    reasons = {recipient_key("left@x.example"): "by phone"}
    client.ledger.suppressions.add(BY_HAND, reasons, OPERATOR)
    return tmp_path


def test_the_command_asks_dns_store_and_ledger(home: Path) -> None:
    """As a text, JSON and CSV, masked; a domain that DNS tells nothing of in time is said."""
    file = home / "list.csv"
    emails = [
        "gone@x.example",
        "fine@x.example",
        "Left <left@x.example>",
        "a@no.example",
        "b@null.example",
    ]
    file.write_text("\n".join(["email", *emails, "c@slow.example", "d@mailinator.com"]))
    mail = ["10 mx.x.example."]
    entries = {"x.example": mail, "null.example": ["0 ."], "slow.example": SILENT}
    with NameServer({**entries, "mailinator.com": mail}) as server:
        run = CliRunner(env={"CXTOOLS_HOME": str(home), "CXTOOLS_DNS_SERVER": server.address})
        told = json.loads(run.invoke(app, ["hygiene", str(file), "--dns", "--json"]).stdout)
    run = CliRunner(env={"CXTOOLS_HOME": str(home)})
    text = run.invoke(app, ["hygiene", str(file)]).stdout
    table = run.invoke(app, ["hygiene", str(file), "--csv", "--addresses"]).stdout
    lines = list(csv.DictReader(io.StringIO(table)))

    assert [
        (2, "bounced", "in 2 campaigns"),
        (4, "suppressed", "by phone"),
        (5, "dead domain", "no such domain"),
        (6, "dead domain", "it says that it takes no mail"),
        (8, "disposable", "mailinator.com"),
    ] == [(one["line"], one["kind"], one["detail"]) for one in told["oddities"]]
    assert ["slow.example"] == told["unanswered"]
    assert "gone@x.example" not in json.dumps(told) + text
    assert "1 bounced (bounced in several campaigns" in text
    assert "dead domain" not in text
    assert ["gone@x.example", "left@x.example", "d@mailinator.com"] == [
        line["email"] for line in lines
    ]


def test_a_dry_run_says_what_the_plan_does_not(home: Path) -> None:
    """Warnings beside the plan: nobody is left out for them."""
    spec = home / "spec.toml"
    spec.write_text(
        'name = "q3"\nsubject = "Hi"\nsender = "me@one.example"\n'
        'template_id = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"\n'
    )
    file = home / "list.csv"
    file.write_text("email\ngone@x.example\ninfo@x.example\nfine@x.example\n")
    words = ["send", str(spec), "--recipients", str(file), "--dry-run", "--json"]
    ran = CliRunner(env={"CXTOOLS_HOME": str(home)}).invoke(app, words)
    plan = json.loads(ran.stdout)

    assert plan["recipients"]["planned"] == 3
    assert ["1 role", "1 bounced"] == [warning.split(" (")[0] for warning in plan["warnings"]]
