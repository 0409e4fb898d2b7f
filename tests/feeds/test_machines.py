"""Machines: by user agent and network, in one place for all feeds; the feed's own word goes before."""

from __future__ import annotations

from typing import Any

import pytest

from cxtools.events.feeds.machines import by_user_agent, networks, user_agents
from cxtools.events.store import EventStore
from tests.imports import import_content, query, sendgrid_row
from tests.tables import ask

GOOGLE = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
YAHOO = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36"
)
OUTLOOK = "Mozilla/4.0 (compatible; ms-office; MSOffice 16)"


@pytest.mark.parametrize(
    ("kind", "agent", "by_machine"),
    [
        ("open", "Mozilla/5.0", True),
        ("click", "Mozilla/5.0", None),
        ("open", GOOGLE, False),
        ("open", YAHOO, False),
        ("open", CHROME, None),
        ("click", CHROME, None),
        ("open", OUTLOOK, None),
        ("open", f"{CHROME} Edge/12.246 Mozilla/5.0", True),
        ("open", f"{CHROME} Edg/140.0.0.0", None),
        ("click", "Barracuda Sentinel (EE)", True),
        ("click", "Mozilla/5.0 (compatible; ScannerBot/1.0)", True),
        ("click", "python-requests/2.32", True),
        ("click", "Mozilla/5.0 (X11) HeadlessChrome/140.0", True),
        ("open", "Cubot P80 Browser/5", None),
        ("open", "", None),
    ],
)
def test_a_user_agent_tells_a_machine_from_a_reader(
    kind: str, agent: str, by_machine: bool | None
) -> None:
    """Apple's privacy proxy fetches for nobody, Google's and Yahoo's for a reader."""
    assert by_machine is by_user_agent(kind, agent)


def row(number: int, word: str, agent: str, ip: str, **more: Any) -> dict[str, Any]:
    ids = {"sg_event_id": f"{word} {number}", "sg_message_id": f"m{number}"}
    return sendgrid_row(number, word, useragent=agent, ip=ip, **ids, **more)


@pytest.mark.parametrize("times", [1, 30])
def test_every_feed_gets_the_same_answer(target: EventStore, times: int) -> None:
    """In blocks and row by row, a webhook and a table; what the feed says is left as it is."""
    rows = []
    for number in range(0, 100 * times, 100):
        rows += [
            row(number, "open", "Mozilla/5.0", ""),
            row(number + 1, "open", CHROME, "17.58.10.1"),
            row(number + 2, "click", CHROME, "17.58.10.1"),
            row(number + 3, "open", "Mozilla/5.0", "", sg_machine_open=False),
            row(number + 4, "delivered", "Mozilla/5.0", "17.58.10.1"),
            row(number + 5, "open", GOOGLE, "66.249.1.1"),
        ]
    import_content(target, rows)
    import_content(
        target, "event,email,useragent,ip\nopen,t@one.example,Mozilla/5.0,\nopen,u@one.example,,\n"
    )
    last = "substr(message_id, -1)"

    assert [
        ("", None),
        ("", True),
        ("0", True),
        ("1", True),
        ("2", None),
        ("3", False),
        ("4", None),
        ("5", False),
    ] == sorted(set(query(target, f"{last}, by_machine")), key=str)


def test_opens_of_machines_are_not_those_of_readers(target: EventStore) -> None:
    """opened_strict leaves them out; the word stays the vendor's."""
    people = [row(number, "delivered", "", "") for number in range(4)]
    machines = [row(number, "open", "Mozilla/5.0", "", timestamp=1789380000) for number in (0, 1)]
    readers = [row(2, "open", GOOGLE, "", timestamp=1789380000)]
    import_content(target, [*people, *machines, *readers])
    [answer] = ask("funnel", target).to_dict("records")

    assert (3, 1) == (answer["opened"], answer["opened_strict"])
    assert {"open", "delivered"} == {word for (word,) in query(target, "raw_kind")}


def test_every_machine_has_a_source() -> None:
    """Nothing is there because somebody thought so; each decides about opens or clicks."""
    machines = [*user_agents(), *networks()]

    assert [] == [each.name for each in machines if not each.source.startswith("https://")]
    assert [] == [each.name for each in machines if not {"open", "click"}.issuperset(each.kinds)]
