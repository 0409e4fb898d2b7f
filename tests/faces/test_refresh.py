"""A round of refresh: pages of what changed, judgements, and people told once, by real servers."""

from __future__ import annotations

import json
import random
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest
from standardwebhooks import Webhook
from typer.testing import CliRunner

from cxtools.cli.program import app
from cxtools.connection import Connection, connect
from cxtools.errors import ConfigError, ReportError
from cxtools.ledger.outbox import WebhookRow
from cxtools.pages.checks import addresses
from cxtools.refresh.refresh import Refreshed, refresh, waiting
from tests.contract.test_deadlines import MAKE_CERTIFICATE
from tests.fault_server import FaultServer, Reply
from tests.mailboxes import Mailbox, open_mailbox
from tests.refreshing import (
    DAY_S,
    ENOUGH,
    FEW,
    MANY,
    NOW,
    TEAM,
    TRIAL,
    put_events,
    write_notebook,
)

#: Files of the home that pages depend on.
RULES = {
    "limits.toml": "[hard]\ntarget = 0.01\nlimit = 0.03\n",
    "providers.toml": '"acme.example" = "acme"\n',
}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def client(tmp_path: Path) -> Connection:
    """A home with the short notebook."""
    home = tmp_path / "home"
    write_notebook(home)
    return connect(home=str(home))


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with open_mailbox() as mailbox:
        yield mailbox


def say(client: Connection, text: str) -> None:
    (client.settings.home / "reports.toml").write_text(text)


def again(client: Connection, days: float, **environ: str) -> Refreshed:
    """A round so many days after the campaign's first."""
    rng = random.Random(7)
    return refresh(client, NOW + days * DAY_S, environ=environ, rng=rng)


def held(client: Connection) -> list[WebhookRow]:
    return client.ledger.outbox.webhooks()


def test_what_changed_is_made_and_told_once(client: Connection, mailbox: Mailbox) -> None:
    """
    PASS is silence; a WARN is one mail with the page; nothing new is nothing; while it lasts people
    are reminded once a week; a FAIL is another mail. Campaigns without new events are left alone.
    """
    home = client.settings.home
    say(client, TRIAL + TEAM.format(port=mailbox.port) + 'remind_after = "7d"\n')
    put_events(home, "q3", delivered=ENOUGH)
    put_events(home, "q2", delivered=ENOUGH)
    first = again(client, 0)

    assert ["q2", "q3"] == sorted(one.due.campaign for one in first.made)
    assert {"PASS"} == {one.word for one in first.made}
    assert "nothing is due" == str(again(client, 0.1))
    assert [] == waiting(client, NOW + DAY_S)
    assert [] == mailbox.mails

    put_events(home, "q3", name="late", bounced=FEW)
    second = again(client, 3)

    assert [("q3", "new data", "WARN")] == [
        (one.due.campaign, one.due.why, one.word) for one in second.made
    ]
    assert ["q3: WARN (was PASS)"] == mailbox.subjects
    assert "nothing is due" == str(again(client, 3.1))
    for day in (9.9, 10.1, 10.2, 30.5):
        again(client, day)
    assert ["q3: still WARN, for 7 days", "q3: still WARN, for 27 days"] == mailbox.subjects[1:]

    put_events(home, "q3", name="later", bounced=MANY)
    again(client, 31)
    assert ["q3: FAIL (was WARN)"] == mailbox.subjects[3:]
    assert len(set(mailbox.ids)) == 4
    assert () == client.ledger.audit_log.verify().faults
    assert {"delivered"} == {row.state for row in held(client)}


def test_pages_are_made_anew_by_other_rules(client: Connection) -> None:
    """A cell, limits, providers, and how numbers are written; not what a notebook was saved with."""
    home = client.settings.home
    say(client, TRIAL)
    put_events(home, "q3", delivered=ENOUGH)
    again(client, 0)
    notebook = nbformat.read(home / "trial.ipynb", as_version=4)

    def is_due(target: Connection = client) -> bool:
        due = waiting(target, NOW + 60)
        assert due in ([], ["make trial of q3: new rules"])
        return due != []

    notebook.cells[-1].outputs = [nbformat.v4.new_output("stream", text="of yesterday")]
    nbformat.write(notebook, home / "trial.ipynb")
    assert not is_due()
    notebook.cells[-1].source += "  # looked at"
    nbformat.write(notebook, home / "trial.ipynb")
    assert is_due()
    write_notebook(home)
    assert not is_due()
    for name, rules in RULES.items():
        (home / name).write_text(rules)
        assert is_due(), name
        (home / name).unlink()
        assert not is_due(), name
    german = Connection(client.settings.model_copy(update={"locale": "de"}))
    assert is_due(german)
    assert not is_due(Connection(client.settings))


