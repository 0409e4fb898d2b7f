"""Who may do what: sign-in by client credentials, tokens with scopes, signatures of webhooks."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import NamedTuple
from urllib.parse import parse_qs, unquote_plus

from cxtools.simulator.dice import digest
from cxtools.simulator.setup import Setup
from cxtools.simulator.wire import Answer, Ask, answer


class Token(NamedTuple):
    """What a token is good for: until when (real seconds), and for which scopes."""

    expires_at: float
    scopes: frozenset[str]


NO_TOKEN = answer(
    401,
    {
        "error": "invalid_token",
        "errorDescription": "the access token is missing, expired or revoked",
    },
    {"WWW-Authenticate": 'Bearer error="invalid_token"'},
)


class Tokens:
    """The tokens that were given out."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.known: dict[str, Token] = {}
        self.signed_in = 0

    def sign_in(self, ask: Ask) -> Answer:
        """The answer to POST /v1/oauth2/token."""
        form = _read_form(ask)
        if "client_secret" in ask.query:
            return _refuse("invalid_request", "credentials don't belong into the query string")
        if form.get("grant_type") != "client_credentials":
            return _refuse("unsupported_grant_type", "grant_type must be client_credentials")
        credentials = _read_basic(ask.headers.get("authorization", ""))
        if credentials is None:
            credentials = (form.get("client_id", ""), form.get("client_secret", ""))
        if credentials != (self.setup.client_id, self.setup.client_secret):
            return _refuse_client("unknown client or wrong secret")
        return self._grant(form.get("scope", ""), ask.now)

    def refusal(self, ask: Ask, scope: str) -> Answer | None:
        """Why a request may not do what needs *scope*; None when it may."""
        token = self._find(ask.headers.get("authorization", ""))
        if token is None or ask.now >= token.expires_at:
            return NO_TOKEN
        if scope not in token.scopes:
            return answer(403, {"Message": f"scope {scope} is required"})
        return None

    def _find(self, authorization: str) -> Token | None:
        kind, _, text = authorization.partition(" ")
        return self.known.get(text) if kind.lower() == "bearer" else None

    def revoke(self) -> None:
        self.known.clear()

    def _grant(self, wish: str, now: float) -> Answer:
        scopes = frozenset(self.setup.scopes.split())
        if wish:
            scopes &= set(wish.split())
        self.signed_in += 1
        digits = digest(self.setup.seed, "token", self.signed_in)
        text = f"sim.{digits[:40]}"
        self.known[text] = Token(now + self.setup.expires_in_s, scopes)
        grant = {
            "access_token": text,
            "token_type": "Bearer",
            "expires_in": int(self.setup.expires_in_s),
            "scope": " ".join(sorted(scopes)),
        }
        return answer(200, grant, {"Cache-Control": "no-store"})


def is_signed(ask: Ask, secret: str) -> bool:
    """
    Whether a webhook is signed as Standard Webhooks say: HMAC-SHA256 over `id.timestamp.body`.
    """
    hook_id = ask.headers.get("webhook-id", "")
    timestamp = ask.headers.get("webhook-timestamp", "")
    signed = f"{hook_id}.{timestamp}.".encode() + ask.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest_bytes = hmac.digest(key, signed, "sha256")
    right = f"v1,{base64.b64encode(digest_bytes).decode()}"
    signatures = ask.headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(right, signature) for signature in signatures)


def _read_form(ask: Ask) -> dict[str, str]:
    fields = parse_qs(ask.body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: texts[0] for name, texts in fields.items()}


def _read_basic(header: str) -> tuple[str, str] | None:
    """Client id and secret of a Basic header; both are form-encoded inside (RFC 6749 2.3.1)."""
    kind, _, packed = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        text = base64.b64decode(packed, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    name, _, secret = text.partition(":")
    return unquote_plus(name), unquote_plus(secret)


def _refuse(error: str, why: str) -> Answer:
    return answer(400, {"error": error, "error_description": why})


def _refuse_client(why: str) -> Answer:
    body = {"error": "invalid_client", "error_description": why}
    return answer(401, body, {"WWW-Authenticate": "Basic"})
