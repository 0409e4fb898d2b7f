"""
The ways to sign in: what each one sends, and where.

Both authlib and requests-oauthlib send Basic without the encoding of RFC 6749 section 2.3.1, so
that a secret with `+/%&=` is refused; it is done here.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import quote_plus, urlencode

from cxtools.api.redaction import Masked
from cxtools.settings import Settings

DISCOVERY = "/.well-known/openid-configuration"
ACCESS_KEY_PATH = "/authentication/v1/token/access-key"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


class Credentials(NamedTuple):
    """Headers and body of a sign-in; made anew for each try, so that no frame keeps the secret."""

    headers: Mapping[str, str]
    body: bytes


class Grant(NamedTuple):
    """
    A way to sign in: what is sent, and where below the base URL unless `token_url` says otherwise
    ("": to the profile's `paths.token`).
    """

    credentials: Callable[[Settings], Credentials]
    path: str = ""


def _client_in_body(settings: Settings) -> Credentials:
    fields = {
        "grant_type": "client_credentials",
        "client_id": settings.client_id,
        "client_secret": settings.client_secret.reveal(),
    }
    return Credentials(FORM, urlencode(fields).encode())


def _client_as_basic(settings: Settings) -> Credentials:
    return Credentials(FORM | _basic(settings), b"grant_type=client_credentials")


def _password(settings: Settings) -> Credentials:
    fields = {
        "grant_type": "password",
        "username": settings.access_key_id,
        "password": settings.access_key_secret.reveal(),
    }
    return Credentials(FORM | _basic(settings), urlencode(fields).encode())


def _access_key(settings: Settings) -> Credentials:
    document = {
        "accessKeyId": settings.access_key_id,
        "accessKeySecret": settings.access_key_secret.reveal(),
    }
    return Credentials(JSON, json.dumps(document).encode())


def _basic(settings: Settings) -> dict[str, str]:
    client_id = quote_plus(settings.client_id)
    client_secret = quote_plus(settings.client_secret.reveal())
    encoded = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
    return {"Authorization": Masked(f"Basic {encoded}")}


#: By the setting `auth`; "token" isn't here, since a ready token needs no sign-in.
GRANTS: dict[str, Grant] = {
    "body": Grant(_client_in_body),
    "basic": Grant(_client_as_basic),
    "password": Grant(_password, DISCOVERY),
    "access_key": Grant(_access_key, ACCESS_KEY_PATH),
}
