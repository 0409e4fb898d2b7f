"""Whom imported campaigns and lists of other platforms suppress."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cxtools.cli.program import app
from cxtools.connection import Connection
from cxtools.errors import ConfigError
from cxtools.identity import recipient_key
from cxtools.ledger.suppressions import BY_HAND, OPERATOR
from cxtools.model import Event
from cxtools.sending.suppression_lists import suppress_list
from cxtools.settings import load_settings
from tests import tables

EVENTS = """
    to           | kind        | at | code  | text          | class
    gone@x.test  | bounce      | +1 | 5.1.1 | no such user  |
    ses@x.test   | bounce      | +1 |       |               | ses: Permanent General
    full@x.test  | bounce      | +1 | 5.2.2 | mailbox full  |
    hard@x.test  | bounce      | +1 |       |               | hard bounce
    spf@x.test   | bounce      | +1 | 550   | the SPF fails |
    angry@x.test | complaint   | +2 |       |               |
    left@x.test  | unsubscribe | +2 |       |               |
    fine@x.test  | delivery    | +1 |       |               |
"""
PEOPLE = ["gone", "ses", "full", "hard", "spf", "angry", "left", "fine"]
RULE = """
[[rule]]
id = "ours"
category = "policy_block"
phrases = ["no such user"]
example = "no such user"
source = "ours"
"""


def connection(home: Path) -> Connection:
    return Connection(load_settings(environ={}, home=home), quiet=True)


def suppressed(client: Connection) -> dict[str, str]:
    """Name -> reason of those of PEOPLE who are suppressed."""
    keys = {recipient_key(f"{name}@x.test"): name for name in PEOPLE}
    found = client.ledger.suppressions.find(keys)
    return {keys[key]: reason for key, reason in found.items()}


EXPECTED = {
    "gone": "invalid_recipient",
    "ses": "invalid_recipient",
    "angry": "complaint",
    "left": "unsubscribe",
}


def test_an_imported_campaign_suppresses_once(tmp_path: Path) -> None:
    """
    What the policy calls hard at once, complaints and unsubscribes; nobody else, nobody twice, and
    with one entry in the audit log.
    """
    client = connection(tmp_path)
    tables.store(EVENTS, "old", into=client.store)
    added = [client.suppress_imported(["old"]) for _ in range(2)]
    kinds = [entry.kind for entry in client.ledger.audit_log.entries()]

    assert [4, 0] == added
    assert EXPECTED == suppressed(client)
    assert 1 == kinds.count("suppressions.imported")


def test_an_event_without_an_address_suppresses_its_only_recipient(tmp_path: Path) -> None:
    """A hard bounce by its message id; one that could be anybody's suppresses nobody."""
    client = connection(tmp_path)
    named = """
        to          | kind | at | msg
        gone@x.test | sent | +1 | m1
        full@x.test | sent | +1 | both
        fine@x.test | sent | +1 | both
    """
    sent = tables.events(named)
    nameless = []
    for message in ("m1", "both", "other"):
        bounce = Event(message, "bounce", "bounce", message_id=message, bounce_code="5.1.1")
        nameless.append(bounce)
    client.store.add("old", sent + nameless, source="test", received_at=tables.RECEIVED)

    assert 1 == client.suppress_imported(["old"])
    assert {"gone": "invalid_recipient"} == suppressed(client)


def test_nothing_to_suppress_makes_no_ledger(tmp_path: Path) -> None:
    """Whoever only imports and asks gets no ledger by it."""
    client = connection(tmp_path)
    tables.store("to | kind | at\nann@x.test | delivery | +1", "old", into=client.store)

    assert 0 == client.suppress_imported(["old"])
    assert not client.has_ledger