def test_a_mail_can_be_read_anywhere(client: Connection, mailbox: Mailbox) -> None:
    """Word, three sentences, what to do; the same as HTML without scripts; the page is attached."""
    say(client, TRIAL + TEAM.format(port=mailbox.port) + 'link = "https://reports.example.com"\n')
    put_events(client.settings.home, "q3", delivered=ENOUGH, bounced=MANY)
    [made] = again(client, 0).made
    [mail] = mailbox.mails
    plain, html, page = mail.walk(), None, None
    parts = {part.get_content_type(): part for part in plain if not part.is_multipart()}
    text = parts["text/plain"].get_content()
    [page] = list(mail.iter_attachments())
    body = mail.get_body(("html",))
    assert body
    html = body.get_content()

    assert "q3: FAIL" == text.splitlines()[0]
    assert "400 hard bounces" in text
    assert "To do, list owner: Stop sending" in text
    assert "Trial: https://reports.example.com/trial-q3.html" in text
    assert "400 hard bounces" in html
    assert "<script" not in html
    assert made.page
    assert made.page.read_bytes() == page.get_payload(decode=True)
    assert "trial-q3.html" == page.get_filename()
    assert set() == addresses(text) | addresses(html)
    assert "Reports <reports@example.com>" == mail["From"]


def test_what_fails_is_tried_after_pauses_and_told_once(
    client: Connection, mailbox: Mailbox
) -> None:
    """When it is mended the page is made, and the next failure is told anew."""
    home = client.settings.home
    say(client, TRIAL + TEAM.format(port=mailbox.port))
    write_notebook(home, "raise ValueError('ann@example.com is unknown')")
    put_events(home, "q3", delivered=ENOUGH)
    minutes = [0.0, 1, 6, 7, 36, 37]
    tries = [len(again(client, minute / 1440).not_made) for minute in minutes]

    assert [1, 0, 1, 0, 1, 0] == tries
    assert ["The report trial of q3 can't be made"] == mailbox.subjects
    [part] = [part for part in mailbox.mails[0].walk() if part.get_content_type() == "text/plain"]
    assert "cell 3 of 3 failed: ValueError: ***@… is unknown" in part.get_content()

    write_notebook(home)
    [made] = again(client, 1).made
    assert made.page
    assert made.page.exists()
    write_notebook(home, "raise ValueError")
    again(client, 2)
    assert 2 == len(mailbox.mails)


def test_a_mail_that_was_refused_comes_later_and_is_the_same(
    client: Connection, mailbox: Mailbox
) -> None:
    """It waits in the outbox with what the server said, and keeps its id."""
    say(client, TRIAL + TEAM.format(port=mailbox.port))
    mailbox.answers = ["451 4.7.1 try again later, ann@example.com"]
    put_events(client.settings.home, "q3", delivered=ENOUGH, bounced=MANY)
    first = again(client, 0)
    [row] = held(client)

    assert {"pending": 1} == dict(first.told)
    assert "the mail server refused: 451 4.7.1 try again later, ***@example.com" == row.last_error
    assert {} == dict(again(client, 1 / 86400).told)
    assert {"delivered": 1} == dict(again(client, 0.01).told)
    assert [f"<{row.id}@example.com>"] == mailbox.ids


