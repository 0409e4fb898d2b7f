"""What the tests of the client share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.api import TOKEN, token
from tests.fault_server import FaultServer


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """A fault server where one can sign in."""
    with FaultServer() as server:
        server.script(TOKEN, token())
        yield server
