"""Who may do what: sign-in by client credentials, tokens with scopes, signatures of webhooks."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qs, unquote_plus

from cxtools.simulator.dice import digest
from cxtools.simulator.setup import Setup
from cxtools.simulator.wire import Answer, Ask, answer

#: A client's id and its secret.
Credentials = tuple[str, str]


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
        known = (self.setup.client_id, self.setup.client_secret)
        if _credentials(ask, form) != known:
            return _refuse_client("unknown client or wrong secret")
        wish = form.get("scope", "")
        return self._grant(wish, ask.now)

    def refusal(self, ask: Ask, scope: str) -> Answer | None:
        """Why a request may not do what needs *scope*; None when it may."""
        token = self._find(_authorization(ask))
        if token is None or ask.now >= token.expires_at:
            return NO_TOKEN
        if scope not in token.scopes:
            return answer(403, {"Message": f"scope {scope} is required"})
        return None

    def _find(self, authorization: str) -> Token | None:
        kind, _, text = authorization.partition(" ")
        if kind.lower() != "bearer":
            return None
        return self.known.get(text)

    def revoke(self) -> None:
        self.known.clear()

    def _grant(self, wish: str, now: float) -> Answer:
        scopes = frozenset(self.setup.scopes.split())
        if wish:
            scopes &= frozenset(wish.split())
        self.signed_in += 1
        digits = digest(self.setup.seed, "token", self.signed_in)
        short = digits[:40]
        text = f"sim.{short}"
        life_s = self.setup.expires_in_s
        self.known[text] = Token(now + life_s, scopes)
        grant = {
            "access_token": text,
            "token_type": "Bearer",
            "expires_in": int(life_s),
            "scope": " ".join(sorted(scopes)),
        }
        return answer(200, grant, {"Cache-Control": "no-store"})


def is_signed(ask: Ask, secret: str) -> bool:
    """
    Whether a webhook is signed as Standard Webhooks say: HMAC-SHA256 over `id.timestamp.body`.
    """
    hook_id = ask.headers.get("webhook-id", "")
    timestamp = ask.headers.get("webhook-timestamp", "")
    head = f"{hook_id}.{timestamp}."
    signed = head.encode() + ask.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.digest(key, signed, "sha256")
    mac_text = base64.b64encode(mac).decode()
    right = f"v1,{mac_text}"
    signatures = ask.headers.get("webhook-signature", "")
    return any(hmac.compare_digest(right, each) for each in signatures.split())


def _read_form(ask: Ask) -> dict[str, str]:
    text = ask.body.decode("utf-8", "replace")
    fields = parse_qs(text, keep_blank_values=True)
    return {name: texts[0] for name, texts in fields.items()}


def _authorization(ask: Ask) -> str:
    return ask.headers.get("authorization", "")


def _credentials(ask: Ask, form: Mapping[str, str]) -> Credentials:
    """Those of the Basic header, else those of the form."""
    basic = _read_basic(_authorization(ask))
    if basic is not None:
        return basic
    client_id = form.get("client_id", "")
    secret = form.get("client_secret", "")
    return client_id, secret


def _read_basic(header: str) -> Credentials | None:
    """Client id and secret of a Basic header; both are form-encoded inside (RFC 6749 2.3.1)."""
    kind, _, packed = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        text = base64.b64decode(packed, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    name, _, secret = text.partition(":")
    return (
        unquote_plus(name),
        unquote_plus(secret),
    )


def _refuse(error: str, why: str) -> Answer:
    return answer(400, {"error": error, "error_description": why})


def _refuse_client(why: str) -> Answer:
    body = {"error": "invalid_client", "error_description": why}
    return answer(401, body, {"WWW-Authenticate": "Basic"})