def test_rejudge_covers_imported_campaigns(tmp_path: Path) -> None:
    """
    A changed rule lifts what it no longer justifies; complaints stay, and so does what an import
    left alone.
    """
    client = connection(tmp_path)
    tables.store(EVENTS, "old", into=client.store)
    tables.store("to | kind | at\nfine@x.test | complaint | +1", "left-alone", into=client.store)
    client.suppress_imported(["old"])
    unchanged = client.rejudge()
    (tmp_path / "bounce_rules.toml").write_text(RULE)
    later = connection(tmp_path)

    assert [(0, 0), (0, 1)] == [unchanged, later.rejudge()]
    assert EXPECTED.keys() - {"gone"} == suppressed(later).keys()


LISTS: dict[str, Any] = {
    "ses": {
        "SuppressedDestinationSummaries": [
            {"EmailAddress": "gone@x.test", "Reason": "BOUNCE"},
            {"EmailAddress": "angry@x.test", "Reason": "COMPLAINT"},
        ]
    },
    "sendgrid": [
        {"created": 1, "email": "gone@x.test", "reason": "550 no such user", "status": "5.1.1"},
        {"created": 2, "email": "Angry@X.test", "reason": "", "status": ""},
    ],
    "mailgun": {"items": [{"address": "gone@x.test"}, {"address": "angry@x.test"}], "paging": {}},
    "postmark": {
        "Suppressions": [
            {"EmailAddress": "gone@x.test", "SuppressionReason": "HardBounce"},
            {"EmailAddress": "angry@x.test", "SuppressionReason": "SpamComplaint"},
        ]
    },
    "brevo": {
        "contacts": [
            {"email": "gone@x.test", "reason": {"code": "hardBounce"}},
            {"email": "angry@x.test", "reason": {"code": "contactFlaggedAsSpam"}},
        ],
        "count": 2,
    },
    "table": "E-Mail Address;Reason\n<gone@x.test>;bounced\nangry@x.test;complained\n",
}


@pytest.mark.parametrize("platform", LISTS)
def test_a_list_of_another_platform_suppresses(platform: str, tmp_path: Path) -> None:
    """Whatever the shape of the list: both people on it are suppressed, once."""
    client = connection(tmp_path)
    content = LISTS[platform]
    file = tmp_path / "list.txt"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    taken = [suppress_list(client.ledger, file) for _ in range(2)]

    assert [(2, 2), (0, 2)] == [one[:2] for one in taken]
    assert {"gone", "angry"} == suppressed(client).keys()


def test_a_list_without_addresses_is_refused(tmp_path: Path) -> None:
    """Nobody is suppressed by a file of something else, and that is said."""
    file = tmp_path / "list.csv"
    file.write_text("name,reason\nann,left\n")

    with pytest.raises(ConfigError, match="no row of the list holds an address"):
        suppress_list(connection(tmp_path).ledger, file)


def test_an_operator_adds_and_lifts(tmp_path: Path) -> None:
    """By hand, with a reason; each has its entry, without an address in it."""
    suppressions = connection(tmp_path).ledger.suppressions
    key = recipient_key("gone@x.test")
    added = suppressions.add("suppressions.added", {key: "asked by phone"}, "by hand")
    listed = [(one.key, one.reason, one.campaign) for one in suppressions.listed()]
    lifted = [suppressions.lift(key, "came back") for _ in range(2)]

    assert (1, [(key, "asked by phone", "by hand")]) == (added, listed)
    assert [True, False] == lifted


@pytest.mark.parametrize("source", ["an operator", "a list"])
def test_rejudge_never_lifts_whom_people_suppressed(source: str, tmp_path: Path) -> None:
    """
    Not even where a campaign found the same people first, or is named as the list: what took over
    has its entry in the audit log.
    """
    client = connection(tmp_path)
    tables.store(EVENTS, "list.csv", into=client.store)
    client.suppress_imported(["list.csv"])
    if source == "a list":
        file = tmp_path / "list.csv"
        file.write_text("email\ngone@x.test\nelse@x.test\n")
        added = suppress_list(client.ledger, file).added
    else:
        people = {recipient_key(f"{name}@x.test"): "by phone" for name in ("gone", "else")}
        added = client.ledger.suppressions.add(BY_HAND, people, OPERATOR)
    (tmp_path / "bounce_rules.toml").write_text(RULE)
    later = connection(tmp_path)
    rejudged = later.rejudge()
    stays = {recipient_key("gone@x.test"), recipient_key("else@x.test")}

    assert (1, (0, 0)) == (added, rejudged)
    assert stays == later.ledger.suppressions.find(stays).keys()


