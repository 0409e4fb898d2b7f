"""Who runs a mailbox: patterns that ship, own entries before them, and mail servers kept of DNS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cxtools.cli.program import app
from cxtools.connection import Connection, connect
from cxtools.errors import ConfigError, Unreachable
from cxtools.mail_servers import MailServers, look_up
from cxtools.measures.answers import answer
from cxtools.measures.domain_kinds import domain_kind
from cxtools.measures.own_providers import MAIL_SERVERS, OWN_PROVIDERS, keep_servers, providers_of
from cxtools.measures.providers import Providers
from cxtools.measures.sql import tsv_rows
from cxtools.refresh.refresh import refresh
from tests import tables
from tests.name_server import SILENT, NameServer

#: Domain -> who runs its mailboxes, by what ships.
SHIPPED = {
    "gmail.com": "gmail",
    "googlemail.com": "gmail",
    "hotmail.se": "microsoft",
    "outlook.com.br": "microsoft",
    "live.com.au": "microsoft",
    "hotmail.co.uk": "microsoft",
    "hotmail.co.jp": "microsoft",
    "outlook.example": "microsoft",
    "aol.de": "yahoo",
    "yahoo.com.mx": "yahoo",
    "ymail.com": "yahoo",
    "cox.net": "yahoo",
    "btinternet.com": "bt",
    "nc.rr.com": "spectrum",
    "gmx.ch": "gmx",
    # What only looks like one of them.
    "gmail.co": "other",
    "live.shop": "other",
    "hotmail.acme.com": "other",
    "nothotmail.com": "other",
    "rr.com": "other",
    "acme-19.example": "other",
    "": "other",
}
#: Mail server -> who runs the mailboxes behind it.
SERVERS = {
    "aspmx.l.google.com": "google-workspace",
    "acme-example.mail.protection.outlook.com": "microsoft-365",
    "mx0a-001.pphosted.com": "proofpoint",
    "notgoogle.com": "other",
    "mail.acme.example": "other",
}
#: A file of a home, and what is wrong with it.
WRONG = {
    "not = [toml": "the providers are not TOML",
    '"a*e.example" = "acme"': "'a\\*e.example' is not a domain or a pattern",
    '"acme.example.*" = "acme"': "is not a domain or a pattern",
    "acme.example = 7": "7 is not the name of a provider",
    'acme.example = ""': "'' is not the name of a provider",
    'mx = "acme"': "\\[mx\\] is not a table",
}
EVENTS = """
to                    | kind     | email
a1                    | delivery | a1@acme-19.example
a2                    | delivery | a2@acme-19.example
b1                    | delivery | b1@shop.example
c1                    | delivery | c1@gmail.example
d1                    | delivery | d1@gone.example
"""


@pytest.fixture
def client(tmp_path: Path) -> Connection:
    """A connection to a home with a campaign."""
    client = connect(home=str(tmp_path / "home"))
    tables.store(EVENTS, "c", client.store)
    return client


def by_provider(client: Connection) -> dict[str, int]:
    rows = answer(client.engine, "funnel", "c", by="provider")
    return {row["provider"]: row["delivered"] for row in rows.records()}


@pytest.mark.parametrize(("domain", "provider"), SHIPPED.items())
def test_what_ships_knows_a_domain_in_all_its_countries(domain: str, provider: str) -> None:
    """Countries' domains of a provider are its own; what only begins or ends like one is not."""
    assert provider == Providers().find(domain)


@pytest.mark.parametrize(("server", "provider"), SERVERS.items())
def test_a_mail_server_tells_who_runs_the_mailboxes(server: str, provider: str) -> None:
    """By the end of its name, at a dot."""
    servers = {"acme.example": ["unknown.example", server]}

    assert provider == Providers(servers=servers).find("acme.example")


@pytest.mark.parametrize("table", ["providers", "mail_servers"])
def test_no_line_of_the_tables_is_in_vain(table: str) -> None:
    """Each pattern and each ending stands there once, in lower case, with a provider."""
    rows = tsv_rows(table)
    patterns = [pattern for pattern, _ in rows]

    assert sorted(set(patterns)) == sorted(patterns)
    assert all(pattern == pattern.lower() and provider for pattern, provider in rows)


def test_own_entries_come_first(tmp_path: Path) -> None:
    """Quoted or not, exact or a pattern, they go before what ships and before mail servers."""
    (tmp_path / OWN_PROVIDERS).write_text(
        'acme-19.example = "acme"\n"*.acme.example" = "acme"\n"gmail.com" = "google"\n'
        '[mx]\n"google.com" = "google"\n'
    )
    keep_servers(tmp_path, {"shop.example": ["aspmx.l.google.com"]})
    providers = providers_of(tmp_path)
    names = ["acme-19.example", "eu.acme.example", "gmail.com", "shop.example", "hotmail.se"]

    assert ["acme", "acme", "google", "google", "microsoft"] == [
        providers.find(name) for name in names
    ]


@pytest.mark.parametrize(("text", "fault"), WRONG.items())
def test_a_wrong_entry_is_said_with_its_file(tmp_path: Path, text: str, fault: str) -> None:
    """What is wrong, and in which file."""
    (tmp_path / OWN_PROVIDERS).write_text(text)

    with pytest.raises(ConfigError, match=f"{fault}[^$]*{OWN_PROVIDERS}"):
        providers_of(tmp_path)


