"""
The kinds of setting: secrets, addresses, hosts; each checks itself and says what is wrong.
"""

from __future__ import annotations

import base64
import re
from contextlib import suppress
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field

from cxtools.formats import PLAIN
from cxtools.settings.hosts import LOOPBACK, is_host, is_network
from cxtools.settings.secret import Secret


def setting(default: Any, description: str, *, variable: str = "", **limits: Any) -> Any:
    """A field of `Settings`; *variable* is its environment variable, if it has one."""
    return Field(
        default=default,
        description=description,
        json_schema_extra={"variable": variable},
        **limits,
    )


def _hide(value: object) -> object:
    return Secret(value) if isinstance(value, str) else value


def _check_signing_secret(secret: Secret) -> Secret:
    if secret and not _is_signing_key(secret.reveal()):
        raise ValueError(
            "is not a secret of Standard Webhooks, which is base64 with or without whsec_"
            " before it; copy it again, whole, or make one: openssl rand -base64 32"
        )
    return secret


def _is_signing_key(text: str) -> bool:
    with suppress(ValueError):
        return bool(base64.b64decode(text.removeprefix("whsec_"), validate=True))
    return False


def _check_address(url: str) -> str:
    if not url:
        return url
    parts = urlsplit(url)
    on_this_machine = parts.scheme == "http" and parts.hostname in LOOPBACK
    by_https = parts.scheme == "https" and parts.hostname
    if not by_https and not on_this_machine:
        raise ValueError("must be an https:// address (http only on this machine)")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(
            "must hold no user, query or fragment: secrets in an address reach every log"
        )
    return url.rstrip("/")


def _split_hosts(value: object) -> object:
    entries = value
    if isinstance(value, str):
        entries = [entry.strip() for entry in value.split(",")]
    if not isinstance(entries, list | tuple):
        return entries
    texts = [str(entry) for entry in entries]
    wrong = [text for text in texts if not is_network(text) and not is_host(text)]
    if wrong:
        raise ValueError(f"neither a host name nor a network: {', '.join(wrong)}")
    return entries


def _check_size(text: str) -> str:
    if not SIZE.fullmatch(text):
        raise ValueError("must be a number with its unit: MB, GB, MiB or GiB, such as 1.5 GB")
    return text


def _check_engine(text: str) -> str:
    if not ENGINE.fullmatch(text):
        raise ValueError("must be duckdb, or a master of Spark: local[2], spark://host:7077, yarn")
    return text


def _check_timezone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be a time zone as IANA names it: UTC, Europe/Berlin") from None
    return text


def _check_locale(text: str) -> str:
    if text == PLAIN:
        return text
    import babel

    try:
        return str(babel.Locale.parse(text.replace("-", "_")))
    except (babel.UnknownLocaleError, ValueError):
        raise ValueError("must be a locale, such as en, de or de_CH") from None


#: A time zone, by its name.
Timezone = Annotated[str, AfterValidator(_check_timezone)]
#: A language, and perhaps a country, by whose habits numbers are written.
Locale = Annotated[str, AfterValidator(_check_locale)]


def _check_name_server(text: str) -> str:
    if text and not NAME_SERVER.fullmatch(text):
        raise ValueError("must be an address and a port, such as 9.9.9.9:53 or [2620:fe::fe]:53")
    return text


#: An address and a port.
NAME_SERVER = re.compile(r"(\d+(\.\d+){3}|\[[0-9a-fA-F:]+\]):\d{1,5}")
NameServer = Annotated[str, AfterValidator(_check_name_server)]

#: DuckDB in this process, or Spark by the URL of its master.
ENGINE = re.compile(r"duckdb|local(\[(\d+|\*)\])?|spark://\S+|k8s://\S+|yarn")
Engine = Annotated[str, AfterValidator(_check_engine)]

#: An amount of memory, as DuckDB reads it.
SIZE = re.compile(r"(?=.*[1-9])\d+(\.\d+)? ?[MG]i?B")
Size = Annotated[str, AfterValidator(_check_size)]

#: A secret: handed in as a text, shown nowhere.
Hidden = Annotated[Secret, BeforeValidator(_hide), Field(repr=False)]
#: A secret that webhooks are signed with.
SigningSecret = Annotated[
    Secret, BeforeValidator(_hide), AfterValidator(_check_signing_secret), Field(repr=False)
]
#: An https address (http on this machine), without the slash at its end.
Address = Annotated[str, AfterValidator(_check_address)]
#: Host names and networks, as a list or separated by commas.
Hosts = Annotated[tuple[str, ...], BeforeValidator(_split_hosts)]
