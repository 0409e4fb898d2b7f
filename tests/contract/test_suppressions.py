"""
The suppression list, at a server that misbehaves on purpose: only the API's own word clears.
"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from cxtools.errors import (
    ConfigError,
    ContractError,
    CxError,
    Denied,
    RateLimited,
    Refused,
    ServerFault,
    Unreachable,
)
from cxtools.model import Suppression
from tests.contract.api import (
    ADDRESS,
    CLEAR,
    OWN_404,
    SLOW,
    SUPPRESSIONS,
    Clock,
    label,
    listed,
    new_client,
)
from tests.fault_server import FAULTS, Fault, FaultServer, Reply, Seen, Step


def test_B01_the_address_asked_for_is_the_recipients(server: FaultServer) -> None:
    """
    B01: the query names the address; what comes back is its entry, whatever the case of its
    letters.
    """
    server.script(SUPPRESSIONS, listed(ADDRESS.upper()))
    entry = new_client(server).fetch_suppression(ADDRESS)

    expected = Suppression(ADDRESS.upper(), "complaint", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    assert {"email": [ADDRESS], "limit": ["1"]} == server.asked(SUPPRESSIONS)[0].query
    assert expected == entry


@pytest.mark.parametrize(
    "email",
    [
        "a+b@example.com",
        "ä@exämple.com",
        "a&limit=0@example.com",
        "a%00@example.com",
        "a b@example.com",
        "a#b@example.com",
    ],
)
def test_every_address_arrives_as_it_is(server: FaultServer, email: str) -> None:
    """Signs with a meaning in addresses of the web are quoted."""
    server.script(SUPPRESSIONS, CLEAR)
    new_client(server).fetch_suppression(email)

    assert {"email": [email], "limit": ["1"]} == server.asked(SUPPRESSIONS)[0].query


@pytest.mark.parametrize("reply", [CLEAR, OWN_404], ids=["empty", "own-404"])
def test_only_the_apis_own_word_clears(server: FaultServer, reply: Step) -> None:
    """No results, or a 404 with the API's own error document."""
    server.script(SUPPRESSIONS, reply)

    assert new_client(server).fetch_suppression(ADDRESS) is None


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (listed("someone.else@example.com"), ContractError),  # B03
        (Reply(404), Refused),
        (Reply(404, b"<html>404</html>", {"Content-Type": "text/html"}), Refused),
        (Reply(404, {"detail": "Not Found"}), Refused),
        (Reply(204), ContractError),
        (Reply(200, {}), ContractError),
        (Reply(200, {"results": None}), ContractError),
        (Reply(200, {"results": {}}), ContractError),
        (Reply(200, {"results": [{}]}), ContractError),
        (Reply(200, {"results": ["x"]}), ContractError),
        (Reply(200, []), ContractError),
        (Reply(200, b""), ContractError),
        (Fault("html"), ContractError),
        (Fault("number"), ContractError),
        (
            Fault("cut_body_without_length"),
            ContractError,
        ),  # nothing but the missing end of the JSON tells
        (Reply(302, headers={"Location": "/elsewhere"}), Refused),
        (Reply(400, {"Message": "bad"}), Refused),
        (Reply(403), Denied),
        (Reply(429), RateLimited),
        (Reply(500), ServerFault),
        (Reply(501), ServerFault),
        *[
            (Fault(name), Unreachable)
            for name in sorted(
                set(FAULTS) - {"html", "number", "empty", "cut_body_without_length"} - SLOW
            )
        ],
    ],
    ids=label,
)
def test_B04_anything_else_stops(server: FaultServer, reply: Step, error: type[CxError]) -> None:
    """
    B03, B04: another address, a foreign 404, a failure, a page of a proxy: nobody is cleared by it.
    """
    server.script(SUPPRESSIONS, reply)
    with pytest.raises(error) as raised:
        new_client(server, Clock()).fetch_suppression(ADDRESS)

    assert ADDRESS not in str(raised.value)


@pytest.mark.parametrize(
    "trouble",
    [
        Reply(429, headers={"Retry-After": "2"}),
        Reply(503),
        Fault("reset"),
        Fault("close"),
        Fault("cut_body"),
        Fault("cut_gzip"),
        Fault("html"),
    ],
    ids=label,
)
def test_B07_B08_B09_passing_trouble_is_survived(server: FaultServer, trouble: Step) -> None:
    """
    B07, B08, B09, F04: one 429, 503 or reset, a cut answer or a proxy's page: asked again, and the
    earlier answers are kept.
    """
    server.script(SUPPRESSIONS, CLEAR, trouble, CLEAR)
    client = new_client(server, Clock())

    assert [None, None] == [client.fetch_suppression(ADDRESS), client.fetch_suppression(ADDRESS)]
    assert 1 == client.counters.retries + client.counters.throttled


def test_I01_one_request_in_a_hundred_fails_and_nobody_notices(server: FaultServer) -> None:
    """
    I01: ten campaigns of a hundred checks at 1 % random 5xx and resets, from sixteen threads: all
    end well.
    """
    dice = random.Random(3)
    troubles: list[Reply | Fault] = [Reply(500), Reply(503), Fault("reset")]

    def unreliable(_seen: Seen) -> Reply | Fault:
        return CLEAR if dice.random() > 0.01 else dice.choice(troubles)

    server.script(SUPPRESSIONS, unreliable)
    client = new_client(server)
    with ThreadPoolExecutor(16) as pool:
        assert {None} == set(pool.map(client.fetch_suppression, 1000 * [ADDRESS]))

    assert 0 < client.counters.retries < 40


def test_the_whole_list_comes_in_pages_where_the_api_gives_it(server: FaultServer) -> None:
    """A capability of the profile; without it, the question is refused before any request."""
    first = Reply(200, listed("a@example.com").body | {"nextCursor": "c2"})
    server.script(SUPPRESSIONS, first, listed("b@example.com"))
    pages = list(new_client(server, suppression_listing=True).fetch_suppressions())
    with pytest.raises(ConfigError):
        next(new_client(server).fetch_suppressions())

    assert [["a@example.com"], ["b@example.com"]] == [
        [entry.email for entry in page] for page in pages
    ]
    assert [None, ["c2"]] == [seen.query.get("cursor") for seen in server.asked(SUPPRESSIONS)]
