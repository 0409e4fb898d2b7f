"""
A user's own mailbox providers, `providers.toml` of CXTOOLS_HOME, and what DNS told of mail servers,
`mail_servers.json` beside it.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from cxtools.errors import ConfigError
from cxtools.files import write_whole
from cxtools.measures.providers import Providers, is_pattern

#: The files in the home.
OWN_PROVIDERS = "providers.toml"
MAIL_SERVERS = "mail_servers.json"
#: The table of `providers.toml` that names mail servers; whatever stands above it are domains.
SERVERS_TABLE = "mx"
LONGEST_NAME = 40


def providers_of(home: Path) -> Providers:
    """
    The providers that ship, with those of a home.

    Raises:
        ConfigError: `providers.toml` isn't TOML, or an entry of it is wrong.
    """
    files = (home / OWN_PROVIDERS, home / MAIL_SERVERS)
    return _read(*files, tuple(_version(file) for file in files))


def keep_servers(home: Path, servers: Mapping[str, Sequence[str]]) -> None:
    """Keep what DNS told of the mail servers of domains, with what is kept of others."""
    known = {**_servers(home / MAIL_SERVERS), **servers}
    text = json.dumps(known, ensure_ascii=False, indent=0, sort_keys=True)
    write_whole(home / MAIL_SERVERS, text.encode())


def _version(file: Path) -> tuple[int, int]:
    """What changes when a file does."""
    if not file.exists():
        return (0, 0)
    stat = file.stat()
    return (stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=8)
def _read(own_file: Path, servers_file: Path, _versions: object) -> Providers:
    own = _own(own_file)
    servers = own.pop(SERVERS_TABLE, {})
    if not isinstance(servers, dict):
        raise ConfigError(
            f"[{SERVERS_TABLE}] is not a table",
            where=str(own_file),
            do=f'write [{SERVERS_TABLE}] on a line, and "mail.acme.example" = "acme" below it',
        )
    return Providers(
        _checked(_flat(own), str(own_file)),
        _checked(_flat(servers), str(own_file)),
        _servers(servers_file),
    )


def _own(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        return tomllib.loads(file.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the providers are not TOML: {error}", where=str(file)) from None


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """
    Entries by their whole names: TOML takes the dots of an unquoted key for tables within tables.

    >>> _flat({"acme-19": {"example": "acme"}, "a.example": "acme"})
    {'acme-19.example': 'acme', 'a.example': 'acme'}
    """
    flat: dict[str, Any] = {}
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            flat |= _flat(value, f"{name}.")
        else:
            flat[name] = value
    return flat


def _checked(entries: Mapping[str, Any], where: str) -> dict[str, str]:
    for pattern, provider in entries.items():
        if not is_pattern(pattern):
            raise ConfigError(
                f"{pattern!r} is not a domain or a pattern of domains",
                where=where,
                do='write "acme.example", "acme.*" or "*.acme.example"',
            )
        is_name = isinstance(provider, str) and 0 < len(provider.strip()) <= LONGEST_NAME
        if not is_name or not str(provider).isprintable():
            raise ConfigError(
                f"{provider!r} is not the name of a provider",
                where=f"{where}, {pattern}",
                do=f'write a name of up to {LONGEST_NAME} letters in quotes, as "acme"',
            )
    return {pattern.lower(): str(provider).strip() for pattern, provider in entries.items()}


def _servers(file: Path) -> dict[str, list[str]]:
    """What is kept of DNS; a file that can't be read is as none: it is made again."""
    try:
        servers: dict[str, list[str]] = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return servers
