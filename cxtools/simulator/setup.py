"""The settings of a simulated world: its seed, its clocks, which of the API's variants it has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cxtools.simulator import flags

SCOPE = "communications:email"


def option(default: Any, about: str, read: flags.Reader | None = None) -> Any:
    """
    A setting. *read* makes its value of the command line's text, else the type of its default does;
    one that is on or off has no text.
    """
    metadata = {
        "about": about,
        "read": read or type(default),
    }
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Setup:
    """
    The settings of a world; each field is also a flag of the command line and a key of POST
    /_sim/reset.
    """

    seed: int = option(7, "which world: people, fates, identifiers")
    epoch: str = option("2026-09-14T08:00:00Z", "virtual time at the start", flags.moment)
    speed: float = option(
        60480.0,
        "virtual seconds per real second; 60480: a week in ten seconds; inf: all at once; "
        "0: only by advance",
        flags.speed,
    )
    latency_ms: float = option(0.0, "real milliseconds before each answer", flags.amount)
    rate_limit: float = option(0.0, "requests per second before 429; 0: no limit", flags.amount)
    rate_burst: float = option(
        0.0,
        "requests that may come at once before the rate counts; 0: those of a second",
        flags.amount,
    )
    expires_in_s: float = option(3600.0, "life of a token in real seconds", flags.amount)
    client_id: str = option("simulator", "the client id that may sign in")
    client_secret: str = option("simulator", "its secret")
    scopes: str = option(
        f"{SCOPE}:send {SCOPE}:read {SCOPE}:analytics",
        "scopes the client may have, with spaces between",
    )
    population: int = option(
        20000,
        "how many rows of the seeded recipient list the suppression list was made for",
        flags.count,
    )
    suppression_404: bool = option(
        False, "say 404 with a JSON error for an address that is not listed, not empty results"
    )
    suppression_listing: bool = option(
        False, "list all suppressions in pages when no address is asked for"
    )
    idempotency_window_s: float = option(
        0.0,
        "honour Idempotency-Key for so many real seconds; 0: not known",
        flags.amount,
    )
    no_event_ids: bool = option(False, "events without eventId")
    no_cursors: bool = option(False, "events without paging: the first page only, no nextCursor")
    empty_204: bool = option(False, "204 for no events")
    crm_secret: str = option(
        "",
        "whsec_...: the webhook receiver checks Standard Webhooks signatures",
        flags.webhook_secret,
    )