def test_mail_goes_by_tls_and_with_a_password(
    client: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password comes from the environment; a wrong one is said, and not shown."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate with")
    subprocess.run(MAKE_CERTIFICATE.split(), cwd=tmp_path, check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with open_mailbox(tls) as mailbox:
        text = TEAM.format(port=mailbox.port).replace('security = "none"', 'user = "reports"')
        say(client, TRIAL + text)
        put_events(client.settings.home, "q3", delivered=ENOUGH, bounced=MANY)
        with pytest.raises(ConfigError, match="not set: CXTOOLS_CHANNEL_TEAM_PASSWORD"):
            again(client, 0)
        again(client, 0, CXTOOLS_CHANNEL_TEAM_PASSWORD="wr0ng")
        [row] = held(client)
        assert "535" in row.last_error
        assert "wr0ng" not in row.last_error
        again(client, 1, CXTOOLS_CHANNEL_TEAM_PASSWORD="s3cret")
        assert ["q3: FAIL"] == mailbox.subjects


def test_webhooks_and_chats(client: Connection) -> None:
    """A program gets a signed message with all of it, a chat the words; its URL stays secret."""
    channels = """
[channels.program]
kind = "webhook"
url = "{url}/hook"
on = "always"
[channels.chat]
kind = "apprise"
on = "fail"
"""
    with FaultServer() as server:
        server.script("POST /hook", Reply(200))
        server.script("POST /chat/t0ken", Reply(200))
        say(client, TRIAL + channels.format(url=server.url))
        put_events(client.settings.home, "q3", delivered=ENOUGH, bounced=MANY)
        chat = server.url.replace("http://", "json://") + "/chat/t0ken"
        done = again(
            client, 0, CXTOOLS_CHANNEL_PROGRAM_SECRET=SECRET, CXTOOLS_CHANNEL_CHAT_URL=chat
        )
        posts = {seen.path: seen for seen in server.seen}
    program = posts["/hook"]
    names = {name.lower(): value for name, value in program.headers.items()}
    message: Any = json.loads(program.body)
    words = json.loads(posts["/chat/t0ken"].body)

    assert {"delivered": 2} == dict(done.told)
    assert "webhook-signature" in names
    assert names["webhook-id"] == next(row.id for row in held(client) if row.channel == "program")
    assert "campaign.verdict" == message["type"]
    assert ("q3", "FAIL", "") == tuple(
        message["data"][name] for name in ("campaign", "word", "before")
    )
    assert 3 == len(message["data"]["sentences"])
    assert [{"title": "Trial", "file": "trial-q3.html", "link": ""}] == message["data"]["pages"]
    assert "q3: FAIL" == words["title"]
    assert "t0ken" not in repr(held(client))
    at = datetime.fromtimestamp(int(names["webhook-timestamp"]), UTC)
    signed = Webhook(SECRET).sign(names["webhook-id"], at, program.body.decode())
    assert signed == names["webhook-signature"]


def test_a_report_of_ones_own_about_no_campaign(client: Connection) -> None:
    """It is made when anything changed; the folder of its pages can be another one."""
    home = client.settings.home
    say(
        client,
        '[reports.all]\nnotebook = "trial.ipynb"\nout = "pages"\n[reports.all.parameters]\ncampaign = "x"',
    )
    put_events(home, "q3", delivered=3)
    [made] = again(client, 0).made

    assert home / "pages" / "trial-x.html" == made.page
    assert (home / "pages" / "index.html").exists()
    assert "" == made.due.campaign
    assert "nothing is due" == str(again(client, 1))
    put_events(home, "q2", delivered=3)
    assert ["new data"] == [one.due.why for one in again(client, 2).made]


def test_what_can_not_be_done_is_said_before_anything_is(client: Connection) -> None:
    """A wrong file, a notebook that isn't there; the inbox is left as it is."""
    put_events(client.settings.home, "q3", delivered=3)
    for text, error, said in (
        ("[reports", ConfigError, "are not TOML"),
        ('[reports.a]\nnotebook = "trail.ipynb"', ReportError, "there is no report"),
        ('[reports.a]\nnotebook = "bounces"', ReportError, "did you mean"),
    ):
        say(client, text)
        with pytest.raises(error, match=said):
            again(client, 0)
    assert (client.settings.home / "inbox/q3/first.csv").exists()


def test_the_command(client: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was done as text and JSON, and exit codes for schedulers."""
    home = client.settings.home
    monkeypatch.setenv("CXTOOLS_HOME", str(home))
    say(client, TRIAL + 'fail_on = "WARN"\n')
    put_events(home, "q3", delivered=ENOUGH, bounced=MANY)
    run = CliRunner()
    listed = run.invoke(app, ["refresh", "--dry-run"])
    done = run.invoke(app, ["refresh", "--json"])
    idle = run.invoke(app, ["refresh"])
    known = run.invoke(app, ["campaigns", "--json"])
    document = json.loads(done.stdout)

    assert "take in inbox/q3/first.csv" in listed.stdout
    assert 9 == done.exit_code
    assert [("trial", "q3", "FAIL", None)] == [
        tuple(row[name] for name in ("report", "campaign", "word", "error"))
        for row in document["reports"]
    ]
    assert (0, "nothing is due\n") == (idle.exit_code, idle.stdout)
    assert [("q3", "imported", "FAIL")] == [
        (row["campaign"], row["source"], row["word"]) for row in json.loads(known.stdout)
    ]
    assert "FAIL since" in run.invoke(app, ["campaigns"]).stdout

    write_notebook(home, "raise ValueError")
    assert 7 == run.invoke(app, ["refresh"]).exit_code
