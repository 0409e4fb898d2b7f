"""Jobs and pages of events, up to a proven end."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from cxtools.errors import (
    ConfigError,
    ContractError,
    PossiblyTruncated,
    Unreachable,
)
from tests.contract.api import (
    EVENTS,
    JOB,
    Clock,
    event,
    new_client,
)
from tests.fault_server import FaultServer, Reply, Step


def test_a_job_is_read_with_unknown_words_kept(server: FaultServer) -> None:
    """An unknown status means: keep asking."""
    server.script(
        JOB,
        Reply(200, {"jobId": "j1", "status": "Warming"}),
        Reply(200, {"jobId": "j1", "status": "SUCCEEDED"}),
        Reply(200, {"jobId": "j2", "status": "queued"}),
    )
    client = new_client(server)
    jobs = [client.fetch_job("j1"), client.fetch_job("j1")]

    assert [("warming", False), ("completed", True)] == [(job.status, job.final) for job in jobs]
    with pytest.raises(ContractError, match="another one came"):
        client.fetch_job("j1")


@pytest.mark.parametrize("odd", ["", "../../admin", ".", "a/b", "a?b", "ä", "x" * 129, "j1\n"])
def test_no_id_leads_to_another_place(server: FaultServer, odd: str) -> None:
    """Ids go into addresses only in their own form."""
    client = new_client(server)
    with pytest.raises(ConfigError):
        client.fetch_job(odd)
    with pytest.raises(ConfigError):
        next(client.fetch_event_pages(odd))

    assert [] == server.seen


def pages(*sizes: int) -> list[Step]:
    """Event pages with so many rows, chained by cursors; the last one has none."""
    documents = []
    for n, size in enumerate(sizes, 1):
        results = [event(f"{n}-{row}") for row in range(size)]
        documents.append({"results": results, "nextCursor": f"c{n}"})
    documents[-1].pop("nextCursor")
    return [Reply(200, document) for document in documents]


def test_G01_all_pages_are_fetched(server: FaultServer) -> None:
    """G01: 2,898 events in three pages are 2,898 events; each cursor is used once."""
    server.script(EVENTS, *pages(1000, 1000, 898))
    fetched = list(new_client(server).fetch_event_pages("j1"))
    events = [event for page in fetched for event in page.events]
    queries = [seen.query for seen in server.asked(EVENTS)]

    expected = {"jobId": ["j1"], "limit": ["1000"], "eventType": ["delivery,bounce,open,click"]}
    assert 2898 == len({event.message_id for event in events})
    assert ["c1", "c2", ""] == [page.next_cursor for page in fetched]
    assert [None, ["c1"], ["c2"]] == [query.get("cursor") for query in queries]
    assert expected == queries[0]


def test_G01_a_full_page_without_a_cursor_is_an_error_after_its_events(server: FaultServer) -> None:
    """G01: what came is kept, but the set doesn't pass for complete."""
    server.script(EVENTS, *pages(1000))
    fetched = new_client(server).fetch_event_pages("j1")

    assert 1000 == len(next(fetched).events)
    with pytest.raises(PossiblyTruncated, match="there may be more"):
        next(fetched)


@pytest.mark.parametrize(
    "replies", [pages(999), pages(0), [Reply(204)]], ids=["short", "empty", "204"]
)
def test_the_last_page_is_known_by_its_end(server: FaultServer, replies: list[Step]) -> None:
    """A page that isn't full, and 204, are ends."""
    server.script(EVENTS, *replies)

    assert 1 == len(list(new_client(server).fetch_event_pages("j1")))


@pytest.mark.parametrize("knows", [True, False], ids=["pages", "doesn't page"])
def test_G01_a_null_on_a_full_page_is_checked(server: FaultServer, knows: bool) -> None:
    """
    G01: exactly a thousand events and a null: asked for one row, a server that pages gives a
    cursor; then it was the end.
    """
    full = Reply(200, {"results": [event(n) for n in range(1000)], "nextCursor": None})
    one = Reply(200, {"results": [event()], "nextCursor": "c" if knows else None})
    server.script(EVENTS, lambda seen: one if seen.query["limit"] == ["1"] else full)
    fetched = new_client(server).fetch_event_pages("j1")

    assert 1000 == len(next(fetched).events)
    with pytest.raises(StopIteration if knows else PossiblyTruncated):
        next(fetched)


def test_pages_go_on_from_a_cursor(server: FaultServer) -> None:
    """A later collection starts where the earlier one stopped."""
    server.script(EVENTS, *pages(1))
    list(new_client(server).fetch_event_pages("j1", cursor="c7&x=1"))

    assert ["c7&x=1"] == server.asked(EVENTS)[0].query["cursor"]


@pytest.mark.parametrize(
    ("cursors", "match"),
    [
        (["a", "b", "a"], "a cursor came twice"),
        (["a", "a"], "a cursor came twice"),
        ([7], "the cursor is not a text"),
    ],
)
def test_cursors_that_lead_nowhere_break_the_contract(
    server: FaultServer, cursors: list[Any], match: str
) -> None:
    """A circle, or a cursor that is not a text."""
    documents = [{"results": [event()], "nextCursor": cursor} for cursor in cursors]
    server.script(EVENTS, *[Reply(200, document) for document in documents])
    with pytest.raises(ContractError, match=match):
        list(new_client(server).fetch_event_pages("j1"))


def test_malformed_rows_are_set_aside_with_reasons(server: FaultServer) -> None:
    """One bad row doesn't cost the page, and isn't lost either."""
    odd = [{"eventType": "open"}, "x", {"messageId": "m"}, event(jobId="j2"), event(eventType=7)]
    good = [event(2, jobId=None), event(3, eventType="teleported", more={"x": 1})]
    server.script(EVENTS, Reply(200, {"results": [event(1), *odd, *good]}))
    page = next(new_client(server).fetch_event_pages("j1"))
    read = [(event.message_id, event.job_id, event.kind) for event in page.events]
    places = [reason.partition("(")[2].removesuffix(")") for _, reason in page.malformed]

    assert [("m1", "j1", "open"), ("m2", "j1", "open"), ("m3", "j1", "unknown")] == read
    assert odd == [json.loads(raw) for raw, _ in page.malformed]
    assert [
        "$.results[1]",
        "$.results[2]",
        "$.results[3].eventType",
        "$.results[4].jobId",
        "$.results[5].eventType",
    ] == places


def test_G08_a_503_in_the_middle_of_the_events_is_asked_again(server: FaultServer) -> None:
    """G08: the page comes with the second try; nothing is missing."""
    first, second = pages(1000, 5)
    server.script(EVENTS, first, Reply(503), second)
    fetched = new_client(server, Clock()).fetch_event_pages("j1")

    assert 1005 == sum(len(page.events) for page in fetched)


def test_a_packed_answer_is_unpacked(server: FaultServer) -> None:
    """Pages are asked for, and read, in gzip."""
    packed = gzip.compress(json.dumps({"results": [event(1)]}).encode())
    server.script(EVENTS, Reply(200, packed, {"Content-Encoding": "gzip"}))

    assert 1 == len(next(new_client(server).fetch_event_pages("j1")).events)
    assert "gzip" == server.asked(EVENTS)[0].headers["accept-encoding"]


def test_a_body_is_read_up_to_a_cap(server: FaultServer) -> None:
    """Neither a gzip bomb nor a long plain body fills the memory."""
    server.script(JOB, Reply(200, b"x" * 20_000))

    with pytest.raises(Unreachable, match="longer than 10000 bytes"):
        new_client(server, Clock(), max_body_bytes=10_000).fetch_job("j1")