SPELLINGS = """
    Ann <ann@one.example>
    mailto:ann@one.example
    "ann@ONE.example"
    bob@exämple.example
    bob@xn--exmple-cua.example
"""


@pytest.mark.parametrize("spelling", SPELLINGS.split("\n")[1:-1])
def test_a_list_suppresses_whom_a_plan_would_mail(spelling: str, tmp_path: Path) -> None:
    """However an address is written: the key is that of the address that is planned."""
    client = connection(tmp_path)
    file = tmp_path / "list.json"
    file.write_text(json.dumps([{"email": spelling.strip()}]))
    suppress_list(client.ledger, file)
    planned = {
        recipient_key("ann@one.example"),
        recipient_key("bob@xn--exmple-cua.example"),
    }

    assert 1 == len(client.ledger.suppressions.find(planned))


def test_what_is_not_one_address_is_said(tmp_path: Path) -> None:
    """Several people in a cell, and what can't be mailed, are rows without an address."""
    client = connection(tmp_path)
    file = tmp_path / "list.json"
    cells = ["ann@two.example, bob@two.example", "ann@", "gone@x.test"]
    file.write_text(json.dumps([{"email": cell} for cell in cells]))

    assert (1, 1, 2) == suppress_list(client.ledger, file)


def test_the_command_suppresses_whom_a_plan_would_mail(tmp_path: Path) -> None:
    """A name around the address makes no other person of it, and what isn't one is refused."""
    run = CliRunner(env={"CXTOOLS_HOME": str(tmp_path)})
    add = ["suppressions", "add", "--reason", "by phone"]
    taken = run.invoke(app, [*add, "Gone <gone@X.test>"])
    refused = run.invoke(app, [*add, "gone@x.test, left@x.test"])

    assert 0 == taken.exit_code
    assert 0 != refused.exit_code
    assert {"gone": "by phone"} == suppressed(connection(tmp_path))


def test_the_list_is_masked_unless_asked_and_an_export_comes_back(tmp_path: Path) -> None:
    """
    Who, why, since when, by whom; whole addresses only where they are asked for, and only those
    that events or plans still hold. An export has its audit entry, and is a list to import.
    """
    client = connection(tmp_path / "home")
    tables.store(EVENTS, "old", into=client.store)
    client.suppress_imported(["old"])
    run = CliRunner(env={"CXTOOLS_HOME": str(tmp_path / "home")})
    by_hand = ["suppressions", "add", "nowhere@x.test", "--reason", "nowhere@x.test asked"]
    assert 0 == run.invoke(app, by_hand).exit_code
    masked = json.loads(run.invoke(app, ["suppressions", "list", "--json"]).stdout)
    whole = json.loads(run.invoke(app, ["suppressions", "list", "--addresses", "--json"]).stdout)
    export = run.invoke(app, ["suppressions", "export"])
    (tmp_path / "list.csv").write_text(export.stdout)
    other = connection(tmp_path / "other")
    suppress_list(other.ledger, tmp_path / "list.csv")
    kinds = [entry.kind for entry in connection(tmp_path / "home").ledger.audit_log.entries()]

    assert {"g***@x.test", "s***@x.test", "a***@x.test", "l***@x.test", ""} == {
        row["email"] for row in masked
    }
    assert {"gone@x.test", "ses@x.test", "angry@x.test", "left@x.test", ""} == {
        row["email"] for row in whole
    }
    assert {("campaign", "old"), ("by hand", "")} == {
        (row["source"], row["campaign"]) for row in masked
    }
    assert "***@x.test asked" in [row["reason"] for row in masked]
    assert EXPECTED == suppressed(other)
    assert "1 suppressed person" in export.stderr
    assert ["suppressions.imported", "suppressions.added", "suppressions.exported"] == kinds
