"""A user's own limits for campaigns, in a file of CXTOOLS_HOME: `limits.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cxtools.errors import ConfigError
from cxtools.verdicts.limits import LIMITS, Limit

#: The file in the home.
OWN_LIMITS = "limits.toml"
#: What can be set of a limit: a share 0..1, or text.
SHARES = ("target", "limit", "stop")
TEXTS = ("source",)


def limits_by(file: Path) -> tuple[Limit, ...]:
    """
    The limits that campaigns are held against: those that ship, with what *file* sets, if there is
    one.

    Raises:
        ConfigError: the file isn't TOML, or it sets something that isn't a limit.
    """
    if not file.exists():
        return LIMITS
    try:
        own = tomllib.loads(file.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the limits are not TOML: {error}", where=str(file)) from None
    return own_limits(own, str(file))


def own_limits(own: Mapping[str, Any], where: str = "") -> tuple[Limit, ...]:
    """
    The limits that ship, with what is set of them: a table for each, by what it counts.

    >>> mine = {"hard": {"target": 0.01, "limit": 0.03, "source": "our contract"}}
    >>> hard = own_limits(mine)[0]
    >>> hard.target, hard.limit, hard.stop, hard.source
    (0.01, 0.03, 0.1, 'our contract')

    Raises:
        ConfigError: there is no such limit, or a value isn't a share.
    """
    names = [limit.part for limit in LIMITS]
    for name in own:
        if name not in names:
            raise ConfigError(
                f"there is no limit [{name}]",
                where=where,
                do=f"choose from: {', '.join(names)}",
            )
    return tuple(_own_limit(limit, own.get(limit.part, {}), where) for limit in LIMITS)


def _own_limit(limit: Limit, own: object, where: str) -> Limit:
    if not isinstance(own, dict):
        raise ConfigError(
            f"[{limit.part}] is not a table",
            where=where,
            do=f"write [{limit.part}] on a line, and target = 0.01 below it",
        )
    for key, value in own.items():
        _check_value(limit, key, value, where)
    mine = replace(limit, **own)
    if mine.limit is not None and mine.target > mine.limit:
        raise ConfigError(
            f"[{limit.part}] warns above {mine.target}, but fails above {mine.limit} already",
            where=where,
            do="set a target that is not above the limit",
        )
    if mine.limit is not None and mine.stop is not None and mine.limit > mine.stop:
        raise ConfigError(
            f"[{limit.part}] fails above {mine.limit}, but says stop above {mine.stop} already",
            where=where,
            do="set a limit that is not above stop",
        )
    if own and "source" not in own:
        return replace(mine, source=f"yours: {OWN_LIMITS}")
    return mine


def _check_value(limit: Limit, key: str, value: object, where: str) -> None:
    place = f"[{limit.part}] {key}"
    if key in TEXTS and isinstance(value, str):
        return
    settable = [*SHARES, *TEXTS]
    if limit.stop is None:  # there is nothing that it would say to stop
        settable.remove("stop")
    if key not in settable:
        known = ", ".join(settable)
        raise ConfigError(f"{place} can't be set", where=where, do=f"choose from: {known}")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= float(str(value)) <= 1:
        raise ConfigError(f"{place} = {value!r} is not a share from 0 to 1", where=where)
