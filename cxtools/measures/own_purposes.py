"""A user's own purposes of links, in a file of CXTOOLS_HOME: `links.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cxtools.errors import ConfigError
from cxtools.events.messages.purposes import Purposes

#: The file in the home.
OWN_LINKS = "links.toml"
#: The purposes that links can be given.
PURPOSES = ("content", "unsubscribe")
#: What stands in links.
PART = re.compile(r"[a-z0-9/._~%=&?:+@#,-]{3,200}", re.IGNORECASE)


def purposes_by(file: Path) -> Purposes:
    """
    What links are for: what ships, with what *file* says, if there is one.

    Raises:
        ConfigError: the file isn't TOML, or it says something that isn't a purpose.
    """
    if not file.exists():
        return Purposes()
    try:
        own = tomllib.loads(file.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the links are not TOML: {error}", where=str(file)) from None
    return own_purposes(own, str(file))


def own_purposes(own: Mapping[str, Any], where: str = "") -> Purposes:
    """
    What links are for, by a list of parts of links for each purpose.

    >>> own_purposes({"unsubscribe": ["/Abbestellen"]}).unsubscribe
    ('/abbestellen',)

    Raises:
        ConfigError: there is no such purpose, or a part can't be one of a link.
    """
    for purpose, parts in own.items():
        if purpose not in PURPOSES:
            raise ConfigError(
                f"{purpose!r} is not what a link can be for",
                where=where,
                do=f"choose from: {', '.join(PURPOSES)}",
            )
        if not isinstance(parts, list):
            raise ConfigError(
                f"{purpose} is not a list",
                where=where,
                do=f'write {purpose} = ["lists.acme.example/leave"]',
            )
        for part in parts:
            _check_part(part, f"{where}, {purpose}")
    content, unsubscribe = (_sorted_parts(own.get(purpose, ())) for purpose in PURPOSES)
    return Purposes(content, unsubscribe)


def _sorted_parts(parts: list[str]) -> tuple[str, ...]:
    return tuple(sorted({part.lower() for part in parts}))


def _check_part(part: object, where: str) -> None:
    if not isinstance(part, str) or not PART.fullmatch(part):
        raise ConfigError(
            f"{part!r} is not a part of a link",
            where=where,
            do="write three letters or more as they stand in it, such as acme.example/leave",
        )
