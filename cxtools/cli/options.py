"""Options that several commands share, and how `key=value` is read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from cxtools.errors import ConfigError

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Csv = Annotated[bool, typer.Option("--csv", help="CSV on stdout.")]
Addresses = Annotated[
    bool,
    typer.Option("--addresses", "--show-addresses", help="Whole addresses, not masked ones."),
]
Name = Annotated[
    str | None,
    typer.Argument(help="The campaign's name; all campaigns when left out."),
]

Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="COLUMN=VALUE[,COLUMN=VALUE]",
        help="Only messages with these values, for example provider=gmail,plan=pro; a value with a "
        'comma between quotes: town="Bern, Switzerland". May be repeated.',
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="MOMENT",
        help="Leave out what came later: than a day, as 2026-09-14, to its end, or than "
        "2026-09-14T10:00:00+02:00.",
    ),
]


def parse_pairs(
    option: str,
    texts: Iterable[str] | None,
    *,
    empty_key: bool = False,
) -> dict[str, str]:
    """
    The values of an option that is given as key=value; *empty_key* lets a key be empty.

    >>> parse_pairs("-p", ["campaign=q3", "note = a=b"])
    {'campaign': 'q3', 'note': 'a=b'}
    """
    pairs: dict[str, str] = {}
    for text in texts or ():
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals or not (key or empty_key):
            raise ConfigError(f"{option} needs key=value, not {text!r}", where="command line")
        pairs[key] = value.strip()
    return pairs