def test_an_answer_changes_with_the_file(client: Connection) -> None:
    """What was counted by other providers is not answered again, in the same process either."""
    before = by_provider(client)
    (client.settings.home / OWN_PROVIDERS).write_text('acme-19.example = "acme"\n')

    assert {"gmail": 1, "other": 4} == before
    assert {"gmail": 1, "acme": 2, "other": 2} == by_provider(client)


def test_dns_is_asked_by_the_command_and_never_by_a_question(client: Connection) -> None:
    """What it tells is kept in the home, also that a domain has none; nobody is asked again."""
    entries = {
        "acme-19.example": ["20 backup.example.", "10 acme.mail.protection.outlook.com."],
        "shop.example": [],
    }
    with NameServer(entries) as server:
        environment = {"CXTOOLS_HOME": str(client.settings.home)}
        environment |= {"CXTOOLS_DNS_SERVER": server.address}
        lines = []
        for _ in range(2):
            done = CliRunner().invoke(app, ["providers", "--dns", "--json"], env=environment)
            lines.append(done.stderr.strip())
        answered = by_provider(client)
    shares: list[dict[str, Any]] = json.loads(done.stdout)

    assert ["acme-19.example", "gone.example", "shop.example"] == sorted(server.asked)
    assert ["asked DNS for 3 domains, 3 answered", "asked DNS for 0 domains, 0 answered"] == lines
    assert {"microsoft-365": 2, "gmail": 1, "other": 2} == answered
    assert {"provider": "microsoft-365", "messages": 2, "share": 0.4, "domains": 1,
            "largest": ["acme-19.example"]} in shares  # fmt: skip
    assert 0o600 == (client.settings.home / MAIL_SERVERS).stat().st_mode & 0o777


def test_a_schedule_asks_dns_only_where_a_setting_says_so(client: Connection) -> None:
    """`look_up_mail_servers`: a round asks for new domains; without it, for none."""
    with NameServer({"shop.example": ["5 aspmx.l.google.com."]}) as server:
        options: dict[str, Any] = {"home": client.settings.home, "dns_server": server.address}
        refresh(connect(**options), 0)
        asked_without = list(server.asked)
        refresh(connect(**options, look_up_mail_servers=True), 0)

    assert [] == asked_without
    assert 1 == by_provider(client)["google-workspace"]


def test_what_dns_says_of_a_domain() -> None:
    """Servers by preference; none at all; one that takes no mail; one that isn't there."""
    entries = {
        "a.example": ["20 B.example.", "10 c.example."],
        "b.example": [],
        "null.example": ["0 ."],
        "silent.example": SILENT,
    }
    with NameServer(entries) as server:
        known = look_up([*entries, "gone.example"], server.address)

    assert known == {
        "a.example": MailServers(("c.example", "b.example")),
        "b.example": MailServers(),
        "null.example": MailServers(takes_mail=False),
        "gone.example": MailServers(exists=False, takes_mail=False),
    }


def test_no_name_server_at_all_is_said() -> None:
    """Not passed over in silence: where nobody answers, nothing is known of any domain."""
    with NameServer({"a.example": SILENT}) as server:
        fault = f"no name server answers  \\[DNS {server.address}\\]"
        with pytest.raises(Unreachable, match=fault):
            look_up(["a.example"], server.address)


def test_a_broken_file_of_mail_servers_is_as_none(tmp_path: Path) -> None:
    """It is made again by the next look-up: no question fails for it."""
    (tmp_path / MAIL_SERVERS).write_text('{"a.example": [')

    assert "other" == providers_of(tmp_path).find("a.example")


KINDS = {
    "government": "mofa.go.jp kr.go.kr x.go.id x.go.th x.go.tz x.go.ke x.go.ug sat.gob.mx x.gob.es "
    "x.gob.ar home.gov.uk x.gouv.fr bka.gv.at x.gc.ca x.admin.ch irs.gov x.gov.np dmv.state.ca.us",
    "education": "ox.ac.uk u.ac.jp x.ac.at x.ac.nz mit.edu x.edu.au x.edu.np abc.sch.uk x.k12.ca.us",
    "consumer": "gmail.com yahoo.co.jp",
    "company": "shop.go.de shop.go.fr shop.go.it x.gob.de x.ac.de x.ac.fr x.mil.de go.jp.example "
    "x.gouv.de x.sch.de x.edu.de edu.example.com x.k12.ca.de gov.io.example",
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_of_a_domain(kind: str) -> None:
    """Only what a country's registry keeps for them is a government's or a university's."""
    assert dict.fromkeys(KINDS[kind].split(), kind) == {
        domain: domain_kind(domain) for domain in KINDS[kind].split()
    }


def test_every_ending_has_one_kind_and_a_source() -> None:
    """Each of the table is of a country, a state or an institution of its own."""
    rows = tsv_rows("domain_kinds")

    assert len(rows) == len({ending for ending, _, _ in rows})
    assert {"education", "government"} == {kind for _, kind, _ in rows}
    assert all(source for _, _, source in rows)
    assert ["cc.*.us", "k12.*.us", "state.*.us"] == sorted(r[0] for r in rows if "*" in r[0])
