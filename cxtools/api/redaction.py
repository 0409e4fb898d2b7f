"""
Secrets on the wire: shown as `***`, and taken out of what a server echoes, however it spells them.

Pure.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote, quote_plus

from cxtools.api.answer import Answer
from cxtools.settings import Secret, Settings

#: The part of a shorter secret that is the same in any base64 is a letter or two: everywhere.
LEAST_IN_BASE64 = 6
URL_SAFE = str.maketrans("+/", "-_")
BITS_OF_A_BYTE = 8
BITS_OF_A_LETTER = 6


class Masked(str):
    """
    A text that is sent as it is and shown as `***`: tracebacks and debuggers print the headers of a
    request.

    >>> Masked("Bearer t0ken"), f"{Masked('Bearer t0ken')}", Masked("Bearer t0ken").encode()
    (***, '***', b'Bearer t0ken')
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"


class Redaction:
    """
    Puts `***` in the place of our secrets in what a server sent.

    Spellings are kept as `Secret`s, since debuggers and reports of crashes print lists of texts.
    """

    def __init__(self, settings: Settings) -> None:
        self._of_settings = _spell(
            [settings.client_secret, settings.access_key_secret, settings.token]
        )
        self._of_token: list[Secret] = []

    def use_token(self, token: Secret) -> None:
        """From now on this token is a secret, too; the one before it no longer is."""
        self._of_token = _spell([token])

    def redact(self, answer: Answer) -> Answer:
        body = answer.body
        headers = dict(answer.headers)
        for spelling in self._of_settings + self._of_token:
            text = spelling.reveal()
            body = body.replace(text.encode(), b"***")
            headers = {name: value.replace(text, "***") for name, value in headers.items()}
        return replace(answer, body=body, headers=headers)


def _spell(secrets: Iterable[Secret]) -> list[Secret]:
    hidden: list[Secret] = []
    for secret in secrets:
        if secret:
            hidden += [Secret(text) for text in spellings(secret.reveal())]
    return hidden


def spellings(secret: str) -> list[str]:
    """
    How a secret may be written: plain, URL-encoded, in JSON, and within any base64.

    >>> spellings("p&w")
    ['p&w', 'p%26w']
    """
    in_json = json.dumps(secret)[1:-1]
    plain = _unique([secret, quote_plus(secret), quote(secret, safe=""), in_json])
    if len(secret) < LEAST_IN_BASE64:
        return plain
    encoded: list[str] = []
    for text in plain:
        encoded += _in_base64(text)
    url_safe = [text.translate(URL_SAFE) for text in encoded]
    return _unique(plain + encoded + url_safe)


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _in_base64(text: str) -> list[str]:
    """
    The letters of a text's base64 that are the same whatever stands before and after it.

    Three bytes become four letters, so there are three ways to begin; a letter that shares its bits
    with a neighbour's byte is left out.
    """
    data = text.encode()
    cores = []
    for bytes_before in range(3):
        letters = base64.b64encode(bytes(bytes_before) + data).decode()
        bits_before = bytes_before * BITS_OF_A_BYTE
        bits_until_end = bits_before + len(data) * BITS_OF_A_BYTE
        first = -(-bits_before // BITS_OF_A_LETTER)  # rounded up
        last = bits_until_end // BITS_OF_A_LETTER
        cores.append(letters[first:last])
    return cores
