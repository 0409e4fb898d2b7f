"""
The client's own requests against the contract's file: every endpoint, as the bytes came over a raw
socket.
"""

from __future__ import annotations

import json
from pathlib import Path

import openapi_core
import pytest
import requests
from openapi_core.contrib.requests import RequestsOpenAPIRequest
from openapi_core.validation.request.exceptions import RequestValidationError

from cxtools.api.client import Client
from cxtools.model import Recipient
from cxtools.sending.message import message_body
from cxtools.sending.spec import parse_spec
from cxtools.settings import load_settings
from tests.fault_server import FaultServer, Reply, Seen

CONTRACT = openapi_core.OpenAPI.from_path(Path(__file__).with_name("openapi.yaml"))
TOKEN = {"access_token": "t0ken", "token_type": "Bearer", "expires_in": 3600}
EMAIL = "/v1/communications/email"


def as_request(seen: Seen) -> RequestsOpenAPIRequest:
    query = [(name, value) for name, values in seen.query.items() for value in values]
    made = requests.Request(
        seen.method,
        f"http://server{seen.path}",
        params=query,
        headers=seen.headers,
        data=seen.body or None,
    )
    return RequestsOpenAPIRequest(made)


@pytest.fixture
def seen(home: Path) -> list[Seen]:
    """What a client says at each endpoint, with the longest message there is."""
    with FaultServer() as server:
        server.script("POST /v1/oauth2/token", Reply(200, TOKEN))
        server.script(f"GET {EMAIL}/suppressions", Reply(200, {"results": []}))
        server.script(f"POST {EMAIL}/messages", Reply(202, {"jobId": "j1", "status": "queued"}))
        server.script(f"GET {EMAIL}/jobs/j1", Reply(200, {"jobId": "j1", "status": "completed"}))
        server.script(f"GET {EMAIL}/events", Reply(200, {"results": [], "nextCursor": None}))
        client = Client(
            load_settings(
                environ={},
                home=home,
                env_url=server.url,
                client_id="me",
                client_secret="s3cret",
                suppression_listing=True,
            )
        )
        spec = parse_spec(
            {
                "name": "q3",
                "subject": "x" * 998,
                "template_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
                "sender": "me@example.com",
            }
        )
        people = [
            Recipient(f"p{number}@example.com", {"firstName": "Zoë"}, ("vip",))
            for number in range(1000)
        ]
        client.fetch_suppression("p1@example.com")
        list(client.fetch_suppressions())
        client.submit(message_body(spec, people, batch_id="b1"), idempotency_key="b1")
        client.fetch_job("j1")
        list(client.fetch_event_pages("j1"))
        return list(server.seen)


def test_every_request_of_the_client_is_the_contracts(seen: list[Seen]) -> None:
    """Neither client nor simulator imports the other: the file is what both are held to."""
    for request in seen:
        CONTRACT.validate_request(as_request(request))

    assert ["token", "suppressions", "suppressions", "messages", "j1", "events"] == [
        request.path.rpartition("/")[2] for request in seen
    ]


def test_the_contract_refuses_what_is_not_in_it(seen: list[Seen]) -> None:
    """A check that can fail: the same submit without its recipients is refused."""
    submit = next(request for request in seen if request.path.endswith("/messages"))
    document = json.loads(submit.body)
    submit.body = json.dumps(document | {"recipients": []}).encode()

    with pytest.raises(RequestValidationError):
        CONTRACT.validate_request(as_request(submit))
