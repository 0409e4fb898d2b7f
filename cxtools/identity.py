"""
Which rows mean the same person or the same event: digests of what makes them so. Pure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

#: Hexadecimal digits of a digest that are kept.
DIGITS = 32


def recipient_key(email: str) -> str:
    """
    The key by which one person is known in the ledger: a digest, so that two spellings are one
    person.

    >>> recipient_key("Ann@Example.COM") == recipient_key("ann@example.com")
    True
    """
    local, _, domain = email.strip().rpartition("@")
    person = f"{local}@{domain}"
    return _digest(person.casefold())


def event_identity(*parts: str) -> str:
    """
    The identity of an event that came without an id: a digest of what makes it that event.

    >>> event_identity("j1", "m1", "r1", "open", "2026-01-01T00:00:00Z", "", "")[:12]
    '7892f630d669'
    """
    return _digest(json.dumps(parts))


def written_identities(written: Sequence[bytes]) -> list[str]:
    """
    The identities of many events, whose parts are written as JSON already.

    >>> written_identities([json.dumps(["j1", "m1"]).encode()]) == [event_identity("j1", "m1")]
    True
    """
    sha256 = hashlib.sha256
    return [sha256(parts).hexdigest()[:DIGITS] for parts in written]


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode())
    return digest.hexdigest()[:DIGITS]
